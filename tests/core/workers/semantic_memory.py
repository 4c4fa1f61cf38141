"""Agents of the semantic suite that keep things."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import uuid
from typing import Any

from pydantic import BaseModel

from headrace import (
    DEAD_LETTER,
    Agent,
    Context,
    Event,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
)


class Colour(enum.Enum):
    """An enum."""

    RED = "r"


class Order(BaseModel):
    """A model."""

    id: uuid.UUID
    lines: list[tuple[str, int]]


@dataclasses.dataclass(frozen=True)
class Place:
    """A dataclass."""

    name: str
    since: dt.datetime


RICH: dict[str, Any] = {
    "none": None,
    "text": "Grüße, 世界 🎉 \x00\x1f\x7f",
    "big": 2**70,
    "float": 0.1,
    "nested": {"a": [1, {"$": "ttl", "v": 1, "e": 0}], "$": "model"},
    "int keys": {1: "one", 2.5: "float"},
    "tuple": (1, (2, "3")),
    "set": {1, 2, 3},
    "bytes": b"\x00\xff",
    "time": dt.datetime(2026, 3, 29, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=5.5))),
    "delta": dt.timedelta(days=-1, microseconds=1),
    "enum": Colour.RED,
    "model": Order(id=uuid.UUID(int=7), lines=[("a", 1)]),
    "dataclass": Place("Delft", dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)),
}


class Second(Event):
    """Leads to the second step."""


class Keeper(Agent):
    """Does with its memory what the input says, and tells what it saw."""

    config = RuntimeConfig(failure=DEAD_LETTER)

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        result = await getattr(self, event.input["do"])(ctx)
        ctx.send(OutputEvent(output={"do": event.input["do"], "saw": result}))

    async def write_rich(self, ctx: Context) -> Any:
        for name, value in RICH.items():
            ctx.short_term[name] = value

    async def read_rich(self, ctx: Context) -> Any:
        return [name for name, value in RICH.items() if ctx.short_term.get(name) != value]

    async def write_sensory(self, ctx: Context) -> Any:
        ctx.sensory["a"] = 1
        ctx.send(Second())

    async def read_sensory(self, ctx: Context) -> Any:
        return dict(ctx.sensory)

    @action(Second)
    async def second(self, event: Second, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "second", "saw": dict(ctx.sensory)}))

    async def change_after_set(self, ctx: Context) -> Any:
        value = {"list": [1]}
        ctx.short_term["copy"] = value
        value["list"].append(2)
        return ctx.short_term["copy"]

    async def change_after_get(self, ctx: Context) -> Any:
        ctx.short_term["copy"]["list"].append(3)
        return ctx.short_term["copy"]

    async def write_paths(self, ctx: Context) -> Any:
        ctx.short_term["orders", "o-1", "total"] = 5
        ctx.short_term["orders", "o-2", "total"] = 7
        ctx.short_term["order"] = "not below orders"

    async def read_paths(self, ctx: Context) -> Any:
        orders = ctx.short_term.at("orders")
        return {
            "one": ctx.short_term["orders", "o-1", "total"],
            "below": sorted(orders),
            "through": orders["o-2", "total"],
        }

    async def delete(self, ctx: Context) -> Any:
        del ctx.short_term["orders", "o-1", "total"]
        return sorted(ctx.short_term.at("orders"))

    async def after_delete(self, ctx: Context) -> Any:
        return sorted(ctx.short_term.at("orders"))

    async def write_for_a_time(self, ctx: Context) -> Any:
        ctx.short_term.set("brief", 1, ttl=0.05)
        ctx.short_term.set("long", 1, ttl=dt.timedelta(hours=1))

    async def until_it_is_gone(self, ctx: Context) -> Any:
        while "brief" in ctx.short_term:  # noqa: ASYNC110 - what is waited for is the time itself
            await asyncio.sleep(0.005)
        return sorted(ctx.short_term)

    async def keep_live_object(self, ctx: Context) -> Any:
        ctx.short_term["a"] = {"list": [1, object()]}


class Conflicted(Agent):
    """Two actions of one step write to the same names."""

    config = RuntimeConfig(failure=DEAD_LETTER, short_term_ttl=60)

    @action(InputEvent)
    async def left(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["name"] = "left" if event.input == "differ" else ["same"]

    @action(InputEvent)
    async def right(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0.002)
        ctx.short_term["name"] = "right" if event.input == "differ" else ["same"]
        ctx.send(OutputEvent(output=event.input))
