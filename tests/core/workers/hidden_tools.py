"""Tools whose declarations agree with nothing, and such that do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from headrace import Agent, Context, InputEvent, OutputEvent, action, tool
from headrace.hidden import FromConfig, FromContext, FromMemory


class Order(BaseModel):
    """Has a source inside."""

    tenant: Annotated[str, FromMemory("tenant")]


class Clashing(Agent):
    """Each tool is wrong in its own way."""

    region: str = "north"

    @action(InputEvent)
    def do(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=1))

    @tool()
    def two_sources(self, a: Annotated[str, FromMemory("x"), FromConfig("region")]) -> None:
        """Has two."""

    @tool(hidden={"a": FromMemory("y")})
    def other_source(self, a: Annotated[str, FromMemory("x")]) -> None:
        """Has another one beside it."""

    @tool()
    def with_default(self, a: Annotated[str, FromMemory("x")] = "b") -> None:
        """Has a default."""

    @tool()
    def with_words(self, a: Annotated[str, Field(description="give it"), FromMemory("x")]) -> None:
        """Is described for the model."""

    @tool()
    def inside(self, a: list[Annotated[str, FromMemory("x")]]) -> None:
        """Hides a part."""

    @tool()
    def inside_model(self, order: Order) -> None:
        """Hides a part of a model."""

    @tool()
    def not_called(self, a: Annotated[str, FromMemory]) -> None:
        """Names the class and no path."""

    @tool(hidden={"tenent": FromMemory("x")})
    def unknown_parameter(self, tenant: str) -> None:
        """Hides what is not there."""

    @tool()
    def no_such_config(self, a: Annotated[str, FromConfig("regio")]) -> None:
        """Names no parameter of the agent."""

    @tool()
    def no_such_context(self, a: Annotated[str, FromContext("weather")]) -> None:
        """Names nothing of the context."""

    @tool()
    def given_and_hidden(self, ctx: Annotated[Context, FromMemory("x")]) -> None:
        """Is given a context, and hides it."""

    @tool()
    def described_twice(self, n: Annotated[int, Field(description="how many")]) -> None:
        """Says two things.

        Args:
            n: which
        """

    @tool()
    def bad_default(self, n: Annotated[int, Field(ge=1)] = 0) -> None:
        """Has a default that it refuses."""

    @tool(on_error="ignore")  # type: ignore[arg-type]
    def ignoring(self) -> None:
        """Ignores."""


def orders(status: str, tenant: str, region: str) -> str:
    """Lists orders."""
    return f"{status} {tenant} {region}"


@dataclass
class Customer:
    """A value with fields."""

    tenant: str


def do(event: InputEvent, ctx: Context) -> None:
    """Does nothing."""
    ctx.send(OutputEvent(output=1))


class Listing(Agent):
    """The same tool in a class."""

    agent_name = "listing"
    region: str = "north"

    orders = tool(
        hidden={"tenant": FromMemory("user.tenant"), "region": FromConfig("region")},
        on_error="fail",
    )(orders)
