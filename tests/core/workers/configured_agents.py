"""Agents that read the configuration, for both engines."""

from __future__ import annotations

from pydantic import BaseModel

from headrace import Agent, AgentBuilder, Context, InputEvent, OutputEvent, action, tool
from headrace.teams import Team


class Money(BaseModel):
    """A table inside the values."""

    currency: str = "EUR"


class Shop(BaseModel):
    """The values of a desk."""

    tenant: str
    limit: int = 3
    money: Money = Money()


class Desk(Agent):
    """Tells what it reads."""

    values = Shop

    @tool()
    async def priced(self, amount: int, ctx: Context) -> str:
        """Prices something."""
        return f"{amount} {ctx.config['money.currency']}"

    @action(InputEvent)
    async def tell(self, event: InputEvent, ctx: Context) -> None:
        shop = ctx.config.as_model(Shop)
        price = await ctx.tool("priced", amount=shop.limit)
        ctx.send(OutputEvent(output={"tenant": ctx.config["tenant"], "price": price}))


class Blocked(Agent):
    """Reads the configuration in a thread."""

    values = Shop(tenant="acme")

    @action(InputEvent, blocking=True)
    def tell(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=ctx.config["tenant"]))


def warn(event: InputEvent, ctx: Context) -> None:
    """Tells when an input is above the level that it was given."""
    if event.input > ctx.config["level"]:
        ctx.send(OutputEvent(output=ctx.config["word"]))


def warning_twice() -> AgentBuilder:
    """One function as two actions."""
    return (
        AgentBuilder("warnings")
        .values(word="high", level=10)
        .action(warn, InputEvent, name="high")
        .action(warn, InputEvent, name="highest", settings={"word": "highest", "level": 20})
    )


def two_desks() -> Team:
    """A team whose members read one configuration."""
    return Team("desks", first=Desk(), values={"tenant": "acme", "money": {"currency": "CHF"}})
