"""The form of a recording's lines."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from headrace.chat import Usage
from headrace.errors import HeadraceError
from headrace.values import Stored, digest

__all__ = [
    "FORMAT",
    "MAX_DEPTH",
    "MAX_LINE",
    "CallRecord",
    "Changed",
    "ErrorRecord",
    "RecordingError",
    "RunRecord",
    "check_of",
    "line_of",
]

FORMAT: Final = 1
"""The version of the format that this code writes; it reads this and all older ones."""
MAX_LINE: Final = 64 * 2**20
"""Bytes of a line that is read, at most."""
MAX_DEPTH: Final = 320
"""How deep a line may be nested: a value of 100 levels (``headrace.values``) has up to 300."""

_CHECK = b'{"check":"%b",'


class RecordingError(HeadraceError):
    """A recording that cannot be read; the text names its line."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CallRecord(_Strict):
    """A durable call of a run: of a model, a tool, a function, long-term memory."""

    task: str
    """The action task that made it: the number of its step and its place in it."""
    action: str
    """The action's name."""
    member: str | None = None
    """Of a team: whose action it is."""
    attempt: int = Field(ge=1)
    """The attempt of the action that made it."""
    name: str
    """What was called: ``chat:MODEL``, ``tool:NAME``, ``module:function``, ..."""
    number: int = Field(ge=0)
    """How many equal calls the task had made before."""
    asked: Any
    """With what: a model's request, arguments in stored form, or the call's ``key``."""
    state: Literal["finished", "failed", "unfinished"]
    """How it ended; ``unfinished``: it was cancelled, for it or its action took too long."""
    outcome: Any = None
    """Its result or error, in stored form."""
    time: float
    """When it ended (or, unfinished, began), in seconds since the epoch."""
    inside: int | None = Field(default=None, ge=0)
    """The call that made this one, by its place in the list."""
    taken: bool = False
    """Of a replay: whether the outcome is the recorded one."""

    @cached_property
    def base(self) -> str:
        """What equal calls have in common."""
        return f"{self.name}|{digest(self.asked)}"


class ErrorRecord(_Strict):
    """What a run failed by."""

    type: str
    """The error's class, ``module:Name``."""
    text: str
    """Its text."""

    def __str__(self) -> str:
        return f"{self.type.rpartition(':')[2]}: {self.text}"


class Changed(_Strict):
    """What a run changed in the key's short-term memory."""

    set: dict[str, Any] = Field(default_factory=dict)
    """New cells, by name."""
    gone: list[str] = Field(default_factory=list)
    """Names that it dropped."""


class RunRecord(_Strict):
    """A run, from its input to its end."""

    agent: str
    """The agent's name."""
    plan: str
    """The digest of its plan, as it stands above in the recording."""
    run: str
    """The run's id."""
    key: Any
    """The stream's key, in stored form."""
    key_id: str
    """The key as a text."""
    input: Any
    """The input, in stored form."""
    sequence: int
    """The engine's number for the input."""
    timestamp: int | None = None
    """Event time, in milliseconds since the epoch."""
    began: float
    """When it began, in seconds since the epoch."""
    ended: float
    """When it ended."""
    attempts: dict[str, int] = Field(default_factory=dict)
    """The attempts that tasks were at, where an earlier process had begun the run."""
    memory: dict[str, Any] = Field(default_factory=dict)
    """The cells of the key's short-term memory, as the run saw them."""
    calls: list[CallRecord] = Field(default_factory=list)
    """Its durable calls, in the order in which they began."""
    inputs_ended: bool = False
    """Whether a call was refused because the inputs had ended and nobody had decided on it."""
    status: Literal["finished", "skipped", "dead_letter", "failed"]
    """How it ended."""
    error: ErrorRecord | None = None
    """What it failed by."""
    outputs: list[Any] = Field(default_factory=list)
    """Its outputs, in stored form, in order."""
    changes: Changed = Changed()
    """What it changed in memory."""
    usage: Usage = Usage()
    """What its models have cost."""


def line_of(what: Literal["plan", "run"], data: dict[str, Stored]) -> bytes:
    """A line of a recording."""
    text = json.dumps({"format": FORMAT, what: data}, separators=(",", ":"))
    rest = text[1:].encode("ascii")
    return _CHECK % check_of(rest) + rest + b"\n"


def check_of(rest: bytes) -> bytes:
    """The digest of a line's rest: 128 bits, hexadecimal."""
    return hashlib.blake2b(rest, digest_size=16).hexdigest().encode()
