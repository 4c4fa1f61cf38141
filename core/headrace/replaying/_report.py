"""What a replay found, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.chat import Usage
from headrace.replaying._difference import NOTHING, RunDifference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.replaying._difference import CallChange, FieldChange

__all__ = ["Report", "Summary", "lines_of"]

_VALUE = 300
"""Characters of a value that are shown."""
_FIELDS = 50
_LINES = 200
"""Lines of one call's difference that are shown."""


@dataclass(slots=True)
class Summary:
    """What a replay found, counted."""

    runs: int = 0
    """Runs that were run again."""
    same: int = 0
    """Those in which nothing differs."""
    changed: int = 0
    """Those in which something differs."""
    failed: int = 0
    """Those that fail now and did not then."""
    not_recorded: int = 0
    """Of those that changed: runs that ended at a call that was not recorded."""
    made: int = 0
    """Calls that were really made."""
    before: Usage = field(default_factory=Usage)
    """What the models had cost, in the runs that came to their end."""
    after: Usage = field(default_factory=Usage)
    """What they cost now in these; recorded answers count as they did."""

    def count(self, difference: RunDifference) -> None:
        """Counts a run."""
        self.runs += 1
        self.made += difference.made
        self.not_recorded += difference.not_recorded is not None
        setattr(self, difference.verdict, getattr(self, difference.verdict) + 1)
        if difference.not_recorded is None:  # of half a run nothing can be said
            self.before = self.before + difference.usage[0]
            self.after = self.after + difference.usage[1]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        counts = ("runs", "same", "changed", "failed", "not_recorded", "made")
        used = (("before", self.before), ("after", self.after))
        usage = {name: one.model_dump(mode="json") for name, one in used}
        return {**{name: getattr(self, name) for name in counts}, "usage": usage}

    def as_text(self) -> str:
        """One line for people."""
        count = "1 run" if self.runs == 1 else f"{self.runs:,} runs"
        text = f"{count}: {self.same:,} same, {self.changed:,} changed"
        if self.not_recorded:
            text += f" ({self.not_recorded:,} ended at a call that was not recorded)"
        text += f", {self.failed:,} failed"
        if self.made:
            text += "; 1 call made" if self.made == 1 else f"; {self.made:,} calls made"
        return f"{text}; {_usage(self.before, self.after)}"


@dataclass(slots=True)
class Report:
    """What differs between recorded runs and their replays."""

    runs: list[RunDifference]
    """Every run, in the order of the recording."""
    summary: Summary
    """The counts."""
    notes: list[str] = field(default_factory=list)
    """What else is to be known."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        runs = [difference.as_dict() for difference in self.runs]
        return {"runs": runs, "summary": self.summary.as_dict(), "notes": self.notes}

    def as_text(self) -> str:
        """For people: the runs in which something differs, and the counts."""
        lines = [line for run in self.runs if run.verdict != "same" for line in lines_of(run)]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, *notes, self.summary.as_text()])


def lines_of(difference: RunDifference) -> Iterator[str]:
    """A run's difference for people, without what a terminal would obey."""
    for line in _lines(difference):
        yield "".join(one if one.isprintable() else _escaped(one) for one in line)


def _lines(difference: RunDifference) -> Iterator[str]:
    key = json.dumps(difference.key, ensure_ascii=False)
    yield f"run {difference.run} (key {_cut(key)}): {difference.verdict}"
    before, after = difference.status
    errors = [f" ({_cut(str(error))})" if error else "" for error in difference.error]
    if before != after or errors[0] != errors[1]:
        yield f"  ends: {before}{errors[0]} -> {after.replace('_', ' ')}{errors[1]}"
    for what, changes in (("output", difference.outputs), ("memory", difference.memory)):
        yield from (f"  {what} {_field(change)}" for change in changes[:_FIELDS])
        if len(changes) > _FIELDS:
            yield f"  {what}: and {len(changes) - _FIELDS:,} more"
    seen: set[str] = set()
    for change in (*difference.requests, *difference.calls):
        yield from _call(change, seen)
    told = difference.not_recorded
    if told is not None and not any(difference.requests + difference.calls):
        yield from (f"  {line}" for line in str(told).splitlines())
    if told is None and difference.usage[0] != difference.usage[1]:
        yield f"  {_usage(*difference.usage)}"


def _field(change: FieldChange) -> str:
    if change.before is NOTHING:
        return f"{change.path}: + {_value(change.after)}"
    if change.after is NOTHING:
        return f"{change.path}: - {_value(change.before)}"
    return f"{change.path}: {_value(change.before)} -> {_value(change.after)}"


def _call(change: CallChange, seen: set[str]) -> Iterator[str]:
    said = {
        "request": "is asked another thing",
        "outcome": "gives another thing",
        "added": "is called, and was not",
        "removed": "was called, and is not",
    }
    yield f"  {change.name} {said[change.what]} (action {change.action}):"
    lines = change.text.splitlines()
    changed = "\n".join(line for line in lines if line[:1] in "+-")
    if change.what == "request" and changed in seen:
        yield "    as above"  # a chat asks it all again in each of its rounds
        return
    seen.add(changed)
    yield from (f"    {line}" for line in lines[:_LINES])
    if len(lines) > _LINES:
        yield f"    and {len(lines) - _LINES:,} more lines"


def _usage(before: Usage, after: Usage) -> str:
    text = f"tokens {before.tokens:,} -> {after.tokens:,}"
    if before.cost or after.cost:
        text += f", cost {before.cost:.6g} -> {after.cost:.6g}"
    return text


def _value(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}... ({len(text):,} characters)"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
