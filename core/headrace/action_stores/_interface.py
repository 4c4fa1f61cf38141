"""What an action store does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from headrace.errors import HeadraceError
from headrace.interfaces import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ActionStore", "ActionStoreError", "CallRecord", "KeptRun"]


class ActionStoreError(HeadraceError):
    """The store did not do it now: it is away, slow or full. The runtime tries again."""


class CallRecord(NamedTuple):
    """One entry: what has changed in the journal of a run."""

    part: int
    """The part of the job that the run's key is in: a worker reads those of its parts."""
    run: str
    """The run's name, unique in the job: at most 100 letters, digits and ``-``."""
    data: str
    """JSON that the store does not look into."""


class KeptRun(NamedTuple):
    """A run that the store has entries of."""

    part: int
    """The part that they were written for."""
    run: str
    """Its name."""
    written: float
    """When the last of them was written, in seconds since the epoch, by the store's clock."""


class ActionStore(Resource, ABC):
    """Kind ``action_stores``: keeps what the journals of runs say, beside the engine's state.

    It is a log for each run: entries are appended, read in their order when a run is begun again,
    and forgotten when the run can not come back. Several workers use one store at a time, each for
    keys of its own; several jobs may share it.

    Where it is away, slow or full it raises ``ActionStoreError``: what to do then is the runtime's
    business, so it does not try again itself. ``open`` raises it too; a ``ResourceError`` there
    says that trying again cannot help.
    """

    @abstractmethod
    async def append(self, job: str, records: Sequence[CallRecord]) -> None:
        """Keeps entries of several runs; when it returns they outlive this process and machine.

        Where it raises, any of them may have been kept, and the same are given again: an entry
        that is there twice does no harm.

        Args:
            job: The job's identity.
            records: The entries; those of one run in their order.

        Raises:
            ActionStoreError: They may not have been kept.
        """

    @abstractmethod
    async def runs(self, job: str, parts: Sequence[int]) -> Sequence[KeptRun]:
        """The runs of some parts of a job that there are entries of, in any order.

        Raises:
            ActionStoreError: It cannot say now.
        """

    @abstractmethod
    async def read(self, job: str, run: str) -> Sequence[str]:
        """The ``data`` of a run's entries, in the order in which they were appended.

        Raises:
            ActionStoreError: It cannot say now.
        """

    @abstractmethod
    async def forget(self, job: str, runs: Sequence[str]) -> None:
        """Drops all entries of some runs; nothing happens where there are none.

        Raises:
            ActionStoreError: They may still be there.
        """
