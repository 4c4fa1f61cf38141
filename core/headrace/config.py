"""The settings of the runtime: one typed table."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headrace.errors import Fault
from headrace.eventlog.settings import LogSettings, TraceSettings
from headrace.lifetimes import Lifetime, Refresh
from headrace.memory_events import MemoryEventKind
from headrace.metrics import MetricsSettings
from headrace.models.policy import RunBudget
from headrace.models.prices import PriceSettings
from headrace.policy import FAIL, FailurePolicy, retry
from headrace.samples.settings import SampleSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RuntimeConfig", "read_config"]


def _of(unit: str, **more: Any) -> dict[str, Any]:
    return {"unit": unit, **more}


class RuntimeConfig(BaseModel):
    """How the operator runs an agent. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: str | None = Field(
        default=None, min_length=1, max_length=200, json_schema_extra=_of("", fixed=True)
    )
    """The job's identity, which state, memory and run ids follow; ``None``: the agent's name.

    Set it to the old name before an agent is renamed, and to a name of its own for each agent.
    """
    max_in_flight: int = Field(default=1000, ge=1, json_schema_extra=_of("runs"))
    """Runs that may wait for something at the same time, in one worker."""
    blocking_threads: int = Field(default=16, ge=1, le=1024, json_schema_extra=_of("threads"))
    """Threads for actions marked ``blocking=True``, in one worker."""
    action_timeout: float | None = Field(default=600.0, gt=0, json_schema_extra=_of("seconds"))
    """How long one attempt of an action may take; ``None``: for ever."""
    call_timeout: float | None = Field(default=60.0, gt=0, json_schema_extra=_of("seconds"))
    """How long a durable call may take where it does not say; ``None``: for ever."""
    failure: FailurePolicy = FAIL
    """What follows a failure where the action does not say."""
    short_term_ttl: float | None = Field(default=None, gt=0, json_schema_extra=_of("seconds"))
    """How long a name in short-term memory lives after it was set; ``None``: for ever."""
    short_term_refresh: Refresh = "write"
    """What makes a name's time begin anew: ``write``, or ``read``: a read of its value too."""
    short_term_names: dict[str, Lifetime] = Field(default_factory=dict)
    """Names in short-term memory, or first parts of paths, that live otherwise than the rest."""
    memory_events: tuple[MemoryEventKind, ...] = ()
    """Kinds of memory's events that actions may trigger on: ``began``, ``read``, ``written``,
    ``added``, ``updated``, ``deleted``, ``searched``."""
    max_steps: int = Field(default=1000, ge=1, json_schema_extra=_of("steps"))
    """Steps after which a run is taken for an endless loop, and fails."""
    max_tool_rounds: int = Field(default=16, ge=1, json_schema_extra=_of("rounds"))
    """Rounds of tool calls that one ``ctx.chat`` may take."""
    max_tool_result: int = Field(default=65_536, ge=256, json_schema_extra=_of("characters"))
    """Characters of a tool's result that a model is told; a longer one is cut, and says so."""
    condition_errors: Literal["fail", "skip"] = "fail"
    """What follows a condition that cannot be answered for an event (a field is not there, a type
    is another): the run fails, or the action is not triggered, with a warning."""
    tool_errors: Literal["tell", "fail"] = "tell"
    """What follows a tool call that fails, takes too long, or names no tool, where the tool does
    not say: who called it is told, or the run fails."""
    prices: PriceSettings = PriceSettings()
    """What models cost."""
    budget: RunBudget = RunBudget()
    """What the models of one run may cost, all of them together."""
    action_store_errors: Literal["wait", "go_on"] = "wait"
    """What follows where the agent's action store is away, slow or full: runs wait until it is
    not, which holds the stream back; or they go on without it, which is told in the log."""
    action_store_keep: float = Field(default=0.0, ge=0, json_schema_extra=_of("seconds"))
    """How long an action store keeps the calls of a run whose end is in a state that lasts: so
    long a job may go back to an older savepoint, or copy of its state, and make no call again."""
    outbox: FailurePolicy = retry(20, backoff=1.0, max_backoff=300.0, then="dead_letter")
    """What follows an effect of the outbox (`ctx.after_commit`) that fails, where it does not say:
    as it is, it is tried for about an hour, and then put in the dead letters."""
    journal_errors: Literal["fail", "rerun", "dead_letter"] = "fail"
    """What follows where a run that is begun again takes another path than its journal, because the
    code has changed: it fails, as the policy of its action says; it goes the new path from its
    start, and calls that it makes alike keep their outcomes; or its input is a dead letter."""
    log: LogSettings = LogSettings()
    """The event log."""
    metrics: MetricsSettings = MetricsSettings()
    """What is measured, and how much of it is kept."""
    samples: SampleSettings = SampleSettings()
    """The runs that are put aside for people to judge."""
    traces: TraceSettings = TraceSettings()
    """Traces."""
    shards: int = Field(default=64, ge=1, le=32768, json_schema_extra=_of("shards", fixed=True))
    """Flink: groups of keys that share a key context. It cannot change once there is state."""
    page_bytes: int = Field(default=4096, ge=64, json_schema_extra=_of("bytes"))
    """Flink: the size that pages of keyed state are kept near."""


def read_config(
    given: RuntimeConfig | Mapping[str, Any], where: str
) -> tuple[RuntimeConfig, list[Fault]]:
    """Settings as an author gave them, and what is wrong with them.

    Args:
        given: The settings; a mapping is checked.
        where: What faults call it, before the setting's name.

    Returns:
        The settings (the defaults where there are faults), and the faults.
    """
    if isinstance(given, RuntimeConfig):
        return given, []
    try:
        return RuntimeConfig.model_validate(dict(given)), []
    except ValidationError as error:
        faults = []
        for found in error.errors():
            place = ".".join(str(part) for part in found["loc"])
            near = difflib.get_close_matches(place, RuntimeConfig.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near and near[0] != place else ""
            faults.append(Fault(f"{where}{place}", found["msg"], hint))
        return RuntimeConfig(), faults
