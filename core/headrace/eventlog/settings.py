"""The settings of the event log and of what is made of it: the groups ``log`` and ``traces``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from headrace.eventlog._levels import Level, read_level

__all__ = ["LogSettings", "TraceSettings"]


def _of(unit: str) -> dict[str, Any]:
    return {"unit": unit}


class LogSettings(BaseModel):
    """What the event log tells, and where it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str | None = Field(default=None, min_length=1)
    """The folder of the event log's files, made where it is missing; ``None``: there are none.
    ``$NAME`` stands for an environment variable of the worker, as in ``$FLINK_LOG_DIR``."""
    logger: bool = False
    """Whether each record goes to Python's logger ``headrace.events`` too: on a cluster it is in
    the TaskManager's log, which Flink's web interface shows."""
    sinks: tuple[str, ...] = ()
    """Hook plugins (``headrace.hooks``) that are given each record (``headrace_record``)."""
    level: Level = "standard"
    """What is told: nothing (``off``), what happened, with long values cut (``standard``), or also
    what began, and whole values (``verbose``)."""
    levels: tuple[str, ...] = ()
    """Types that are told otherwise, each ``TYPE=LEVEL``, such as ``event.shop.Order=off``; a type
    inherits from what is above it."""
    max_text: int = Field(default=1000, ge=0, json_schema_extra=_of("characters"))
    """Characters of a text in a value, at ``standard``; longer ones are cut, and counted."""
    max_items: int = Field(default=20, ge=0, json_schema_extra=_of("items"))
    """Items of a list and fields of an object in a value, at ``standard``."""
    max_depth: int = Field(default=8, ge=1, le=100, json_schema_extra=_of("levels"))
    """How deep a value may be nested, at ``standard``."""
    max_value: int = Field(default=1_000_000, ge=1000, json_schema_extra=_of("characters"))
    """Characters of one record's values, at every level."""
    redact: tuple[str, ...] = ()
    """Names of fields whose values are not told, beside those that tell of secrets; ``*`` is a
    pattern."""
    rotate: int = Field(default=100_000_000, ge=1000, json_schema_extra=_of("bytes"))
    """The size at which a file is closed and a new one begun."""
    keep: int = Field(default=10, ge=1, json_schema_extra=_of("files"))
    """Closed files of one subtask that are kept, the newest of them."""
    keep_days: float | None = Field(default=None, gt=0, json_schema_extra=_of("days"))
    """How long a closed file is kept; ``None``: until there are too many."""
    compress: bool = True
    """Whether closed files are compressed (gzip)."""

    @field_validator("levels", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """One text may say several, with commas."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("levels")
    @classmethod
    def _levels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            read_level(one)
        return value


class TraceSettings(BaseModel):
    """What traces are made of the event log's records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    export: str | None = Field(default=None, min_length=1)
    """The hook plugin (``headrace.hooks``) that makes traces of records, such as ``otel``;
    ``None``: there are none."""
    sample: float | None = Field(default=None, ge=0, le=1)
    """The share of runs that have a trace. The run's id decides, the same on each worker; ``None``:
    as the exporter's own variables say."""
    content: bool = False
    """Whether traces hold what was said and given: inputs, outputs, prompts, answers, arguments and
    results of tools."""
    parent: str = Field(default="traceparent", min_length=1)
    """The field of an input that holds the trace context which its run's trace goes on with (W3C's
    ``traceparent``)."""
