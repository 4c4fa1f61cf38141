"""Whether an unfinished run fits the code as it is now, found before it goes on.

It is gone again with its journal as far as that leads, and no further: no call is made, nothing is
written, and the state stays as it is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from headrace.errors import NonDeterminismError, StateError
from headrace.operator._operator import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.operator._journal import Entry, Journal
    from headrace.operator._run import Run, RunInput
    from headrace.plan import AgentPlan
    from headrace.values import Stored

__all__ = ["misfit_of"]

_SECONDS = 5.0
"""How long a run may take to come to where its journal ends."""
_TURNS = 20
"""Turns of the loop for what goes on beside, such as another action of the step."""


def misfit_of(
    plan: AgentPlan,
    loop: asyncio.AbstractEventLoop,
    item: RunInput,
    stored: Mapping[str, Stored],
    journal: Journal | None,
) -> str | None:
    """Why a run's journal does not fit the code; ``None``: it does, as far as it goes.

    Actions are run as far as their recorded calls go, so what they do beside those is done: as in
    a replay, that should be nothing.

    Args:
        plan: The agent, as it is now.
        loop: A loop that does not run.
        item: The run's input.
        stored: Its key's short-term memory.
        journal: Its journal; a run that has none fits.
    """
    if journal is None:
        return None
    config = plan.config.model_copy(update={"journal_errors": "fail"})
    plan = plan.model_copy(update={"config": config})
    far = asyncio.Event()
    operator = Operator(
        plan,
        loop,
        on_done=lambda _: far.set(),
        holding=lambda _run, _change: far.set(),
        watch=_Watch(far),
    )
    operator.ledger = None
    try:
        run = operator.begin(item, stored, journal)
        loop.run_until_complete(_as_far_as_it_goes(run, far))
        error = None if run.outcome is None else run.outcome.error
    finally:
        loop.run_until_complete(operator.close())
    while error is not None and not isinstance(error, (NonDeterminismError, StateError)):
        error = error.__cause__
    return None if error is None else str(error)


async def _as_far_as_it_goes(run: Run, far: asyncio.Event) -> None:
    if run.outcome is None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(far.wait(), _SECONDS)
    for _ in range(_TURNS):
        if run.outcome is not None:
            return
        await asyncio.sleep(0)


class _Watch:
    """A ``CallWatch`` that lets no call be made."""

    def __init__(self, far: asyncio.Event) -> None:
        self._far = far

    def started(self, run: Run) -> None:
        """Nothing is done with that."""

    async def begun(self, _run: Run, entry: Entry) -> None:
        """Holds a call that its journal has no end of."""
        if entry.state not in {"finished", "failed"}:
            self._far.set()
            await asyncio.Event().wait()

    def ended(self, run: Run, entry: Entry) -> None:
        """No call is made."""
