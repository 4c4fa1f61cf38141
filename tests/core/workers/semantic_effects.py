"""Agents of the semantic suite that hold effects back; what is done is written to a file."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from headrace import (
    DEAD_LETTER,
    RETRY,
    Agent,
    Context,
    Event,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
    sub_agent,
    tool,
)

TRIED: Counter[str] = Counter()
"""How often something was tried in this worker."""
TRIES = retry(3, backoff=0.001)


def note(path: str, text: str) -> None:
    """Writes a line that is whole or not there."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{text}\n".encode())
    os.close(file)


def notes(path: Path) -> list[str]:
    """What was written."""
    return path.read_text().splitlines() if path.exists() else []


async def do(path: str, text: str) -> None:
    """An effect."""
    note(path, text)


def do_in_thread(path: str, text: str) -> None:
    """An effect of a plain function."""
    note(path, text)


async def do_with_key(path: str, text: str, *, idempotency_key: str) -> None:
    """One that asks for its key."""
    note(path, f"{text} {idempotency_key}")


async def fail_twice(path: str, idempotency_key: str) -> None:
    """Fails two times, and tells its key each time."""
    TRIED[path] += 1
    note(path, f"try {TRIED[path]} {idempotency_key}")
    if TRIED[path] < 3:
        raise ConnectionError("refused")


async def refuse(_path: str) -> None:
    """Fails."""
    raise ConnectionError("refused")


async def answer_lost(path: str) -> None:
    """Takes effect; who called does not hear of it."""
    note(path, "taken")
    raise ConnectionError("reset")


async def look(path: str) -> Any:
    """Tells whether it took effect."""
    return True if notes(Path(path)) else RETRY


async def wait_for_line(path: str, line: str) -> None:
    """Is slow: until something else is done."""
    while line not in notes(Path(path)):  # noqa: ASYNC110 - of another key
        await asyncio.sleep(0.005)
    note(path, f"after {line}")


async def never_ends(_path: str) -> None:
    """Hangs."""
    await asyncio.Event().wait()


async def going(path: str) -> None:
    """Is gone before it is done."""
    note(path, "not gone")


_GOING = going


async def leave(_path: str, name: str) -> None:
    """Takes a function away, as another version of the code would."""
    delattr(sys.modules[__name__], name)


class Second(Event):
    """Sets off another action of the same run."""


class Inner(Agent):
    """Is asked by another agent."""

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(do, event.input, "inner")
        ctx.send(OutputEvent(output="asked"))


class Holding(Agent):
    """Asks for effects in each way that there is."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    folder: str

    inner = sub_agent(Inner())

    @tool()
    def asks(self, text: str, ctx: Context) -> str:
        """Asks for an effect.

        Args:
            text: What is to be written.
        """
        ctx.after_commit(do, text, "by a tool")
        return "held"

    async def own(self, text: str) -> None:
        note(f"{self.folder}/{text}", "own")

    @action(InputEvent)
    async def hold(self, event: InputEvent, ctx: Context) -> None:
        way = event.input["do"]
        path = f"{self.folder}/{way}"
        await getattr(self, f"do_{way}")(path, event.input, ctx)
        ctx.send(OutputEvent(output={"do": way, "done": notes(Path(path))}))

    @action(Second)
    async def second(self, event: Second, ctx: Context) -> None:
        ctx.after_commit(do, f"{self.folder}/steps", "second step")

    async def do_order(self, path: str, value: Any, ctx: Context) -> None:
        for letter in value["letters"]:
            ctx.after_commit(do_in_thread if letter == "b" else do, path, letter)

    async def do_steps(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(do, path, "first step")
        ctx.send(Second())

    async def do_fails(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(do, path, "of a run that failed")
        raise RuntimeError("no")

    async def do_key(self, path: str, value: Any, ctx: Context) -> None:
        note(path, f"returned {ctx.after_commit(do_with_key, path, 'given')}")
        note(path, f"returned {ctx.after_commit(do_with_key, path, 'given', key='mine')}")

    async def do_method(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(self.own, "method")

    async def do_flaky(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(fail_twice, path, retry=TRIES)
        ctx.after_commit(do, path, "later")

    async def do_gives_up(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(refuse, path, key="refused", retry=TRIES)
        ctx.after_commit(do, path, "later")

    async def do_skips(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(refuse, path, retry=retry(2, backoff=0.001, then="skip"))
        ctx.after_commit(do, path, "later")

    async def do_reconciled(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(answer_lost, path, reconcile=look, retry=TRIES)
        ctx.after_commit(do, path, "later")

    async def do_slow(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(wait_for_line, path, "of another key")
        ctx.after_commit(do, path, "later")

    async def do_other(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(do, f"{self.folder}/slow", "of another key")

    async def do_hangs(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(never_ends, path, timeout=0.01, retry=retry(1))

    async def do_expires(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(refuse, path, retry=retry(100, backoff=0.02), expires=0.03)

    async def do_gone(self, path: str, value: Any, ctx: Context) -> None:
        globals()["going"] = _GOING  # another engine's job may have taken it away
        ctx.after_commit(leave, path, "going")
        ctx.after_commit(_GOING, path)

    async def do_tool(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(do, path, "before")
        await ctx.tool("asks", text=path)
        ctx.after_commit(do, path, "after")

    async def do_sub_agent(self, path: str, value: Any, ctx: Context) -> None:
        await ctx.agent("inner", path)
        ctx.after_commit(do, path, "outer")

    async def do_closure(self, path: str, value: Any, ctx: Context) -> None:
        def inside() -> None:
            note(path, "inside")

        ctx.after_commit(inside)

    async def do_not_kept(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(do, path, {"deep": [1, object()]})

    async def do_wrong_arguments(self, path: str, value: Any, ctx: Context) -> None:
        ctx.after_commit(do, path, "text", colour="red")
