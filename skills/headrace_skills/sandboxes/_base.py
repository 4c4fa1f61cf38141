"""What the sandboxes of this package share: threads that drive runs, and their end."""

from __future__ import annotations

import asyncio
import tempfile
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Sandbox
from headrace_skills.sandboxes._keeping import Keeper
from headrace_skills.sandboxes._runs import SCRATCH, ProcessRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from headrace_skills.sandbox import Command, Outcome
    from headrace_skills.sandboxes._runs import Prepared

__all__ = ["KeptSandbox", "scratch_of"]


class KeptSandbox(Sandbox):
    """Runs commands as processes that a keeper forks; how they are walled in is a subclass's."""

    walls = ""
    """``landlock`` where programs are walled in by it."""

    def __init__(self, *, at_once: int = 8) -> None:
        """Takes the number of commands that may run side by side; more of them wait."""
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="headrace-script")
        self._runs: set[ProcessRun] = set()
        self._keeper = Keeper(self.walls)

    @abstractmethod
    def prepare(self, command: Command) -> AbstractContextManager[Prepared]:
        """Gets ready for a command, and clears up after it.

        Raises:
            SandboxError: It is something that this sandbox does not do.
        """

    def run_now(self, command: Command, run: ProcessRun | None = None) -> Outcome:
        """Runs a command in the calling thread; see ``Sandbox.run``."""
        run = run or ProcessRun(command.limits)
        with self.prepare(command) as prepared:
            return run.run(prepared, command.stdin, self._keeper)

    async def run(self, command: Command) -> Outcome:
        """Runs a command; see ``Sandbox.run``."""
        run = ProcessRun(command.limits)
        self._runs.add(run)
        try:
            try:
                future = self._threads.submit(self.run_now, command, run)
            except RuntimeError:
                raise SandboxError("the sandbox is closed") from None
            waiting = asyncio.wrap_future(future)
            try:
                return await asyncio.shield(waiting)
            except asyncio.CancelledError:
                run.stop()
                if not future.cancel():
                    # It takes milliseconds, and whoever cancelled may count on it.
                    await asyncio.wait([waiting])
                    if not waiting.cancelled():
                        waiting.exception()  # looked at: no warning
                raise
        finally:
            self._runs.discard(run)

    async def close(self) -> None:
        """Ends what still runs, and waits for its end."""
        for run in tuple(self._runs):
            run.stop()
        await asyncio.to_thread(self.end)

    def end(self) -> None:
        """Waits for the end of what runs, and ends the keeper."""
        self._threads.shutdown()
        self._keeper.close()


@contextmanager
def scratch_of(command: Command) -> Iterator[str]:
    """The folder that a command works in: the one it is given, or one of its own."""
    if command.scratch is not None:
        yield str(command.scratch)
        return
    with tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True) as scratch:
        yield scratch
