"""The embedded engine: runs an agent in this process, with no server, no Java and no network."""

from __future__ import annotations

import asyncio
import threading
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
from headrace.plan import AgentPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.agent import Agent, AgentBuilder
    from headrace.records import Record

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
    "Watch",
    "run_files",
    "run_local",
]


class Outputs(list[Any]):
    """The outputs of a job, in order within each key, and what else came of it."""

    dead_letters: list[dict[str, Any]]
    """Inputs whose runs failed for good, where the policy put them aside."""
    result: JobResult
    """The counts."""


def run_local(
    agent: Agent | AgentBuilder | AgentPlan,
    inputs: Iterable[Any],
    *,
    key: Callable[[Any], Any] | None = None,
    state: str | Path | None = None,
    observers: Sequence[Callable[[Record], None]] = (),
) -> Outputs:
    """Runs an agent over inputs on this machine, and gives its outputs.

    Args:
        agent: The agent, or its plan.
        inputs: Any iterable; it is read as fast as the agent goes.
        key: Gives the key of an input; the input itself where ``None``.
        state: A SQLite file in which memory and unfinished inputs survive this process.
        observers: Called with every record of what happens.

    Raises:
        PlanError: The agent does not compile.
        JobFailedError: A run failed, and its policy is to fail the job.
    """
    plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)
    outputs, letters = ListSink(), ListSink()
    engine = LocalEngine(
        plan,
        key=key,
        state=None if state is None else Path(state),
        output=outputs,
        dead_letters=letters,
        observers=observers,
    )
    _outside_any_loop(lambda: engine.run(IterableSource(inputs)))
    made = Outputs(outputs.values)
    made.dead_letters = letters.values
    made.result = engine.result
    return made


def _outside_any_loop(run: Callable[[], object]) -> None:
    """Calls ``run`` here, or in a thread where this one runs an event loop (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        run()
        return
    failed: list[BaseException] = []

    def in_thread() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=in_thread, name="headrace-local")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
