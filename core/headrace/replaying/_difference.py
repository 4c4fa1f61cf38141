"""What differs between a recorded run and its replay."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

from headrace.calls import kind_of
from headrace.memory import MEMBER, SEPARATOR
from headrace.recording import ErrorRecord, plain
from headrace.replaying._texts import asked_text, outcome_text, unified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.chat import Usage
    from headrace.recording import CallRecord, RunRecord
    from headrace.replaying._errors import NotRecordedError

__all__ = ["NOTHING", "CallChange", "FieldChange", "RunDifference", "compare"]

_MOST_FIELDS = 1_000
"""Changes of fields that are told of, for outputs and memory each."""
_SEPARATORS = str.maketrans(dict.fromkeys((SEPARATOR, MEMBER), "/"))


class _Nothing(Enum):
    NOTHING = "nothing"

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = _Nothing.NOTHING
"""Stands for a value that is not there."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A value that is another one, or that one of the two does not have (``NOTHING``)."""

    path: str
    """Where it stands: ``[0].total`` in the outputs, a name in memory."""
    before: Any
    """What was recorded, as JSON."""
    after: Any
    """What it is now."""

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON; a value that is not there is left out."""
        values = {"before": self.before, "after": self.after}
        told = {name: value for name, value in values.items() if value is not NOTHING}
        return {"path": self.path, **told}


@dataclass(frozen=True, slots=True)
class CallChange:
    """A call that differs."""

    what: Literal["request", "outcome", "added", "removed"]
    """It is asked another thing; or it was made again, and something else came of it; or it is made
    in one of the two runs only."""
    name: str
    """What is called."""
    action: str
    """The action that calls it."""
    text: str
    """A unified diff; of a call that is in one run only, what it is asked."""

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"what": self.what, "name": self.name, "action": self.action, "text": self.text}


@dataclass(frozen=True, slots=True)
class RunDifference:
    """A recorded run and its replay."""

    run: str
    """The run's id."""
    key: Any
    """The key, as JSON."""
    place: str
    """Where it stands in the recording."""
    status: tuple[str, str]
    """How it ended, then and now; now it may be ``not_recorded``."""
    error: tuple[ErrorRecord | None, ErrorRecord | None]
    """What it failed by, then and now."""
    outputs: tuple[FieldChange, ...]
    """What differs in its outputs."""
    memory: tuple[FieldChange, ...]
    """What differs in what it wrote to memory; when a name expires is not looked at."""
    requests: tuple[CallChange, ...]
    """What differs in what models are asked, and in what they answer."""
    calls: tuple[CallChange, ...]
    """The same of all other calls."""
    usage: tuple[Usage, Usage]
    """What its models have cost, then and now."""
    made: int
    """Calls that were really made."""
    not_recorded: NotRecordedError | None = None
    """The call at which it ended, where there was one that it could not make."""

    @property
    def verdict(self) -> Literal["same", "changed", "failed"]:
        """``failed``: it fails now, and did not then; ``changed``: anything else that differs."""
        before, after = self.status
        if after in {"failed", "dead_letter", "skipped"} and before == "finished":
            return "failed"
        differs = before != after or _text(self.error[0]) != _text(self.error[1])
        changes = self.outputs or self.memory or self.requests or self.calls
        return "changed" if differs or changes or self.not_recorded else "same"

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        names = ("before", "after")
        data: dict[str, Any] = {
            "run": self.run,
            "key": self.key,
            "place": self.place,
            "verdict": self.verdict,
            "status": dict(zip(names, self.status, strict=True)),
            "usage": dict(
                zip(names, (one.model_dump(mode="json") for one in self.usage), strict=True)
            ),
            "made": self.made,
        }
        if any(self.error):
            data["error"] = dict(zip(names, map(_text, self.error), strict=True))
        for name in ("outputs", "memory", "requests", "calls"):
            if found := getattr(self, name):
                data[name] = [change.as_dict() for change in found]
        if self.not_recorded is not None:
            data["not_recorded"] = str(self.not_recorded)
        return data


def compare(
    before: RunRecord,
    after: RunRecord,
    *,
    place: str = "",
    not_recorded: NotRecordedError | None = None,
) -> RunDifference:
    """What differs between two executions of one run.

    Args:
        before: The recorded one.
        after: The other. What came before a call at which it ended counts, and no more.
        place: Where ``before`` stands.
        not_recorded: Why it ended early, where it did.
    """
    early = not_recorded is not None
    changes = list(_calls(before.calls, after.calls, early=early))
    models = {call.name for call in (*before.calls, *after.calls) if _is_chat(call)}
    return RunDifference(
        run=before.run,
        key=plain(before.key),
        place=place,
        status=(before.status, "not_recorded" if early else after.status),
        error=(before.error, None if early else after.error),
        outputs=() if early else _fields(plain(before.outputs), plain(after.outputs)),
        memory=() if early else _fields(_memory(before), _memory(after), named=True),
        requests=tuple(change for change in changes if change.name in models),
        calls=tuple(change for change in changes if change.name not in models),
        usage=(before.usage, after.usage),
        made=sum(not call.taken for call in after.calls) - early,
        not_recorded=not_recorded,
    )


