"""Replays: recorded runs run again, offline, against a changed prompt, model or tool.

::

    report = replay("runs.jsonl", Shop(tone="Be brief."))
    assert not report.summary.changed, report.as_text()

Each run has the input and the memory that it had. A call that was recorded gives what was recorded;
what follows one that was not, ``ask`` and ``calls`` say. By default nothing at all is called: no
model, no tool, no server; no key is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.loops import outside_any_loop
from headrace.plan import AgentPlan
from headrace.recording import Recorded, RecordingError, read_recording
from headrace.replaying._difference import (
    NOTHING,
    CallChange,
    FieldChange,
    RunDifference,
    compare,
)
from headrace.replaying._errors import NotRecordedError
from headrace.replaying._replay import Replay
from headrace.replaying._report import Report, Summary, lines_of
from headrace.replaying._rules import Mode, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.agent import Agent
    from headrace.agent_builder import AgentBuilder
    from headrace.records import Record

__all__ = [
    "NOTHING",
    "CallChange",
    "FieldChange",
    "Mode",
    "NotRecordedError",
    "RecordingError",
    "Report",
    "Rules",
    "RunDifference",
    "Summary",
    "compare",
    "lines_of",
    "replay",
    "replay_each",
]


def replay(
    recording: str | Path,
    agent: Agent | AgentBuilder | AgentPlan,
    *,
    ask: Mode = "recorded",
    calls: Mapping[str, Mode] | Sequence[str] = (),
    select: Callable[[Recorded], bool] | None = None,
    observers: Sequence[Callable[[Record], None]] = (),
) -> Report:
    """Runs recorded runs again, and says what differs.

    Args:
        recording: The file that ``record=`` wrote.
        agent: The agent as it is now, or its plan.
        ask: Whether chat models are asked: ``recorded``: never; ``changed``: what was not recorded;
            ``all``: everything, anew.
        calls: The same for tools, functions and long-term memory, by name or pattern (``lookup``,
            ``shop:*``, ``memory:search``); of a list each is called where it was not recorded. What
            nobody names is never called.
        select: Which runs; all of them where ``None``.
        observers: Called with every record of what happens.

    Raises:
        RecordingError: The recording cannot be read; the text names the line.
        PlanError: The agent does not compile.
    """
    rules = _rules(ask, calls)
    report = Report([], Summary())

    def collect() -> None:
        each = replay_each(recording, agent, rules=rules, select=select, observers=observers)
        for difference in each:
            report.summary.count(difference)
            report.runs.append(difference)

    outside_any_loop(collect)
    report.notes += [f"no call was named {name!r}" for name in sorted(rules.unused)]
    return report


def replay_each(
    recording: str | Path,
    agent: Agent | AgentBuilder | AgentPlan,
    *,
    rules: Rules | None = None,
    select: Callable[[Recorded], bool] | None = None,
    observers: Sequence[Callable[[Record], None]] = (),
) -> Iterator[RunDifference]:
    """The same, one run after the other: for recordings of any size.

    It turns an event loop of its own, so it cannot be used where one runs (a notebook): ``replay``
    can.

    Args:
        recording: The file.
        agent: The agent as it is now, or its plan.
        rules: What may be called; nothing where ``None``.
        select: Which runs; all of them where ``None``.
        observers: Called with every record of what happens.

    Raises:
        RecordingError: A line cannot be read. What stands before it was given.
        PlanError: The agent does not compile.
    """
    plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)
    runs = read_recording(Path(recording))
    chosen = runs if select is None else filter(select, runs)
    again = Replay(plan, rules or Rules("recorded", {}), observers=observers)
    try:
        yield from again.differences(chosen)
    finally:
        again.close()


def _rules(ask: Mode, calls: Mapping[str, Mode] | Sequence[str]) -> Rules:
    if isinstance(calls, str):
        raise TypeError("calls takes a list of names, or a mapping from names to modes")
    if isinstance(calls, Mapping):
        return Rules(ask, calls)
    return Rules(ask, dict.fromkeys(calls, "changed"))
