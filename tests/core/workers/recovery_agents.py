"""Agents that make their job fail in the middle, as often as the test says, and note what they do.

A note is a line in a file that all executions of a job share: it outlives them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from pathlib import Path
from typing import Any

from headrace import RETRY, Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action


def note(folder: str | Path, line: str) -> None:
    """Writes a line that outlives this execution."""
    file = os.open(f"{folder}/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def notes(folder: str | Path) -> list[str]:
    """The lines."""
    path = Path(folder) / "notes"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


async def noted(folder: str, line: str) -> None:
    """Waits until a line is there."""
    while line not in notes(folder):  # noqa: ASYNC110 - it comes from other processes
        await asyncio.sleep(0.02)


def last_checkpoint(folder: str | Path) -> int:
    """The number of the last checkpoint that was completed."""
    found = Path(folder).glob("checkpoints/*/chk-*/_metadata")
    return max((int(path.parent.name[4:]) for path in found), default=0)


async def checkpoints(folder: str, count: int) -> None:
    """Waits until so many more checkpoints are completed."""
    wanted = last_checkpoint(folder) + count
    while last_checkpoint(folder) < wanted:  # noqa: ASYNC110 - Java writes it
        await asyncio.sleep(0.02)


async def effect(folder: str, name: str) -> str:
    """An effect on the outside."""
    note(folder, f"called {name}")
    await asyncio.sleep(0.001)
    return name


async def effect_until(folder: str, name: str, line: str) -> str:
    """An effect that ends when a note is there."""
    note(folder, f"called {name}")
    await noted(folder, line)
    return name


async def look(folder: str, name: str, _line: str) -> Any:
    """Tells whether the effect has begun."""
    note(folder, f"reconciled {name}")
    return name if f"called {name}" in notes(folder) else RETRY


class Failure(Exception):
    """What the job fails of."""


class Recovering(Agent):
    """Counts the inputs of a key, waits, makes durable calls, and fails its job."""

    folder: str

    def count(self, event: InputEvent, ctx: Context) -> None:
        """The end of every run."""
        ctx.short_term["count"] = count = ctx.short_term.get("count", 0) + 1
        ctx.send(OutputEvent(output={**event.input, "count": count}))

    @action(InputEvent, when="event.input.do == 'quick'")
    async def quick(self, event: InputEvent, ctx: Context) -> None:
        self.count(event, ctx)

    @action(InputEvent, when="event.input.do == 'wait'")
    async def wait(self, event: InputEvent, ctx: Context) -> None:
        self.count(event, ctx)
        await asyncio.sleep(event.input["seconds"])

    @action(InputEvent, when="event.input.do == 'call'")
    async def call(self, event: InputEvent, ctx: Context) -> None:
        await ctx.call(effect, self.folder, f"{event.input['key']} {event.input['n']}")
        self.count(event, ctx)

    @action(InputEvent, when="event.input.do == 'until'")
    async def until(self, event: InputEvent, ctx: Context) -> None:
        self.count(event, ctx)
        await noted(self.folder, event.input["line"])

    @action(InputEvent, when="event.input.do == 'call until'")
    async def call_until(self, event: InputEvent, ctx: Context) -> None:
        """Has made a call, and makes one that lasts."""
        key, line = event.input["key"], event.input["line"]
        await ctx.call(effect, self.folder, f"ended {key}")
        await ctx.call(effect_until, self.folder, f"begun {key}", line)
        self.count(event, ctx)

    @action(InputEvent, when="event.input.do == 'reconciled until'")
    async def reconciled_until(self, event: InputEvent, ctx: Context) -> None:
        """Makes a call that lasts, and that has a reconciler."""
        key, line = event.input["key"], event.input["line"]
        await ctx.call(effect_until, self.folder, f"sure {key}", line, reconcile=look)
        self.count(event, ctx)

    @action(InputEvent, when="event.input.do == 'fail'")
    async def fail(self, event: InputEvent, ctx: Context) -> None:
        """Fails the job, once, when all that it did before is in a checkpoint."""
        name = f"fail {event.input['n']}"
        await ctx.call(effect, self.folder, f"before {name}")
        if name not in notes(self.folder):
            # A journal is in the state with its shard's next turn, on a busy machine some later.
            await checkpoints(self.folder, 6)
            note(self.folder, f"held {json.dumps(held())}")
            note(self.folder, name)
            raise Failure(name)
        note(self.folder, f"after {name}")
        self.count(event, ctx)


def held() -> dict[str, int]:
    """How many of an operator's objects and threads are alive in this process."""
    gc.collect()
    counts = dict.fromkeys(("AgentFunction", "Operator", "WorkerLoop", "Resources"), 0)
    for thing in gc.get_objects():
        kind = type(thing)
        if kind.__name__ in counts and str(kind.__module__).startswith("headrace."):
            counts[kind.__name__] += 1
    counts["threads"] = sum(thread.name == "headrace-loop" for thread in threading.enumerate())
    return counts


class Waiter(Agent):
    """Waits in the ways of a worker that never comes to its end."""

    folder: str

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        do, n = event.input["do"], event.input["n"]
        if "call" in do:
            await ctx.call(effect, self.folder, f"{ctx.key} {n}")
        if "wait" in do:
            await noted(self.folder, "go on")
        ctx.short_term["count"] = count = ctx.short_term.get("count", 0) + 1
        ctx.send(OutputEvent(output={"n": n, "count": count}))


class Narrow(Waiter):
    """Two runs wait at a time."""

    config = RuntimeConfig(max_in_flight=2, shards=4)
