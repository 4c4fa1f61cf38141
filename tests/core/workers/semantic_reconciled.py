"""Agents of the semantic suite whose calls have reconcilers; what takes effect is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from headrace import (
    DEAD_LETTER,
    RETRY,
    Agent,
    Context,
    InputEvent,
    NonRetryableError,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
)

EFFECTS: Counter[str] = Counter()
"""How often an effect was taken, by a name that the test chose."""
LOOKED: Counter[str] = Counter()
"""How often a reconciler was asked."""
TRIES = retry(4, backoff=0.001)


class Declined(NonRetryableError):
    """What a reconciler found out: there is no sense in trying again."""


async def answer_lost(name: str) -> str:
    """Takes effect; who called does not hear of it."""
    EFFECTS[name] += 1
    raise ConnectionError("reset")


async def never_sent(name: str) -> str:
    """Fails the first time, before it takes effect."""
    if not LOOKED[name]:
        raise ConnectionError("refused")
    EFFECTS[name] += 1
    return "made"


async def answer_late(name: str) -> str:
    """Takes effect, and does not answer in time."""
    EFFECTS[name] += 1
    await asyncio.Event().wait()
    return "never"


async def look(name: str) -> Any:
    """Tells whether it took effect."""
    LOOKED[name] += 1
    return "found" if EFFECTS[name] else RETRY


async def look_twice(name: str) -> Any:
    """Fails the first time."""
    LOOKED[name] += 1
    if LOOKED[name] == 1:
        raise ConnectionError("reset")
    return "found"


async def look_late(name: str) -> Any:
    """Hangs the first time."""
    LOOKED[name] += 1
    if LOOKED[name] == 1:
        await asyncio.Event().wait()
    return "found"


async def look_declined(name: str) -> Any:
    """Finds that it was declined."""
    LOOKED[name] += 1
    raise Declined("no money")


class Reconciling(Agent):
    """Makes a call with a reconciler, in the way that the input names."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    name: str

    @action(InputEvent, when="event.input != 'cut_off' && event.input != 'next_attempt'")
    async def do(self, event: InputEvent, ctx: Context) -> None:
        self._say(ctx, await getattr(self, event.input)(ctx, f"{self.name}/{event.input}"))

    async def answer_lost(self, ctx: Context, name: str) -> Any:
        return await ctx.call(answer_lost, name, reconcile=look, retry=TRIES)

    async def never_sent(self, ctx: Context, name: str) -> Any:
        return await ctx.call(never_sent, name, reconcile=look, retry=TRIES)

    async def answer_late(self, ctx: Context, name: str) -> Any:
        return await ctx.call(answer_late, name, reconcile=look, retry=TRIES, timeout=0.02)

    async def reconciler_fails(self, ctx: Context, name: str) -> Any:
        return await ctx.call(answer_lost, name, reconcile=look_twice, retry=TRIES)

    async def reconciler_hangs(self, ctx: Context, name: str) -> Any:
        return await ctx.call(answer_lost, name, reconcile=look_late, retry=TRIES, timeout=0.02)

    async def outcome_raised(self, ctx: Context, name: str) -> Any:
        return await ctx.call(answer_lost, name, reconcile=look_declined, retry=TRIES)

    async def no_policy(self, ctx: Context, name: str) -> Any:
        return await ctx.call(answer_lost, name, reconcile=look)

    @action(InputEvent, when="event.input == 'next_attempt'", on_failure=TRIES)
    async def next_attempt(self, event: InputEvent, ctx: Context) -> None:
        """The call has no policy; the action has."""
        self._say(ctx, await ctx.call(answer_lost, f"{self.name}/next_attempt", reconcile=look))

    @action(InputEvent, when="event.input == 'cut_off'", timeout=0.05, on_failure=TRIES)
    async def cut_off(self, event: InputEvent, ctx: Context) -> None:
        """The action's time ends inside the call."""
        self._say(ctx, await ctx.call(answer_late, f"{self.name}/cut_off", reconcile=look))

    def _say(self, ctx: Context, result: Any) -> None:
        name = f"{self.name}/{ctx.key}"
        saw = {"result": result, "effects": EFFECTS[name], "looked": LOOKED[name]}
        ctx.send(OutputEvent(output={"do": ctx.key, **saw, "attempt": ctx.attempt}))
