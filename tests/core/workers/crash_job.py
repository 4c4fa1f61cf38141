"""A job that is killed and started again; run as ``python crash_job.py FOLDER``.

It tells what happens, a line at a time, so that it can be killed at any of these moments.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from headrace import (
    RETRY,
    Agent,
    AgentPlan,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
)
from headrace.local import FileSink, FileSource, LocalEngine


def note(ledger: str, line: str) -> None:
    """Writes a line that survives this process, and tells of it."""
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{line}\n".encode())
    os.close(file)
    os.write(1, b".\n")


async def effect(ledger: str, name: str) -> str:
    """An effect on the outside, in two moments."""
    note(ledger, f"begin {name}")
    await asyncio.sleep(0.0005 * (hash_of(name) % 3))
    note(ledger, f"end {name}")
    return name


async def look(ledger: str, name: str) -> Any:
    """Tells whether the effect happened."""
    lines = Path(ledger).read_text(encoding="utf-8").splitlines()
    return name if f"end {name}" in lines else RETRY


def hash_of(name: str) -> int:
    """A number, the same in every process."""
    return sum(name.encode())


class Ledger(Agent):
    """Counts, and makes a call for each input."""

    config = RuntimeConfig(max_in_flight=40)
    path: str

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        n = event.input["n"]
        count = ctx.short_term.get("count", 0) + 1
        ctx.short_term["count"] = count
        name = f"{n}"
        if n % 4 == 0:
            await ctx.call(effect, self.path, f"sure {name}", reconcile=look)
        elif n % 4 != 1:
            await ctx.call(effect, self.path, name)
            note(self.path, f"after {name}")
        ctx.send(OutputEvent(output={**event.input, "count": count}))


def main(folder: Path) -> None:
    """Runs the job to its end."""
    engine = LocalEngine(
        AgentPlan.from_agent(Ledger(path=str(folder / "ledger"))),
        key=lambda value: value["key"],
        state=folder / "state.db",
        output=FileSink(folder / "output.jsonl", keep=True),
        on_progress=lambda _result: os.write(1, b".\n"),
    )
    engine.run(FileSource(folder / "input.jsonl"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
