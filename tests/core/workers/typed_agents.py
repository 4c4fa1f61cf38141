"""Agents whose inputs and outputs are models, for both engines."""

from __future__ import annotations

import logging

from pydantic import BaseModel

from headrace import DEAD_LETTER, Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action

LOG = logging.getLogger("typed_agents")


class Line(BaseModel):
    """A line of an order."""

    article: str
    count: int


class Order(BaseModel):
    """An order, as an action takes it."""

    user: str
    amount: float
    lines: list[Line] = []


class Total(BaseModel):
    """What the agent puts out."""

    user: str
    total: float
    large: bool
    note: str | None = None
    lines: list[Line] = []
    counts: dict[str, int] = {}


class Adding(Agent):
    """Adds up the orders of a user."""

    config = RuntimeConfig(failure=DEAD_LETTER)

    @action(InputEvent[Order], when="event.input.amount > 0.0")
    async def add(self, event: InputEvent[Order], ctx: Context) -> None:
        order = event.input
        ctx.short_term["total"] = total = ctx.short_term.get("total", 0.0) + order.amount
        LOG.warning("adding %s, 100%% sure", order.amount)
        counts = {line.article: line.count for line in order.lines}
        made = Total(
            user=order.user, total=total, large=total > 10, lines=order.lines, counts=counts
        )
        ctx.send(OutputEvent(output=made))


class Logging(Agent):
    """Logs in a thread."""

    @action(InputEvent, blocking=True)
    def log(self, event: InputEvent, ctx: Context) -> None:
        LOG.warning("in a thread")
        ctx.send(OutputEvent(output=1))
