"""The settings of samples: the group ``samples`` of the runtime's settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["SampleSettings", "read_share"]


def _of(unit: str) -> dict[str, Any]:
    return {"unit": unit}


def read_share(text: str) -> tuple[str, float]:
    """``AGENT=SHARE`` as the agent's name and its share.

    Raises:
        ValueError: It is none.
    """
    name, equals, share = text.rpartition("=")
    try:
        part = float(share)
    except ValueError:
        part = -1.0
    if not equals or not name.strip():
        raise ValueError(f"{text!r} is no AGENT=SHARE, such as Desk=0.05")
    if not 0 <= part <= 1:
        raise ValueError(f"{share.strip()!r} is no share: it is a number from 0 to 1")
    return name.strip(), part


class SampleSettings(BaseModel):
    """Which runs are put aside for people to judge, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str | None = Field(default=None, min_length=1)
    """The folder of the samples, made where it is missing; ``None``: there are none. ``$NAME``
    stands for an environment variable of the worker."""
    sinks: tuple[str, ...] = ()
    """Hook plugins (``headrace.hooks``) that are given each sample (``headrace_sample``)."""
    share: float = Field(default=0.01, ge=0, le=1, json_schema_extra=_of("part of 1"))
    """How many of the runs that give an output are put aside."""
    shares: tuple[str, ...] = ()
    """Agents of which it is another share, each ``AGENT=SHARE``, such as ``Desk=0.05``."""
    when: str | None = None
    """A condition (CEL) on ``input``, ``outputs``, ``key`` and ``agent``, such as
    ``"outputs[0].sum > 100"``; of runs that fit, the share is put aside."""
    per_hour: int | None = Field(default=None, ge=1, json_schema_extra=_of("samples"))
    """Samples that one worker puts aside in an hour, at most; ``None``: as many as there are."""
    per_day: int | None = Field(default=1000, ge=1, json_schema_extra=_of("samples"))
    """Samples that one worker puts aside in a day, at most; ``None``: as many as there are."""
    keep: int = Field(default=10_000, ge=1, json_schema_extra=_of("samples"))
    """Samples of a job that are kept, the newest of them."""
    keep_days: float | None = Field(default=None, gt=0, json_schema_extra=_of("days"))
    """How long a sample is kept; ``None``: until there are too many."""
    max_text: int = Field(default=20_000, ge=0, json_schema_extra=_of("characters"))
    """Characters of a text in a sample; longer ones are cut, and counted."""
    max_size: int = Field(default=1_000_000, ge=1000, json_schema_extra=_of("characters"))
    """Characters of a sample, about: what is beyond that is left out, and counted."""
    redact: tuple[str, ...] = ()
    """Names of fields whose values are left out, beside those that tell of secrets and those of
    ``log.redact``; ``*`` is a pattern."""

    @field_validator("folder")
    @classmethod
    def _a_folder(cls, folder: str | None) -> str | None:
        if folder is not None and "://" in folder:
            raise ValueError(
                f"{folder} is an address, and no folder of the worker: mount it, or name a hook "
                "plugin in samples.sinks that puts samples there"
            )
        return folder

    @field_validator("shares", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """One text may say several, with commas."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("shares")
    @classmethod
    def _shares(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            read_share(one)
        return value

    @field_validator("when")
    @classmethod
    def _readable(cls, source: str | None) -> str | None:
        if source is not None:
            from headrace.samples._condition import condition

            condition(source)
        return source

    def share_of(self, agent: str) -> float:
        """The share of an agent's runs."""
        return dict(map(read_share, self.shares)).get(agent, self.share)
