"""Whether an unfinished run fits the code as it is now, found before it goes on.

It is gone again with its journal as far as that leads, and no further: no call is made, nothing is
written, and the state stays as it is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from headrace.errors import NonDeterminismError, StateError
from headrace.operator._journal import Journal
from headrace.operator._operator import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.action_stores import ActionStore
    from headrace.operator._journal import Entry
    from headrace.operator._run import Run, RunInput
    from headrace.plan import AgentPlan
    from headrace.values import Stored

__all__ = ["Fitting"]

_SECONDS = 5.0
"""How long a run may take to come to where its journal ends."""
_TURNS = 20
"""Turns of the loop for what goes on beside, such as another action of the step."""
_STORE_SECONDS = 30.0
"""How long the action store may take to read a run."""


class Fitting:
    """Goes unfinished runs through, one after the other.

    Actions are run as far as their recorded calls go, so what they do beside those is done: as in
    a replay, that should be nothing.

    Args:
        plan: The agent, as it is now.
        loop: A loop that does not run.
    """

    def __init__(self, plan: AgentPlan, loop: asyncio.AbstractEventLoop) -> None:
        config = plan.config.model_copy(update={"journal_errors": "fail"})
        self._plan = plan.model_copy(update={"config": config})
        self._loop = loop
        self._reading: Operator | None = None

    def misfit_of(
        self, item: RunInput, stored: Mapping[str, Stored], journal: Journal | None
    ) -> str | None:
        """Why a run's journal does not fit the code; ``None``: it does, as far as it goes.

        Args:
            item: The run's input.
            stored: Its key's short-term memory.
            journal: Its journal, as the engine's state has it. What an action store has beyond
                that is added.

        Raises:
            StateError: The action store cannot be read, or has something else.
        """
        journal = self._with_kept(item, journal)
        if journal is None:
            return None
        far = asyncio.Event()
        operator = Operator(
            self._plan,
            self._loop,
            on_done=lambda _: far.set(),
            holding=lambda _run, _change: far.set(),
            watch=_Watch(far),
        )
        operator.ledger = None
        try:
            run = operator.begin(item, stored, journal)
            self._loop.run_until_complete(_as_far_as_it_goes(run, far))
            error = None if run.outcome is None else run.outcome.error
        finally:
            self._loop.run_until_complete(operator.close())
        while error is not None and not isinstance(error, (NonDeterminismError, StateError)):
            error = error.__cause__
        return None if error is None else str(error)

    def close(self) -> None:
        """Closes the action store."""
        reading, self._reading = self._reading, None
        if reading is not None:
            self._loop.run_until_complete(reading.close())

    def _with_kept(self, item: RunInput, journal: Journal | None) -> Journal | None:
        """A journal with what the action store has of it: that may be later than the state is."""
        kept, run = self._plan.action_store, item.named()
        if kept is None or run is None:
            return journal
        try:
            found = self._loop.run_until_complete(
                asyncio.wait_for(self._read(*kept, run), _STORE_SECONDS)
            )
        except Exception as error:
            told = str(error) or f"it has not answered for {_STORE_SECONDS:g} s"
            raise StateError(
                f"the action store {kept[1]!r}, which may have more of the journals than the state "
                f"has, cannot be read: {told}"
            ) from error
        if found:
            journal = Journal() if journal is None else journal
            journal.take_kept(found, run)
        return journal

    async def _read(self, member: str | None, name: str, run: str) -> Sequence[str]:
        if self._reading is None:
            # An operator of its own, which keeps the store open from run to run.
            self._reading = Operator(self._plan, self._loop, on_done=lambda _: None)
            self._reading.ledger = None
        store: ActionStore = await self._reading.resources_of(member).get("action_stores", name)
        return await store.read(self._plan.identity, run)


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
