"""An agent that takes effect at a ledger in each way that there is."""

from __future__ import annotations

import http.client
import json
import os
import time
from typing import Any
from urllib.parse import quote

from headrace import (
    RETRY,
    Agent,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
    use,
)

_SECONDS = 1.0
PATIENT = retry(200, backoff=0.05, max_backoff=0.3)
"""Outlasts every fault of the network."""


def asked(port: int, method: str, way: str, name: str) -> int:
    """Asks the ledger, and gives how often an effect was taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request(method, f"/{way}/{quote(name, safe='')}")
        answer = connection.getresponse()
        return int(json.loads(answer.read())["count"])
    finally:
        connection.close()


def effect(port: int, way: str, name: str) -> str:
    """Takes effect."""
    asked(port, "POST", way, name)
    return name


def pay_later(port: int, name: str, idempotency_key: str) -> None:
    """Takes effect once for one key, however often it is asked to."""
    asked(port, "POST", f"outbox/{quote(idempotency_key, safe='')}", name)


def look(port: int, way: str, name: str) -> Any:
    """Tells whether an effect was taken."""
    return name if asked(port, "GET", way, name) else RETRY


def note(folder: str, name: str) -> None:
    """Writes down when a call has returned to its action; the line outlives this process."""
    file = os.open(f"{folder}/returned", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{time.monotonic()} {name}\n".encode())
    os.close(file)


class Paying(Agent):
    """Counts the inputs of a key, and takes effect for each."""

    config = RuntimeConfig(max_in_flight=16, shards=16)
    port: int
    notes: str
    store: dict[str, Any] | None = None

    def resources(self) -> dict[str, Any]:
        """The action store, where there is to be one."""
        if self.store is None:
            return {}
        return {"actions": use("action_stores", self.store["name"], **self.store["arguments"])}

    @action(InputEvent, on_failure=PATIENT)
    async def pay(self, event: InputEvent, ctx: Context) -> None:
        """One effect for each way."""
        name = str(event.input["n"])
        ctx.short_term["count"] = count = ctx.short_term.get("count", 0) + 1
        await ctx.call(effect, self.port, "plain", name, retry=PATIENT)
        note(self.notes, name)
        await ctx.call(effect, self.port, "reconciled", name, reconcile=look, retry=PATIENT)
        ctx.after_commit(pay_later, self.port, name, retry=PATIENT)
        ctx.send(OutputEvent(output={**event.input, "count": count}))
