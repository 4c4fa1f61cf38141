"""What a recorder or a replay is told of runs and their durable calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.operator._journal import Entry
    from headrace.operator._run import Run

__all__ = ["CallWatch"]


class CallWatch(Protocol):
    """Watches the durable calls of runs; an operator without one asks nothing and pays nothing.

    What it raises ends the run; one that only watches raises nothing.
    """

    def started(self, run: Run) -> None:
        """Told of a run before its first step."""

    async def begun(self, run: Run, entry: Entry) -> None:
        """Told of a call before it is made, or its outcome taken from the run's own journal.

        One that knows the outcome puts it into ``entry`` (``state`` and ``outcome``); then the
        call is not made.
        """

    def ended(self, run: Run, entry: Entry) -> None:
        """Told of a call that was made, with its outcome; not of one that was cancelled."""
