"""A job with effects that is killed and started again; run as ``python held_job.py FOLDER``.

It tells what happens, a line at a time, so that it can be killed at any of these moments.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

from headrace import (
    Agent,
    AgentPlan,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
)
from headrace.local import FileSink, FileSource, LocalEngine


def note(ledger: str, line: str) -> None:
    """Writes a line that survives this process, and tells of it."""
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{line}\n".encode())
    os.close(file)
    os.write(1, b".\n")


async def do(ledger: str, name: str, token: str, *, idempotency_key: str) -> None:
    """An effect."""
    await asyncio.sleep(0.0005 * (len(token + name) % 3))
    note(ledger, f"{name} {token} {idempotency_key}")


def do_in_thread(ledger: str, name: str, token: str, idempotency_key: str) -> None:
    """The same, by a plain function; one in seven has a bad day first."""
    day = Path(f"{ledger}.{name}")
    if int(name.partition("-")[0]) % 7 == 0 and not day.exists():
        day.touch()
        raise ConnectionError("refused")
    note(ledger, f"{name} {token} {idempotency_key}")


class Holding(Agent):
    """Counts, and holds two effects back for each input."""

    config = RuntimeConfig(max_in_flight=40, outbox=retry(5, backoff=0.002))
    path: str

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        n = event.input["n"]
        ctx.short_term["count"] = count = ctx.short_term.get("count", 0) + 1
        token = uuid4().hex  # another one each time that the run is run
        ctx.after_commit(do, self.path, f"{n}-0", token)
        if n % 3 == 0:
            await asyncio.sleep(0.001)
        ctx.after_commit(do_in_thread, self.path, f"{n}-1", token)
        ctx.send(OutputEvent(output={**event.input, "count": count, "token": token}))


def main(folder: Path) -> None:
    """Runs the job to its end."""
    engine = LocalEngine(
        AgentPlan.from_agent(Holding(path=str(folder / "ledger"))),
        key=lambda value: value["key"],
        state=folder / "state.db",
        output=FileSink(folder / "output.jsonl", keep=True),
        on_progress=lambda _result: os.write(1, b".\n"),
    )
    engine.run(FileSource(folder / "input.jsonl"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
