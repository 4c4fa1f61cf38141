"""Agents whose calls are kept in an action store, and that note what they do outside."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from recovery_agents import note, noted, notes

from headrace import RETRY, Agent, Context, InputEvent, OutputEvent, action, use
from headrace.action_stores import ActionStoreError, SqliteActionStore

__all__ = ["Deaf", "Keeping", "Moody", "note", "noted", "notes"]


class Refused(Exception):
    """What the outside says no with."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place


async def charge(folder: str, name: str) -> str:
    """An effect that tells how often it has happened by now."""
    note(folder, f"charged {name}")
    await asyncio.sleep(0)
    return f"{name} #{notes(folder).count(f'charged {name}')}"


async def refuse(folder: str, name: str) -> None:
    """An effect that fails."""
    note(folder, f"charged {name}")
    raise Refused(name, f"no #{notes(folder).count(f'charged {name}')}")


async def hang(folder: str, name: str) -> None:
    """An effect that happens, and whose end is never told."""
    note(folder, f"charged {name}")
    await asyncio.Event().wait()


async def look(folder: str, name: str) -> Any:
    """Tells whether an effect has happened."""
    note(folder, f"looked {name}")
    return f"{name} seen" if f"charged {name}" in notes(folder) else RETRY


class Moody(SqliteActionStore):
    """A store that is away while its mood file is there."""

    def __init__(self, path: str, mood: str) -> None:
        super().__init__(path)
        self._mood = Path(mood)

    async def append(self, job: str, records: Any) -> None:
        """Keeps entries, or not."""
        if self._mood.exists():
            raise ActionStoreError("it is in a bad mood")
        await super().append(job, records)


class Deaf(SqliteActionStore):
    """A store that hangs while its mood file is there, and cannot be told to end."""

    def __init__(self, path: str, mood: str) -> None:
        super().__init__(path)
        self._mood = Path(mood)

    async def append(self, job: str, records: Any) -> None:
        """Keeps entries, or says nothing at all."""
        while self._mood.exists():
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.02)
        await super().append(job, records)


class Keeping(Agent):
    """Makes the call that its input names, and puts out what it gave."""

    folder: str
    store: str = "calls.db"
    moody: bool = False
    deaf: bool = False

    def resources(self) -> dict[str, Any]:
        """The store."""
        path = f"{self.folder}/{self.store}"
        if self.moody or self.deaf:
            kind = Deaf if self.deaf else Moody
            return {"calls": use("action_stores", kind, path=path, mood=f"{self.folder}/mood")}
        return {"calls": use("action_stores", "sqlite", path=path)}

    @action(InputEvent, when="event.input.do == 'charge'")
    async def charged(self, event: InputEvent, ctx: Context) -> None:
        said = await ctx.call(charge, self.folder, event.input["name"])
        ctx.send(OutputEvent(output={**event.input, "said": said, "run": ctx.run_id}))

    @action(InputEvent, when="event.input.do == 'refuse'")
    async def refused(self, event: InputEvent, ctx: Context) -> None:
        try:
            await ctx.call(refuse, self.folder, event.input["name"])
        except Refused as error:
            ctx.send(OutputEvent(output={**event.input, "said": str(error), "place": error.place}))

    @action(InputEvent, when="event.input.do == 'hang'")
    async def hung(self, event: InputEvent, ctx: Context) -> None:
        said = await ctx.call(hang, self.folder, event.input["name"], reconcile=look)
        ctx.send(OutputEvent(output={**event.input, "said": said}))

    @action(InputEvent, when="event.input.do == 'fail'")
    async def failing(self, event: InputEvent, ctx: Context) -> None:
        """Fails its job, once."""
        await ctx.call(charge, self.folder, "before")
        if "failed" not in notes(self.folder):
            note(self.folder, "failed")
            raise ValueError("failed")
        ctx.send(OutputEvent(output={**event.input, "said": "went on"}))
