"""The journal of a run: its durable calls and their outcomes, kept until the run commits."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from headrace.errors import MemoryValueError, ReplayedError, StateError
from headrace.operator._spending import Spent
from headrace.values import Stored, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.operator._action_task import ActionTask

__all__ = ["Entry", "Journal"]

_DAMAGED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class Entry:
    """One durable call.

    Attributes:
        name: The called function, ``module:qualified.name``.
        attempt: The attempt of its action that made it.
        state: ``started``, ``finished`` or ``failed``.
        outcome: The stored result or error.
        used: Whether the present attempt has come to this call.
        begun: Whether the call was awaited in the present attempt.
        id: Names it within the run.
        outer: The call that made this one.
        stale: Whether a further attempt makes it again, though it has finished.
        reconciled: Whether it has a reconciler, so that one that did not finish is asked about
            before it is made again.
        asked: Where somebody watches: its task, its number among equal ones, and its identity.
    """

    __slots__ = (
        "asked",
        "attempt",
        "begun",
        "id",
        "name",
        "outcome",
        "outer",
        "reconciled",
        "recorded",
        "stale",
        "state",
        "used",
    )

    def __init__(self, name: str, attempt: int, state: str = "", outcome: Stored = None) -> None:
        self.name = name
        self.attempt = attempt
        self.state = state
        self.outcome = outcome
        self.recorded = bool(state)
        self.used = False
        self.begun = False
        self.id = ""
        self.outer: Entry | None = None
        self.stale = False
        self.reconciled = False
        self.asked: tuple[ActionTask, int, Stored] | None = None

    def finish(self, result: Any) -> None:
        """Takes the result.

        Raises:
            MemoryValueError: It cannot be recorded.
        """
        try:
            self.outcome = encode(result)
        except MemoryValueError as error:
            raise MemoryValueError(
                f"the result of the durable call {self.name} cannot be recorded: {error}"
            ) from None
        self.state = "finished"

    def begin_again(self) -> bool:
        """Turns to a further attempt; ``False``: nothing is known of it there."""
        if self.state == "finished" and not self.stale:
            self.recorded = True
        elif self.reconciled:  # what failed, or was cut off, may have taken effect all the same
            self.state, self.outcome, self.recorded = "started", None, True
        else:
            return False
        self.used = self.begun = False
        return True

    def fail(self, error: Exception) -> None:
        """Takes the error."""
        kind = type(error)
        stored: dict[str, Any] = {
            "type": f"{kind.__module__}:{kind.__qualname__}",
            "text": str(error),
        }
        try:
            stored["args"] = encode(list(error.args))
            stored["attributes"] = encode(
                {name: value for name, value in vars(error).items() if name[0] != "_"}
            )
        except MemoryValueError:
            pass  # what cannot be kept is lost; the type and the text are told by ReplayedError
        self.state, self.outcome = "failed", stored

    def result(self) -> Any:
        """The recorded result; raises the recorded error."""
        if self.state == "finished":
            return decode(self.outcome)
        raise _rebuilt(self.outcome)


class Journal:
    """The calls of a run, for each of its action tasks."""

    __slots__ = (
        "_attempts",
        "_sights",
        "_spent_in",
        "_tasks",
        "_told",
        "approvals",
        "changed",
        "spent",
        "version",
    )

    def __init__(self, stored: Stored = None) -> None:
        data = stored or {"attempts": {}, "calls": {}}
        self.version: int = data.get("version", 0)
        """How often its changes were taken."""
        self._told: dict[tuple[str, str], tuple[Entry, str, int]] = {}
        self.approvals: dict[str, list[Any]] = {
            request: list(asked) for request, asked in data.get("approvals", {}).items()
        }
        """By request: when its time is over (or ``None``), and the decision (or ``None``)."""
        self.spent = Spent(data.get("spent"))
        """What the run's models have cost."""
        self._spent_in = {path: Spent(spent) for path, spent in data.get("spent_in", {}).items()}
        self._attempts: dict[str, int] = dict(data["attempts"])
        self._sights: dict[str, dict[str, list[int]]] = {
            task: {name: list(seen) for name, seen in names.items()}
            for task, names in data.get("sights", {}).items()
        }
        self._tasks: dict[str, dict[str, Entry]] = {
            task: {call: Entry(*entry) for call, entry in calls.items()}
            for task, calls in data["calls"].items()
        }
        self.changed = False

    def stored(self) -> Stored:
        """The journal in stored form; ``None`` when it is empty."""
        calls = {
            task: {
                call: [entry.name, entry.attempt, entry.state, entry.outcome]
                for call, entry in entries.items()
                if entry.state
            }
            for task, entries in self._tasks.items()
        }
        spent = self.spent.stored()
        calls = {task: kept for task, kept in calls.items() if kept}
        if not (calls or self._attempts or self.approvals or spent):
            return None
        stored = {"attempts": dict(self._attempts), "calls": calls}
        if self._sights:
            stored["sights"] = self._kept_sights()
        if self.approvals:
            stored["approvals"] = {name: list(asked) for name, asked in self.approvals.items()}
        if spent is not None:
            stored["spent"] = spent
        if spent_in := {path: one.stored() for path, one in self._spent_in.items() if one.calls}:
            stored["spent_in"] = spent_in
        if self.version:
            stored["version"] = self.version
        return stored

    # ------------------------------------------------------------ for an action store
    def taken(self) -> Stored:
        """What has changed since it was taken last, for a log that ``take`` is given in order.

        Approvals are no part of it: a request that was shown before the engine's state went back
        has to be shown again.
        """
        calls: dict[str, dict[str, Stored]] = {}
        told: dict[tuple[str, str], tuple[Entry, str, int]] = {}
        for task, entries in self._tasks.items():
            for call, entry in entries.items():
                if not entry.state:
                    continue
                now = told[task, call] = (entry, entry.state, entry.attempt)
                if self._told.get((task, call)) != now:
                    kept = [entry.name, entry.attempt, entry.state, entry.outcome]
                    calls.setdefault(task, {})[call] = kept
        for task, call in self._told.keys() - told.keys():
            calls.setdefault(task, {})[call] = None
        self._told = told
        self.version += 1
        changes = {"version": self.version, "calls": calls, "attempts": dict(self._attempts)}
        if self._sights:
            changes["sights"] = self._kept_sights()
        if (spent := self.spent.stored()) is not None:
            changes["spent"] = spent
        if spent_in := {path: one.stored() for path, one in self._spent_in.items() if one.calls}:
            changes["spent_in"] = spent_in
        return changes

    def take(self, changes: Stored) -> None:
        """Makes changes again that were taken of the same run; those that it has do nothing."""
        if changes["version"] <= self.version:
            return
        self.version = changes["version"]
        self._attempts = dict(changes["attempts"])
        self._sights = {
            task: {name: list(seen) for name, seen in names.items()}
            for task, names in changes.get("sights", {}).items()
        }
        self.spent = Spent(changes.get("spent"))
        self._spent_in = {path: Spent(one) for path, one in changes.get("spent_in", {}).items()}
        for task, calls in changes["calls"].items():
            entries = self._tasks.setdefault(task, {})
            for call, kept in calls.items():
                if kept is None:
                    entries.pop(call, None)
                    self._told.pop((task, call), None)
                else:
                    entry = entries[call] = Entry(*kept)
                    self._told[task, call] = (entry, entry.state, entry.attempt)

    def take_kept(self, kept: Iterable[str], run: str) -> None:
        """Takes what an action store has of a run: texts of JSON of what ``taken`` gave, in order.

        Raises:
            StateError: One of them is something else.
        """
        for number, text in enumerate(kept, start=1):
            try:
                self.take(json.loads(text))
            except _DAMAGED as error:
                raise StateError(
                    f"the action store's entry {number} of the run {run} is damaged "
                    f"({type(error).__name__}: {error}; {len(text)} characters): put the store's "
                    "data right, or delete this run's entries there, and its finished calls are "
                    "made again"
                ) from None

    def sights(self, task: str) -> dict[str, list[int]]:
        """What the task's present attempt saw of names that live for a time.

        For each name, how often it was there, then how often it had expired, and so on in turn.
        """
        return self._sights.setdefault(task, {})

    def _kept_sights(self) -> dict[str, dict[str, list[int]]]:
        return {
            task: {name: list(seen) for name, seen in names.items()}
            for task, names in self._sights.items()
            if names
        }

    def spent_in(self, path: str) -> Spent:
        """What a sub-agent's models have cost, in one call of it."""
        return self._spent_in.setdefault(path, Spent())

    def forget(self, path: str) -> None:
        """Drops what is known of a sub-agent's call that has finished: it is not made again."""
        inside = f"{path}/"
        for kept in (self._tasks, self._attempts, self._spent_in, self._sights):
            for name in [each for each in kept if each == path or each.startswith(inside)]:
                del kept[name]

    def under_way(self) -> list[Entry]:
        """The calls that were begun in this execution and have not ended."""
        return [
            entry
            for entries in self._tasks.values()
            for entry in entries.values()
            if entry.begun and entry.state == "started"
        ]

    def attempt(self, task: str) -> int:
        """The number of the task's present attempt."""
        return self._attempts.get(task, 1)

    def begin_attempt(self, task: str, number: int) -> None:
        """Turns to another attempt: calls that failed may be made again, finished ones stay.

        Those with a reconciler stay too, as begun: it is asked first what became of them.
        """
        self._attempts[task] = number
        self.changed = True
        self._sights.pop(task, None)
        for call, entry in list(self._tasks.get(task, {}).items()):
            if not entry.begin_again():
                del self._tasks[task][call]
        inside = f"{task}/"
        for inner in (self._attempts, self._sights):
            for name in [each for each in inner if each.startswith(inside)]:
                del inner[name]
        for name, entries in self._tasks.items():
            if name.startswith(inside):
                self._begin_again(entries)

    def loosen(self) -> None:
        """Has the run go any path from its start: what it calls alike keeps its outcome."""
        self.changed = True
        self._attempts.clear()
        self._sights.clear()
        for entries in self._tasks.values():
            for call, entry in list(entries.items()):
                if not entry.state:
                    del entries[call]
                entry.attempt, entry.recorded = 0, True  # of no attempt: no path is checked by it
                entry.used = entry.begun = False

    @staticmethod
    def _begin_again(entries: dict[str, Entry]) -> None:
        """A sub-agent that did not finish goes its way from its start: finished calls stay."""
        for call, entry in list(entries.items()):
            if entry.begin_again():
                entry.attempt = 0  # of no attempt: it may go another way now
            else:
                del entries[call]

    def calls(self, task: str) -> dict[str, Entry]:
        """The task's calls by identity, in the order in which they were begun."""
        return self._tasks.setdefault(task, {})

    def touch(self) -> None:
        """Notes that there is something to record."""
        self.changed = True


def _rebuilt(stored: Stored) -> Exception:
    """The error that was recorded, in its own type where that can be built."""
    module_name, _, qualname = stored["type"].partition(":")
    if "args" in stored:
        try:
            kind: Any = importlib.import_module(module_name)
            for part in qualname.split("."):
                kind = getattr(kind, part)
            if isinstance(kind, type) and issubclass(kind, Exception):
                error: Exception = kind.__new__(kind)
                error.args = tuple(decode(stored["args"]))
                for name, value in decode(stored["attributes"]).items():
                    setattr(error, name, value)
                return error
        except Exception:  # noqa: BLE001, S110 - any failure leads to the plain form below
            pass
    return ReplayedError(stored["type"], stored["text"])
