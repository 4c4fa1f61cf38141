"""Agents whose tools are given the context or memory."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from headrace import (
    Agent,
    Context,
    Event,
    InputEvent,
    OutputEvent,
    ToolError,
    Toolset,
    ToolSpec,
    action,
    tool,
    use,
)
from headrace.context import LongTermMemory
from headrace.interfaces import CALLER
from headrace.memory import Memory

CALLS: list[str] = []
"""What was called in this process."""


class Noted(Event):
    """Sent by a tool."""

    what: str


class Clerk(Agent):
    """Calls its tools as the input says: texts are names of ways."""

    @tool()
    async def note(self, what: str, ctx: Context) -> str:
        """Notes what it is told.

        Args:
            what: The thing to note.
        """
        CALLS.append(what)
        so_far = ctx.short_term.get("notes", [])
        if what == "slow":
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        ctx.short_term["notes"] = [*so_far, what]
        ctx.sensory["last"] = what
        ctx.send(OutputEvent(output=f"noted {what}"))
        ctx.send(Noted(what=what))
        if what == "bad":
            raise ToolError("this is not to be noted")
        return what.upper()

    @tool()
    def count(self, memory: Memory) -> int:
        """Counts the notes."""
        return len(memory.get("notes", []))

    @tool()
    def forget(self, memory: Memory) -> None:
        """Drops the notes."""
        del memory["notes"]

    @tool()
    async def recall(self, about: str, past: LongTermMemory) -> list[str]:
        """Looks into long-term memory."""
        return [item["text"] for item in await past.search(about)]

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        for way in event.input:
            ctx.send(OutputEvent(output=await self.go(way, ctx)))

    @action(Noted)
    def noted(self, event: Noted, ctx: Context) -> None:
        ctx.send(OutputEvent(output=f"seen {event.what}"))

    async def go(self, way: str, ctx: Context) -> Any:
        if way == "stop":
            await asyncio.Event().wait()
        if way == "count":
            return await ctx.tool("count")
        if way == "forget":
            return await ctx.tool("forget")
        if way == "both":
            calls = [ctx.tool("note", what=what) for what in ("slow", "quick")]
            return await asyncio.gather(*calls)
        if way == "memory":
            return [ctx.short_term.get("notes"), ctx.sensory.get("last")]
        try:
            return await ctx.tool("note", what=way)
        except ToolError as error:
            return str(error)


class Server(Toolset):
    """Offers what somebody else says."""

    offers: ClassVar[list[str]] = ["one"]
    opened: ClassVar[list[Any]] = []

    async def open(self) -> None:
        self.opened.append(self.pinned)

    async def pin(self) -> dict[str, Any] | None:
        return {"tools": list(self.offers)}

    def specs(self) -> list[ToolSpec]:
        return [ToolSpec(name=name) for name in self.offers]

    async def call(self, name: str, arguments: Any) -> Any:
        caller = CALLER.get()
        assert caller is not None
        return [caller.agent, caller.key_id, caller.run]


class Gone(Server):
    """Cannot be asked."""

    async def pin(self) -> dict[str, Any] | None:
        raise ToolError("it is gone")


class Pinned(Agent):
    """Uses such a server."""

    server = use("tools", Server)

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.tool("one")))


class Broken(Pinned):
    """Uses one that is gone."""

    server = use("tools", Gone)


class Plain(Agent):
    """Uses none."""

    @action(InputEvent)
    def work(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=1))
