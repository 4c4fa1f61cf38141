"""The agents that are measured; in a module of their own, as workers import them."""

from __future__ import annotations

import asyncio
import time

from headrace import Agent, Context, InputEvent, OutputEvent, action, retry

BACK_OFF = 5.0
"""Seconds for which a key waits for its next attempt."""
BUSY: dict[str, float] = {}
"""When the last input of the other keys had its turn, by ``time.perf_counter``."""


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


class BackingOff(Agent):
    """Fails once for one key, which then waits for its next attempt."""

    key: str = ""

    @action(InputEvent, on_failure=retry(2, backoff=BACK_OFF, jitter=0))
    async def work(self, event: InputEvent, ctx: Context) -> None:
        """Counts the key's events, and notes when."""
        if ctx.key == self.key and ctx.attempt == 1:
            raise ConnectionError("the first attempt")
        ctx.short_term["seen"] = seen = ctx.short_term.get("seen", 0) + 1
        if ctx.key != self.key:
            BUSY["last"] = time.perf_counter()
        ctx.send(OutputEvent(output={**event.input, "n": seen}))
