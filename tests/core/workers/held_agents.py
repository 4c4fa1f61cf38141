"""Agents of jobs that are stopped, fail and end while effects are held back."""

from __future__ import annotations

import asyncio
from typing import Any

from recovery_agents import Failure, note, noted, notes

from headrace import DEAD_LETTER, Agent, Context, InputEvent, OutputEvent, action, retry


async def do(folder: str, name: str, *, idempotency_key: str) -> None:
    """An effect."""
    note(folder, f"done {name} {idempotency_key}")


async def refuse(folder: str, name: str) -> None:
    """An effect that never is done."""
    note(folder, f"refused {name}")
    raise ConnectionError("refused")


async def begin(folder: str, name: str, line: str, *, idempotency_key: str) -> None:
    """An effect that lasts until a note is there."""
    note(folder, f"begun {name} {idempotency_key}")
    await noted(folder, line)
    note(folder, f"done {name} {idempotency_key}")


class Held(Agent):
    """Holds effects back."""

    folder: str

    @action(InputEvent, when="event.input.do == 'hold'", on_failure=DEAD_LETTER)
    async def hold(self, event: InputEvent, ctx: Context) -> None:
        self.ask(event.input, ctx)

    @action(InputEvent, when="event.input.do == 'refused'")
    async def refused(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(refuse, self.folder, event.input["name"], retry=retry(2, backoff=0.001))
        self.ask(event.input, ctx)

    @action(InputEvent, when="event.input.do == 'lasting'")
    async def lasting(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(begin, self.folder, event.input["name"], event.input["until"])
        ctx.send(OutputEvent(output=event.input))
        note(self.folder, f"ran {event.input['name']}")

    @action(InputEvent, when="event.input.do == 'late'")
    async def late(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0.3)  # so that the inputs are over before this run is
        self.ask(event.input, ctx)

    @action(InputEvent, when="event.input.do == 'fail once'")
    async def fail_once(self, event: InputEvent, ctx: Context) -> None:
        name = event.input["name"]
        failed = f"failed {name}" in notes(self.folder)
        ctx.after_commit(do, self.folder, name if failed else f"{name} of a run that was undone")
        if not failed:
            note(self.folder, f"failed {name}")
            raise Failure(name)
        ctx.send(OutputEvent(output=event.input))

    def ask(self, value: Any, ctx: Context) -> None:
        """Asks for an effect."""
        ctx.after_commit(do, self.folder, value["name"])
        ctx.send(OutputEvent(output=value))
        note(self.folder, f"ran {value['name']}")
