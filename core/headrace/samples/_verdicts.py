"""Verdicts: what somebody says of a sample; as a line of a file, and as an input of the agent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headrace.eventlog._lines import key_text
from headrace.events import VerdictEvent
from headrace.values import Stored, decode

__all__ = ["VERDICT", "FedVerdict", "Verdict", "fed", "verdict_event", "verdict_of"]

VERDICT: Final = "headrace.verdict"
"""The field of an input that is a verdict."""

LAST: Final = 253_402_300_799
"""The end of the year 9999, in seconds since the epoch: as far as dates go."""
Label = Annotated[str, Field(min_length=1, max_length=60)]


class Verdict(BaseModel):
    """What somebody says of a sample."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    """The version of this form."""
    sample: str = Field(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The sample's id, which is its run's."""
    verdict: Literal["good", "bad"]
    """What is said."""
    by: str = Field(min_length=1, max_length=200)
    """Who says it."""
    note: str = Field(default="", max_length=2000)
    """Why."""
    labels: tuple[Label, ...] = Field(default=(), max_length=20)
    """Words to count by: ``tone``, ``wrong number``."""
    time: float = Field(ge=0, le=LAST)
    """When, in seconds since the epoch."""
    job: str
    """The sample's job."""
    agent: str
    """The sample's agent."""
    key_id: str
    """The sample's key, as a text."""
    models: tuple[str, ...] = ()
    """The models that answered in its run."""
    sampled: float = Field(ge=0, le=LAST)
    """When its run ended."""

    @property
    def key(self) -> Any:
        """The key of the run that was judged."""
        return json.loads(key_text(self.key_id))


class FedVerdict(Verdict):
    """A verdict on its way to the agent, with what it is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Any = None
    """What came in, as the sample has it."""
    outputs: list[Any] = Field(default_factory=list)
    """What left, as the sample has it."""

    def as_input(self) -> dict[str, Any]:
        """The input that brings it to the agent."""
        return {VERDICT: self.model_dump(mode="json")}


def verdict_of(value: Any) -> FedVerdict | None:
    """The verdict that an input is; ``None``: it is an ordinary one.

    Raises:
        ValueError: It is meant as a verdict, and is none.
    """
    if not (isinstance(value, Mapping) and VERDICT in value):
        return None
    if len(value) > 1:
        raise ValueError(f"a verdict has the one field {VERDICT!r}")
    try:
        made = FedVerdict.model_validate(value[VERDICT])
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise ValueError(f"this is no verdict: {faults}") from None
    if not _plain_key(made.key_id):
        raise ValueError(f"this is no verdict: the key {made.key_id!r} is no value that JSON has")
    return made


def _plain_key(key_id: str) -> bool:
    """Whether a key is plain JSON: no class is looked for that somebody names in a stream."""
    if key_id[:1] == "s":
        return True
    try:
        return key_id[:1] == "j" and '"$"' not in json.dumps(json.loads(key_id[1:]))
    except (ValueError, RecursionError):
        return False


def fed(value: Stored) -> bool:
    """Whether a stored input is a verdict."""
    return type(value) is dict and VERDICT in value


def verdict_event(value: Stored) -> VerdictEvent:
    """The event of a stored input that is a verdict."""
    said = decode(value)[VERDICT]
    return VerdictEvent(**{name: said[name] for name in VerdictEvent.model_fields if name in said})
