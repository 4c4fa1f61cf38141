"""Agents whose jobs are stopped while effects are tried."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace import Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action, retry

DONE: list[Any] = []
"""What was done in this process."""
ENGINES: list[Any] = []
"""The engine that is stopped."""


async def do(name: str) -> None:
    """An effect."""
    DONE.append(name)


async def fail_and_stop(name: str) -> None:
    """Fails, and its job is stopped before the next try."""
    DONE.append(f"{name} tried")
    ENGINES[-1].stop()
    raise ConnectionError("refused")


async def stop_and_end(name: str) -> None:
    """Its job is stopped while it is done."""
    ENGINES[-1].stop()
    await asyncio.sleep(0.01)
    DONE.append(name)


async def stop_and_hang(name: str) -> None:
    """Its job is stopped, and it does not end."""
    DONE.append(f"{name} begun")
    ENGINES[-1].stop()
    await asyncio.Event().wait()


class Stopped(Agent):
    """Asks for one effect of a name, and one behind it."""

    config = RuntimeConfig(outbox=retry(3, backoff=0.001))
    effect: str = "do"

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(globals()[self.effect], event.input)
        ctx.after_commit(do, "behind")
        ctx.send(OutputEvent(output=event.input))


class Choosy(Agent):
    """Fails its job for one input."""

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(do, event.input)
        if event.input == "fail":
            raise RuntimeError("no")
