"""An agent whose actions lose what they do, as can be read from its source."""

from __future__ import annotations

from typing import Any

from headrace import Agent, Context, InputEvent, OutputEvent, action, tool


async def look(n: int) -> int:
    """Looks."""
    return n


class Losing(Agent):
    """Each action loses something in its own way."""

    @action(InputEvent)
    async def call_not_awaited(self, event: InputEvent, ctx: Context) -> None:
        ctx.call(look, 1)

    @action(InputEvent)
    async def memory_not_awaited(self, event: InputEvent, ctx: Context) -> None:
        if event.input:
            ctx.long_term.add("a fact")

    @action(InputEvent)
    async def gather_not_awaited(self, event: InputEvent, ctx: Context) -> None:
        ctx.gather(ctx.call(look, 1))

    @action(InputEvent)
    def plain_calls(self, event: InputEvent, ctx: Context) -> None:
        found = ctx.tool("losing")
        ctx.send(OutputEvent(output=found))

    @action(InputEvent)
    async def returns_name(self, event: InputEvent, ctx: Context):  # type: ignore[no-untyped-def]
        found = await ctx.call(look, 1)
        return found  # noqa: RET504 - that is what is told

    @action(InputEvent)
    def returns_field(self, event: InputEvent, ctx: Context):  # type: ignore[no-untyped-def]
        return event.input

    @tool()
    async def losing(self, ctx: Context, n: int = 1) -> int:
        """Loses a call."""
        ctx.call(look, n)
        return n


class Keeping(Agent):
    """Loses nothing that could be seen."""

    @action(InputEvent)
    async def awaits(self, event: InputEvent, ctx: Context) -> None:
        calls = [ctx.call(look, n) for n in range(3)]
        ctx.send(OutputEvent(output=await ctx.gather(*calls)))
        if event.input is None:
            return None

        async def inner() -> int:
            return int(await ctx.call(look, 1))

        await inner()
        return await self.ends(ctx)

    async def ends(self, ctx: Context) -> None:
        ctx.send(OutputEvent(output=1))

    @action(InputEvent)
    def gives_back_what_is_awaited(self, event: InputEvent, ctx: Context) -> Any:
        return ctx.call(look, 1)

    @action(InputEvent, blocking=True)
    def waits(self, event: InputEvent, ctx: Context) -> None:
        ctx.call(look, 1)
        ctx.long_term.add("a fact")
