"""The unfinished runs of a state file, and whether they fit the code as it is now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import StateError
from headrace.local._sqlite import SqliteState
from headrace.operator import Fitting, Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.plan import AgentPlan

__all__ = ["UnfinishedRun", "unfinished_runs"]


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that was under way when its job ended."""

    key: Any
    input: Any
    """In stored form, as its class may be gone."""
    run_id: str
    misfit: str | None
    """Why its journal does not fit the code; ``None``: it does, as far as it goes."""


def unfinished_runs(plan: AgentPlan, state: Path) -> Iterator[UnfinishedRun]:
    """The runs that a state file holds, each with whether the agent's code fits its journal.

    Actions are run as far as their recorded calls go, so what they do beside those is done: as in
    a replay, that should be nothing.

    Args:
        plan: The agent, as it is now.
        state: The state file; nobody else uses it meanwhile.

    Raises:
        StateError: The file is none of this agent, or another process uses it; the action store
            cannot be read.
    """
    if not state.is_file():
        raise StateError(f"there is no state file {state}")
    kept = SqliteState(state, plan.identity, lambda: 0.0, lambda _: {})
    loop = asyncio.new_event_loop()
    fitting = Fitting(plan, loop)
    try:
        names = kept.names(plan.identity)
        for one in list(kept.pending()):
            one.item.names = names
            one.item.again = True
            journal = None if one.journal is None else Journal(one.journal)
            misfit = fitting.misfit_of(one.item, kept.cells(one.item.key_id), journal)
            yield UnfinishedRun(one.item.key, one.item.value, one.item.named() or "", misfit)
    finally:
        fitting.close()
        loop.close()
        kept.close()
