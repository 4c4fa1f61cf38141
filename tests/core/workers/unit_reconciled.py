"""An agent whose call was cut off, and reconcilers of each kind."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace import (
    DEAD_LETTER,
    RETRY,
    Agent,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
)

__all__ = ["LOOKED", "MADE", "Declined", "Settling"]

MADE: list[str] = []
"""The effects, in this process."""
LOOKED: list[str] = []
"""The reconcilers that were asked, in this process."""


class Declined(Exception):
    """What the outside said no with."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(f"declined: {reason}")
        self.code = code


async def effect(name: str) -> str:
    """What happens outside."""
    MADE.append(name)
    await asyncio.sleep(0)
    return "made"


async def gives(name: str) -> Any:
    """Knows the outcome."""
    LOOKED.append(name)
    return {"found": [name, (1, 2)]}


async def raises(name: str) -> Any:
    """Knows that it failed."""
    LOOKED.append(name)
    raise Declined("no money", 402)


async def sends_again(name: str) -> Any:
    """Knows that nothing has happened."""
    LOOKED.append(name)
    return RETRY


async def fails_once(name: str) -> Any:
    """Cannot say at first."""
    LOOKED.append(name)
    if len(LOOKED) == 1:
        raise ConnectionError("reset")
    return "found"


async def hangs_once(name: str) -> Any:
    """Says nothing at first."""
    LOOKED.append(name)
    if len(LOOKED) == 1:
        await asyncio.Event().wait()
    return "found"


async def gives_what_cannot_be_kept(name: str) -> Any:
    """Gives something of this process."""
    LOOKED.append(name)
    return object()


_RECONCILERS = {
    one.__name__: one
    for one in (gives, raises, sends_again, fails_once, hangs_once, gives_what_cannot_be_kept)
}


class Settling(Agent):
    """Makes one call; tells what became of it, and then goes on or waits."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    reconciler: str
    tries: int = 1
    stays: bool = False

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        """Makes it."""
        try:
            said = await ctx.call(
                effect,
                "pay",
                reconcile=_RECONCILERS[self.reconciler],
                retry=retry(self.tries, backoff=0.0),
                timeout=0.05 if self.reconciler == "hangs_once" else None,
            )
        except Declined as error:
            said = [type(error).__name__, str(error), error.code]
        if self.stays:
            await asyncio.Event().wait()
        ctx.send(OutputEvent(output=said))
