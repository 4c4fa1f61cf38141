"""Agents whose traces are looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace import Agent, Context, InputEvent, OutputEvent, action, sub_agent, tool, use
from headrace.interfaces import Toolset
from headrace.records import tell, tell_skill
from headrace.tools import tool_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.chat import ToolSpec

RULES = {
    "name": "rules-1",
    "rules": [
        {"when": {"not_called": "lookup"}, "call": {"tool": "lookup", "with": {"name": "pears"}}},
        {"say": "there are five"},
    ],
}


def lookup(name: str) -> None:
    """Looks something up.

    Args:
        name: What.
    """


async def weighed(name: str) -> int:
    """A function that is called durably."""
    return len(name)


class Books(Toolset):
    """Tells of a skill and of a search while it is called."""

    def specs(self) -> Sequence[ToolSpec]:
        """Its tool."""
        return [tool_spec("lookup", None, lookup)]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Tells, and answers."""
        tell_skill("loaded", "stocktaking")
        tell("searched", "shelves", found=2)
        return {"left": 5}


class Keeper(Agent):
    """Asks a model that calls a tool."""

    clerk = use("chat_models", "scripted", policy=RULES)
    books = use("tools", Books)

    @action(InputEvent)
    async def keep(self, event: InputEvent, ctx: Context) -> None:
        """Asks."""
        await ctx.call(weighed, "pears")
        answer = await ctx.chat("clerk", event.input, tools=["books"])
        ctx.send(OutputEvent(output=answer.text))


class Boss(Agent):
    """Has somebody else do it."""

    keeper = sub_agent(Keeper())

    @action(InputEvent)
    async def order(self, event: InputEvent, ctx: Context) -> None:
        """Asks the keeper."""
        ctx.send(OutputEvent(output=await ctx.agent("keeper", event.input["do"])))


class Several(Agent):
    """Has several models."""

    llm = use("chat_models", "openai", model="large")
    small = use("chat_models", "ollama", model="s")
    keeper = sub_agent(Keeper())

    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        """Asks one of them."""
        await ctx.chat("llm", "hello")


class Outer(Agent):
    """Has a tool that makes a durable call."""

    @tool()
    async def scales(self, name: str, ctx: Context) -> int:
        """Weighs something."""
        return await ctx.call(weighed, name)

    @action(InputEvent)
    async def weigh(self, event: InputEvent, ctx: Context) -> None:
        """Calls it."""
        ctx.send(OutputEvent(output=await ctx.tool("scales", name=event.input["do"])))


class Dying(Agent):
    """Makes a call, and waits to be killed until a file says that it was."""

    folder: str

    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        """Calls, waits, calls."""
        said = await ctx.call(weighed, event.input["do"])
        if not (Path(self.folder) / "killed").exists():
            await asyncio.get_running_loop().create_future()
        again = await ctx.call(weighed, f"{event.input['do']} again")
        ctx.send(OutputEvent(output=[said, again]))
