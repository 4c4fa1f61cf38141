"""The agents that are measured; in a module of their own, as workers import them."""

from __future__ import annotations

import asyncio

from headrace import Agent, Context, InputEvent, OutputEvent, action


class Identity(Agent):
    """Gives back its input."""

    @action(InputEvent)
    async def give(self, event: InputEvent, ctx: Context) -> None:
        """Sends the input."""
        ctx.send(OutputEvent(output=event.input))


class Counting(Agent):
    """One memory read and one write for each event, and a wait where it is asked to."""

    wait: float = 0.0

    @action(InputEvent)
    async def count(self, event: InputEvent, ctx: Context) -> None:
        """Counts the key's events."""
        ctx.short_term["seen"] = seen = ctx.short_term.get("seen", 0) + 1
        if self.wait:
            await asyncio.sleep(self.wait)
        ctx.send(OutputEvent(output={**event.input, "n": seen}))