# ---------------------------------------------------------------- calls
def _calls(
    before: Sequence[CallRecord], after: Sequence[CallRecord], *, early: bool
) -> Iterator[CallChange]:
    """What differs, in the order of the calls now; calls that overlap may begin in any order."""
    left = _by(before, lambda call: call.base)
    unknown: list[CallRecord] = []
    for call in after:
        same = left[call.base]
        if same:
            yield from _outcome(same.popleft(), call)
        else:
            unknown.append(call)
    rest = [call for some in left.values() for call in some]
    gone = {id(call) for call in rest}
    rest = [call for call in before if id(call) in gone]
    # Ids of a model's tool calls are new each time it is asked: by their texts requests are equal.
    by_text = _by([call for call in rest if _is_chat(call)], _named)
    by_name = _by(rest, lambda call: call.name)
    used: set[int] = set()
    for call in unknown:
        found = _unused(by_text[_named(call)], used) if _is_chat(call) else None
        if found is not None:
            yield from _outcome(found, call)
            continue
        found = _unused(by_name[call.name], used)
        if found is None:
            yield CallChange("added", call.name, call.action, asked_text(call))
        else:
            text = unified(asked_text(found), asked_text(call))
            yield CallChange("request", call.name, call.action, text)
            yield from _outcome(found, call)
    for call in rest:
        if id(call) not in used and not early:
            yield CallChange("removed", call.name, call.action, asked_text(call))


def _outcome(before: CallRecord, after: CallRecord) -> Iterator[CallChange]:
    """What a call that was made again gave, where that is another thing."""
    if after.taken or after.state == "unfinished":
        return
    if text := unified(outcome_text(before), outcome_text(after)):
        yield CallChange("outcome", after.name, after.action, text)


def _by(calls: Sequence[CallRecord], what: Any) -> defaultdict[str, deque[CallRecord]]:
    found: defaultdict[str, deque[CallRecord]] = defaultdict(deque)
    for call in calls:
        found[what(call)].append(call)
    return found


def _unused(calls: deque[CallRecord], used: set[int]) -> CallRecord | None:
    while calls:
        call = calls.popleft()
        if id(call) not in used:
            used.add(id(call))
            return call
    return None


def _named(call: CallRecord) -> str:
    return f"{call.name}\n{asked_text(call)}"


def _is_chat(call: CallRecord) -> bool:
    return kind_of(call.name) == "chat" and type(call.asked) is dict


# ---------------------------------------------------------------- values
def _memory(run: RunRecord) -> dict[str, Any]:
    """What a run wrote, by name; a name that it dropped is told apart from one that is ``None``."""
    written = {
        name.translate(_SEPARATORS): plain(cell["v"] if _expires(cell) else cell)
        for name, cell in run.changes.set.items()
    }
    return written | {name.translate(_SEPARATORS): "(dropped)" for name in run.changes.gone}


def _expires(cell: Any) -> bool:
    return type(cell) is dict and cell.get("$") == "ttl"


def _fields(before: Any, after: Any, *, named: bool = False) -> tuple[FieldChange, ...]:
    found: list[FieldChange] = []
    # A stack of its own: how deep a recording's values are is not ours to say.
    waiting = [("", before, after)]
    while waiting and len(found) < _MOST_FIELDS:
        path, old, new = waiting.pop()
        if type(old) is dict and type(new) is dict:
            below = [
                (_below(path, name, named=named), old.get(name, NOTHING), new.get(name, NOTHING))
                for name in (*old, *(name for name in new if name not in old))
            ]
            waiting += reversed(below)
        elif type(old) is list and type(new) is list:
            pairs = [
                (f"{path}[{at}]", _at(old, at), _at(new, at))
                for at in range(max(len(old), len(new)))
            ]
            waiting += reversed(pairs)
        elif type(old) is not type(new) or old != new:
            found.append(FieldChange(path, old, new))
    return tuple(found)


def _below(path: str, name: str, *, named: bool) -> str:
    return name if named and not path else f"{path}.{name}"


def _at(items: list[Any], at: int) -> Any:
    return items[at] if at < len(items) else NOTHING


def _text(error: ErrorRecord | None) -> str | None:
    return None if error is None else str(error)
