"""Tool calls that wait for a person: the rules, the requests, and the decisions.

A call that needs approval is put to a stream of requests at once, and its run waits, for as long as
it takes: it holds no place in flight, survives restarts with the engine's state, and further inputs
of its key wait behind it. A decision comes with the inputs, as a mapping with the one field
``headrace.decision``, in whatever order.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from headrace._cel import compile_cel
from headrace.errors import ConditionError

__all__ = ["DECISION", "Approval", "ApprovalRequest", "Decision", "decision_of"]

DECISION: Final = "headrace.decision"
"""The field of an input that is a decision."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Approval(_Frozen):
    """Which calls of a tool or toolset wait for a decision."""

    tools: tuple[str, ...] = ("*",)
    """Of a toolset: the tools, by name or pattern (``delete_*``)."""
    when: str | None = None
    """A condition (CEL) on ``args`` and ``key``, such as ``"args.amount > 100"``; else always."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that there are for a decision; ``None``: for ever."""
    on_timeout: Literal["deny", "fail"] = "deny"
    """What follows when they are over: the model is told no, or the run fails."""

    @field_validator("when")
    @classmethod
    def _readable(cls, source: str | None) -> str | None:
        if source is not None:
            variables, _ = compile_cel(source)
            if unknown := sorted({*variables} - {"args", "key"}):
                raise ValueError(f"it uses {', '.join(unknown)}; it knows only args and key")
        return source

    def covers(self, tool: str, arguments: Mapping[str, Any], key: Any) -> bool:
        """Whether a call has to wait.

        Raises:
            ConditionError: The condition failed on the call.
        """
        if not any(fnmatch.fnmatchcase(tool, pattern) for pattern in self.tools):
            return False
        if self.when is None:
            return True
        try:
            result = compile_cel(self.when)[1]({"args": dict(arguments), "key": key})
        except Exception as error:
            raise ConditionError(
                f"the approval's condition {self.when!r} failed on a call of {tool}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(result, bool):
            raise ConditionError(
                f"the approval's condition {self.when!r} gave {result!r}, not true or false"
            )
        return result


class ApprovalRequest(_Frozen):
    """A call that waits for a decision, as the stream of requests shows it."""

    id: str
    """Names the call; the same when its run is run again."""
    agent: str
    """The agent."""
    key: Any
    """The key of its run."""
    key_id: str
    """The key as a text: it brings the decision to the run."""
    run: str
    """The run."""
    tool: str
    """What is to be called."""
    arguments: dict[str, Any]
    """With which arguments, as the model gave them."""
    asked: float
    """When it was asked, in seconds since the epoch."""
    expires: float | None = None
    """When a decision comes too late."""


class Decision(_Frozen):
    """What somebody decided."""

    id: str = Field(min_length=1)
    """The request's."""
    key_id: str
    """The request's."""
    approved: bool
    """Whether the call may be made."""
    by: str = Field(default="", max_length=200)
    """Who decided."""
    note: str = Field(default="", max_length=2000)
    """Why; of a refusal the model is told."""

    def as_input(self) -> dict[str, Any]:
        """The input that brings it to the run."""
        return {DECISION: self.model_dump(mode="json")}


def decision_of(value: Any) -> Decision | None:
    """The decision that an input is; ``None``: it is an ordinary one.

    Raises:
        ValueError: It is meant as a decision, and is none.
    """
    if not (isinstance(value, Mapping) and DECISION in value):
        return None
    if len(value) > 1:
        raise ValueError(f"a decision has the one field {DECISION!r}")
    try:
        return Decision.model_validate(value[DECISION])
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise ValueError(f"this is no decision: {faults}") from None
