"""Notes of a run under way: its calls as they begin and end, and at its end the whole record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.chat import Usage
from headrace.errors import ActionError, ReplayedError
from headrace.memory import DELETED
from headrace.recording._plain import usage_of
from headrace.values import encode

if TYPE_CHECKING:
    from headrace.operator import Run
    from headrace.operator._journal import Entry

__all__ = ["Notes"]


class Notes:
    """What is known of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.began = run.operator.clock()
        self.calls: list[dict[str, Any]] = []
        """Fields of ``CallRecord``."""
        self._places: dict[int, tuple[int, Entry]] = {}  # by id; the entry is kept, so its id is
        journal = None if run.journal is None else run.journal.stored()
        self._attempts: dict[str, int] = {} if journal is None else journal["attempts"]

    def begun(self, entry: Entry) -> dict[str, Any]:
        """Takes a call that begins, or whose outcome is known from before."""
        known = self._places.get(id(entry))
        if known is not None:  # an earlier attempt of the action made it
            return self.calls[known[0]]
        assert entry.asked is not None  # noqa: S101 - set where somebody watches
        task, number, asked = entry.asked
        outer = None if entry.outer is None else self._places.get(id(entry.outer))
        note: dict[str, Any] = {
            "task": task.id,
            "action": task.action.name,
            "member": task.action.spec.member,
            "attempt": entry.attempt,
            "name": entry.name,
            "number": number,
            "asked": asked,
            "state": "unfinished",
            "outcome": None,
            "time": self.run.operator.clock(),
            "inside": None if outer is None else outer[0],
        }
        self._places[id(entry)] = (len(self.calls), entry)
        self.calls.append(note)
        if entry.state in {"finished", "failed"}:
            self.ended(entry)
        return note

    def ended(self, entry: Entry) -> None:
        """Takes a call's outcome."""
        known = self._places.get(id(entry))
        if known is None:
            return
        note = self.calls[known[0]]
        note["state"], note["outcome"] = entry.state, entry.outcome
        note["time"] = self.run.operator.clock()

    def record(self, plan: str) -> dict[str, Any]:
        """The fields of ``RunRecord``, when the run has ended."""
        run, outcome = self.run, self.run.outcome
        assert outcome is not None  # noqa: S101 - the operator settles every run
        item, now = run.item, run.operator.clock()
        gone = [name for name, cell in outcome.changes.items() if cell is DELETED]
        cells = {name: cell for name, cell in outcome.changes.items() if cell is not DELETED}
        used = Usage()
        for call in self.calls:
            if call["name"].startswith("chat:"):
                used = used + usage_of(call["outcome"])
        return {
            "agent": run.operator.plan.name,
            "plan": plan,
            "run": run.id,
            "key": encode(item.key),
            "key_id": item.key_id,
            "input": item.value,
            "sequence": item.sequence,
            "timestamp": item.timestamp,
            "began": self.began,
            "ended": now,
            "attempts": self._attempts,
            "memory": dict(run.stored),
            "calls": self.calls,
            "inputs_ended": self._inputs_ended(),
            "status": outcome.status,
            "error": _error(outcome.error, wrapped=outcome.status == "failed"),
            "outputs": outcome.outputs,
            "changes": {"set": cells, "gone": gone},
            "usage": used.model_dump(mode="json"),
        }

    def _inputs_ended(self) -> bool:
        """Whether somebody was asked, did not answer, and is told to be too late for ever."""
        asked = () if self.run.journal is None else self.run.journal.approvals.values()
        ended = self.run.operator.approvals._ended  # noqa: SLF001 - one part with the operator
        return ended and any(said is None for _, said in asked)


def _error(error: BaseException | None, *, wrapped: bool) -> dict[str, str] | None:
    if error is None:
        return None
    if wrapped and isinstance(error, ActionError) and error.__cause__ is not None:
        error = error.__cause__  # a job that fails says around it which action and key it was
    if isinstance(error, ReplayedError):
        return {"type": error.type_name, "text": error.message}
    kind = type(error)
    return {"type": f"{kind.__module__}:{kind.__qualname__}", "text": str(error)}
