"""Whether the runs that a state file holds fit the code as it is now, found before it goes on.

Each is gone again with its journal as far as that leads, and no further: no call is made, nothing
is written, and the state stays as it is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import NonDeterminismError, StateError
from headrace.local._sqlite import SqliteState
from headrace.operator import Journal, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.operator import Run
    from headrace.operator._journal import Entry
    from headrace.plan import AgentPlan

__all__ = ["UnfinishedRun", "unfinished_runs"]

_SECONDS = 5.0
"""How long a run may take to come to where its journal ends."""
_TURNS = 20
"""Turns of the loop for what goes on beside, such as another action of the step."""


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
        StateError: The file is none of this agent, or another process uses it.
    """
    if not state.is_file():
        raise StateError(f"there is no state file {state}")
    kept = SqliteState(state, plan.identity, lambda: 0.0, lambda _: {})
    loop = asyncio.new_event_loop()
    try:
        names = kept.names(plan.identity)
        for one in list(kept.pending()):
            one.item.names = names
            one.item.again = True
            misfit = None
            if one.journal is not None:
                check = _Check(_as_strict(plan), loop)
                misfit = check.of(one.item, kept.cells(one.item.key_id), Journal(one.journal))
            yield UnfinishedRun(one.item.key, one.item.value, one.item.named() or "", misfit)
    finally:
        loop.close()
        kept.close()


def _as_strict(plan: AgentPlan) -> AgentPlan:
    config = plan.config.model_copy(update={"journal_errors": "fail"})
    return plan.model_copy(update={"config": config})


class _Check:
    """Goes one run again; a ``CallWatch`` that lets no call be made."""

    def __init__(self, plan: AgentPlan, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._far = asyncio.Event()
        self._operator = Operator(
            plan,
            loop,
            on_done=lambda _: self._far.set(),
            holding=lambda _run, _change: self._far.set(),
            watch=self,
        )
        self._operator.ledger = None

    def of(self, item: Any, cells: Any, journal: Journal) -> str | None:
        """Why the run does not fit; ``None`` where it does."""
        try:
            run = self._operator.begin(item, cells, journal)
            self._loop.run_until_complete(self._as_far_as_it_goes(run))
            error = None if run.outcome is None else run.outcome.error
        finally:
            self._loop.run_until_complete(self._operator.close())
        while error is not None and not isinstance(error, (NonDeterminismError, StateError)):
            error = error.__cause__
        return None if error is None else str(error)

    async def _as_far_as_it_goes(self, run: Run) -> None:
        if run.outcome is None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._far.wait(), _SECONDS)
        for _ in range(_TURNS):
            if run.outcome is not None:
                return
            await asyncio.sleep(0)

    # ------------------------------------------------------------ what it is told as a watch
    def started(self, run: Run) -> None:
        """Nothing is done with that."""

    async def begun(self, _run: Run, entry: Entry) -> None:
        """Holds a call that its journal has no end of."""
        if entry.state not in {"finished", "failed"}:
            self._far.set()
            await asyncio.Event().wait()

    def ended(self, run: Run, entry: Entry) -> None:
        """No call is made."""
