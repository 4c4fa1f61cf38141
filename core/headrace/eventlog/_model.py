"""The published schema of the event log's lines: a model that reads one, and its JSON schema."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headrace.eventlog._kinds import KINDS
from headrace.eventlog._lines import VERSION

__all__ = ["Cut", "LogRecord", "LogUsage", "log_schema"]


class Cut(BaseModel):
    """What was left out of a record's values, counted."""

    model_config = ConfigDict(frozen=True, extra="allow")

    texts: int = 0
    """Texts that were shortened."""
    characters: int = 0
    """Characters that they lack."""
    items: int = 0
    """Items of lists."""
    fields: int = 0
    """Fields of objects."""
    deep: int = 0
    """Lists and objects whose content lay too deep."""
    redacted: int = 0
    """Secrets, and fields that are not to be shown."""


class LogUsage(BaseModel):
    """What a request of a model has cost; what is 0 is left out."""

    model_config = ConfigDict(frozen=True, extra="allow")

    input_tokens: int = 0
    """Tokens read, those from and into the provider's cache included."""
    output_tokens: int = 0
    """Tokens written, those of reasoning included."""
    cached_tokens: int = 0
    """Of the input: tokens read from the provider's cache."""
    cache_write_tokens: int = 0
    """Of the input: tokens that were written to the provider's cache."""
    reasoning_tokens: int = 0
    """Of the output: tokens of reasoning."""
    cost: float = 0.0
    """What it cost."""
    currency: str = ""
    """What the cost is told in."""
    unpriced_tokens: int = 0
    """Tokens whose price is not known: the cost lacks them."""


class LogRecord(BaseModel):
    """A line of an event log.

    What a line lacks has its default. A later version may add fields, kinds and words of ``what``
    without another ``v``; a reader leaves alone what it does not know. Within a run a record is
    named by ``kind``, ``id``, ``attempt`` and whether ``what`` is ``started``: a line with the same
    name is the same record again, written by a replay.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    v: int = Field(ge=1)
    """The version of this schema: 1."""
    time: float
    """When it happened, or ended: seconds since the epoch."""
    kind: str = Field(json_schema_extra={"examples": list(KINDS)})
    """What it is about: ``run``, ``event``, ``action``, ``agent`` (a sub-agent), ``model`` (a
    request of one), ``tool`` and ``call`` (of a tool, of a function), ``effect`` (of the outbox),
    ``approval``, ``parse`` (an answer read into its form), ``skill``, ``memory``, ``retry`` (what
    was tried again, with the wait until then, and each try of a call that took several),
    ``resource``, ``budget`` (one that is nearly used up, or is), or ``log`` (the log itself)."""
    what: str
    """What happened: ``started``, ``finished``, ``failed``, ``reused`` (a recorded outcome was
    taken); a run may also be ``skipped``, a ``dead_letter`` or ``handed_back``; an event is
    ``sent``; an effect is ``held``, ``finished``, ``failed``, ``retried``, ``skipped`` or a
    ``dead_letter``; resources and skills have their own words."""
    agent: str
    """The agent's name, or the team's."""
    run: str = ""
    """The run's id."""
    key: Any = None
    """The key, as JSON."""
    trace: str | None = None
    """The trace context that came with the input (W3C's ``traceparent``), where traces are made."""
    name: str = ""
    """The action, the event's type, the sub-agent, the model, the tool, the function, the skill."""
    id: str = ""
    """Names it within its run."""
    cause: str = ""
    """The id, within the run, of what caused it; empty: the run's input."""
    attempt: int = Field(default=1, ge=1)
    """Which attempt of an action it was."""
    start: float | None = None
    """When it began, where it took time."""
    duration: float | None = None
    """Seconds that it took."""
    error: str | None = None
    """What went wrong: the error's type and text."""
    fault: Literal["model", "tool", "parse", "action", "runtime"] | None = None
    """Whose fault a failure is."""
    replayed: bool = False
    """Whether it belongs to a run, or is a call, that an earlier process had: it may stand in an
    earlier file too."""
    level: Literal["standard", "verbose"] = "standard"
    """The level at which it was told."""
    usage: LogUsage | None = None
    """Of a request of a model, and of what a memory learned: what it cost."""
    data: dict[str, Any] | None = None
    """Values, by kind; shortened and redacted."""
    cut: Cut | None = None
    """What they lack."""


def log_schema() -> dict[str, Any]:
    """The JSON schema of a line."""
    schema = LogRecord.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"headrace/event-log/{VERSION}",
        **schema,
    }
