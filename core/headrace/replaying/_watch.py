"""One run of a replay: knows what was recorded of each call, and lets through what may be made."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from headrace.calls import kind_of
from headrace.recording import CallRecord, Notes
from headrace.replaying._errors import End, NotRecordedError
from headrace.replaying._texts import asked_text, nearest, unified
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.operator import Run
    from headrace.operator._journal import Entry
    from headrace.recording import Recorded
    from headrace.replaying._loop import QuickLoop
    from headrace.replaying._rules import Rules

__all__ = ["RunWatch"]

_TOLD_LINES = 40


class RunWatch:
    """Stands between a run and what it calls.

    Args:
        recorded: The run.
        rules: What may be called.
        loop: Is told how much of the outside is waited for.
        other_model: Says of a team's member and a chat model's name whether that is another model
            now, so that the recorded answers are not its own; says in words which.

    Attributes:
        missing: The call at which it ended, where there was one that it could not make.
    """

    def __init__(
        self,
        recorded: Recorded,
        rules: Rules,
        loop: QuickLoop,
        other_model: Callable[[str | None, str], str | None],
    ) -> None:
        self.recorded = recorded.run
        self.missing: NotRecordedError | None = None
        self.notes: Notes | None = None
        self._rules = rules
        self._loop = loop
        self._other_model = other_model
        self._ahead = recorded.run.began - loop.time()
        self._made: set[int] = set()
        self._ended = False
        self._left: defaultdict[str, list[int]] = defaultdict(list)
        for place, call in enumerate(recorded.run.calls):
            self._left[call.base].append(place)

    def clock(self) -> float:
        """The record's time: no earlier than the newest call that the run has come to."""
        return self._loop.time() + self._ahead

    def close(self) -> None:
        """Told when the run has ended: nothing is called or waited for on its behalf any more."""
        self._ended = True
        self._loop.busy -= len(self._made)
        self._made.clear()

    # ------------------------------------------------------------ the operator's side
    def started(self, run: Run) -> None:
        """Takes note of the run, which has its recorded name."""
        run._id = self.recorded.run  # noqa: SLF001 - one part with the operator
        self.notes = Notes(run)

    async def begun(self, run: Run, entry: Entry) -> None:
        """Puts in the recorded outcome of a call, or lets it be made, or ends the run."""
        assert self.notes is not None  # noqa: S101 - the run has started
        assert entry.asked is not None  # noqa: S101 - set where somebody watches
        if self.missing is not None or self._ended or run is not self.notes.run:
            raise End  # somebody held up the first one, or it is a thread that was given up
        note = self.notes.begun(entry)
        if entry.state in {"finished", "failed"}:
            return  # an earlier attempt made it
        task, number, asked = entry.asked
        mode = self._rules.mode(entry.name)
        place = self._place(f"{entry.name}|{digest(asked)}", task.id, number, entry.attempt)
        if entry.name.startswith("agent:"):
            return  # a sub-agent goes its steps again: its own calls are what was recorded
        other = None
        if kind_of(entry.name) == "chat":
            other = self._other_model(task.action.spec.member, entry.name.partition(":")[2])
        if place is not None and mode != "all" and other is None:
            await self._take(place, note, entry)
            return
        # An answer to somebody's question cannot be made, whatever the rules say.
        if mode == "recorded":
            self.missing = self._not_recorded(note, other)
            raise End
        self._made.add(id(entry))
        self._loop.busy += 1

    def ended(self, run: Run, entry: Entry) -> None:
        """Takes note of the outcome of a call that was made."""
        assert self.notes is not None  # noqa: S101 - the run has started
        if run is not self.notes.run:
            return
        self.notes.ended(entry)
        if id(entry) in self._made:
            self._made.discard(id(entry))
            self._loop.busy -= 1

    # ------------------------------------------------------------ what was recorded
    def _place(self, base: str, task: str, number: int, attempt: int) -> int | None:
        """The recorded call that this one is: the same, as nearly as can be."""
        left = self._left.get(base)
        if not left:
            return None
        calls = self.recorded.calls

        def near(place: int) -> tuple[bool, bool, bool]:
            call = calls[place]
            return call.task == task, call.number == number, call.attempt == attempt

        found = max(left, key=near)
        left.remove(found)
        return found

    async def _take(self, place: int, note: dict[str, Any], entry: Entry) -> None:
        call = self.recorded.calls[place]
        self._ahead += max(0.0, call.time - self.clock())
        note.update(state=call.state, outcome=call.outcome, time=call.time, taken=True)
        self._take_inner(place, note)
        if call.state == "unfinished":
            # It was cancelled then, by a time-out or by what went wrong beside it; so it is now.
            await asyncio.get_running_loop().create_future()
        entry.state, entry.outcome = call.state, call.outcome

    def _take_inner(self, place: int, note: dict[str, Any]) -> None:
        """The calls that a call made were made with it: they count, and nobody else has them."""
        assert self.notes is not None  # noqa: S101 - the run has started
        at = {place: self.notes.calls.index(note)}
        for inner in range(place + 1, len(self.recorded.calls)):
            call = self.recorded.calls[inner]
            if call.inside not in at:
                continue
            left = self._left[call.base]
            if inner not in left:
                continue
            left.remove(inner)
            at[inner] = len(self.notes.calls)
            fields = {name: getattr(call, name) for name in CallRecord.model_fields}
            self.notes.calls.append({**fields, "inside": at[call.inside], "taken": True})

    def _not_recorded(self, note: dict[str, Any], other: str | None) -> NotRecordedError:
        now = CallRecord(**note)
        where = f"the action {now.action!r} calls {now.name}"
        more = {"call": now.name, "action": now.action}
        if other is not None:
            return NotRecordedError(
                f"{where}, which is another model than was recorded ({other}): what it answers "
                "is not known",
                **more,
            )
        text = asked_text(now)
        left = {place for some in self._left.values() for place in some}
        named = [
            (place in left, call)
            for place, call in enumerate(self.recorded.calls)
            if call.name == now.name
        ]
        candidates = [call for free, call in named if free] or [call for _, call in named]
        found = nearest(text, [(call, asked_text(call)) for call in candidates])
        if found is None:
            return NotRecordedError(f"{where}, and this run did not when it was recorded", **more)
        difference = unified(asked_text(found), text)
        if not difference:
            how = "once more than was recorded"
            if any(free for free, _ in named):  # it looks the same, and is not
                how = "with values of other classes than were recorded"
            return NotRecordedError(f"{where} {how}", **more)
        lines = difference.splitlines()
        shown = "\n".join(lines[:_TOLD_LINES])
        cut = f"\n({len(lines) - _TOLD_LINES} more lines)" if len(lines) > _TOLD_LINES else ""
        return NotRecordedError(
            f"{where} in a way that was not recorded; the nearest that was:\n{shown}{cut}",
            **more,
            difference=difference,
        )
