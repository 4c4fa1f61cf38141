"""An agent that takes effect at a ledger in each way that there is; its job on the local engine.

Run as ``python paying.py FOLDER``: ``FOLDER/order.json`` says how.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from headrace import (
    RETRY,
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

WAYS = ("plain", "reconciled")
_SECONDS = 1.0
PATIENT = retry(200, backoff=0.05, max_backoff=0.3)
"""Outlasts every fault of the network."""


def asked(port: int, method: str, way: str, name: str) -> int:
    """Asks the ledger, and gives how often an effect was taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        headers = {"Execution": os.environ.get("EXECUTION", "")}
        connection.request(method, f"/{way}/{quote(name, safe='')}", headers=headers)
        answer = connection.getresponse()
        return int(json.loads(answer.read())["count"])
    finally:
        connection.close()


def effect(port: int, way: str, name: str) -> str:
    """Takes effect."""
    asked(port, "POST", way, name)
    return name


def look(port: int, way: str, name: str) -> Any:
    """Tells whether an effect was taken."""
    return name if asked(port, "GET", way, name) else RETRY


def note(folder: str, name: str) -> None:
    """Writes down that a call has returned to its action; the line outlives this process."""
    file = os.open(f"{folder}/returned", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{os.environ.get('EXECUTION', '')} {name}\n".encode())
    os.close(file)


class Paying(Agent):
    """Counts the inputs of a key, and takes effect for each."""

    config = RuntimeConfig(max_in_flight=16)
    port: int
    notes: str

    @action(InputEvent, on_failure=PATIENT)
    async def pay(self, event: InputEvent, ctx: Context) -> None:
        """One effect for each way."""
        name = str(event.input["n"])
        ctx.short_term["count"] = count = ctx.short_term.get("count", 0) + 1
        await ctx.call(effect, self.port, "plain", name, retry=PATIENT)
        note(self.notes, name)
        await ctx.call(effect, self.port, "reconciled", name, reconcile=look, retry=PATIENT)
        ctx.send(OutputEvent(output={**event.input, "count": count}))


def main(folder: Path) -> None:
    """Runs the job to its end."""
    order = json.loads((folder / "order.json").read_text())
    engine = LocalEngine(
        AgentPlan.from_agent(Paying(port=order["port"], notes=str(folder))),
        key=lambda value: value["key"],
        state=Path(order["disk"]) / "state.db",
        output=FileSink(Path(order["disk"]) / "output.jsonl", keep=True),
    )
    engine.run(FileSource(folder / "input.jsonl"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
