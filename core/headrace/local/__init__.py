"""The embedded engine: runs an agent in this process, with no server, no Java and no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.local._engine import JobResult, LocalEngine
from headrace.local._files import LocalJob, Watch, run_files
from headrace.local._sinks import CallSink, FileSink, ListSink, Sink
from headrace.local._sources import (
    END,
    NOTHING,
    FileSource,
    InputError,
    IterableSource,
    PipeSource,
    Source,
)
from headrace.local._unfinished import UnfinishedRun, unfinished_runs
from headrace.loops import outside_any_loop
from headrace.plan import AgentPlan
from headrace.settings import settled_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.metrics import Metrics
    from headrace.records import Record
    from headrace.teams import AgentLike

__all__ = [
    "END",
    "NOTHING",
    "CallSink",
    "FileSink",
    "FileSource",
    "InputError",
    "IterableSource",
    "JobResult",
    "ListSink",
    "LocalEngine",
    "LocalJob",
    "Outputs",
    "PipeSource",
    "Sink",
    "Source",
    "UnfinishedRun",
    "Watch",
    "run_files",
    "run_local",
    "unfinished_runs",
]


class Outputs(list[Any]):
    """The outputs of a job, in order within each key, and what else came of it."""

    dead_letters: list[dict[str, Any]]
    """Inputs whose runs failed for good, where the policy put them aside."""
    approvals: list[dict[str, Any]]
    """Requests for somebody's decision (``headrace.approvals.ApprovalRequest``)."""
    result: JobResult
    """The counts."""


def run_local(
    agent: AgentLike | AgentPlan,
    inputs: Iterable[Any],
    *,
    key: Callable[[Any], Any] | None = None,
    state: str | Path | None = None,
    observers: Sequence[Callable[[Record], None]] = (),
    record: str | Path | None = None,
    log: str | Path | None = None,
    metrics: Metrics | None = None,
) -> Outputs:
    """Runs an agent over inputs on this machine, and gives its outputs.

    Args:
        agent: The agent, or its plan.
        inputs: Any iterable; it is read as fast as the agent goes.
        key: Gives the key of an input; the input itself where ``None``.
        state: A SQLite file in which memory and unfinished inputs survive this process.
        observers: Called with every record of what happens.
        record: A file that takes every run, to be run again (``headrace.replaying``). It holds
            what agents saw.
        log: The folder of the event log's files; ``None``: the one that the settings name.
        metrics: Counts what happens, and what actions measure themselves (``headrace.metrics``).

    Raises:
        PlanError: The agent does not compile.
        SettingError: What the environment says of settings is wrong, or a value is said nowhere.
        JobFailedError: A run failed, and its policy is to fail the job.
    """
    plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)
    plan = settled_here(plan)
    if log is not None:
        settings = plan.config.log.model_copy(update={"folder": str(log)})
        plan = plan.model_copy(update={"config": plan.config.model_copy(update={"log": settings})})
    outputs, letters, requests = ListSink(), ListSink(), ListSink()
    recorder = None
    if record is not None:
        from headrace.recording import Recorder

        recorder = Recorder(Path(record), keep=state is not None)
    engine = LocalEngine(
        plan,
        key=key,
        state=None if state is None else Path(state),
        output=outputs,
        dead_letters=letters,
        approvals=requests,
        observers=observers,
        metrics=metrics,
        recorder=recorder,
    )
    outside_any_loop(lambda: engine.run(IterableSource(inputs)))
    made = Outputs(outputs.values)
    made.dead_letters = letters.values
    made.approvals = requests.values
    made.result = engine.result
    return made
