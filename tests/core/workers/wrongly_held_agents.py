"""Agents that ask for effects which nobody could do, as can be read from their source."""

from __future__ import annotations

from typing import Any

from headrace import Agent, Context, InputEvent, action, tool


async def mail(to: Any, text: str = "") -> None:
    """An effect."""


class Wrong(Agent):
    """Each action asks in its own wrong way."""

    @action(InputEvent)
    async def awaits(self, event: InputEvent, ctx: Context) -> None:
        await ctx.after_commit(mail, event.input)  # type: ignore[misc]

    @action(InputEvent)
    async def gives_lambda(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(lambda: mail(event.input))

    @action(InputEvent)
    def gives_closure(self, event: InputEvent, ctx: Context) -> None:
        async def send() -> None:
            await mail(event.input)

        ctx.after_commit(send)

    @action(InputEvent)
    async def calls(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(mail(event.input))  # type: ignore[arg-type]

    @action(InputEvent)
    async def gives_context(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(mail, event.input, text=ctx)

    @action(InputEvent)
    async def gives_nothing(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit()  # type: ignore[call-arg]

    @tool()
    def sends(self, to: str, ctx: Context) -> str:
        """Sends."""
        ctx.after_commit(lambda: mail(to))
        return "sent"


class Right(Agent):
    """Asks as it should."""

    async def own(self, to: str) -> None:
        """An effect."""

    @action(InputEvent)
    async def asks(self, event: InputEvent, ctx: Context) -> None:
        def text() -> str:
            return "hello"

        ctx.after_commit(mail, event.input, text())
        key = ctx.after_commit(self.own, event.input)
        chosen = (mail, "to") if key else (mail, "nobody")
        ctx.after_commit(*chosen)
