"""The runner that isolates nothing: for a project that says ``sandbox="none"`` in so many words."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from headrace_skills._process import ProcessRun
from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Sandbox

if TYPE_CHECKING:
    from headrace_skills.sandbox import Command, Outcome

__all__ = ["NoSandbox"]


class NoSandbox(Sandbox):
    """Runs commands as the worker's own user, with its files and its network.

    It holds them to limits, gives them an empty environment and a scratch folder, and leaves no
    process behind. It does not keep them from anything that the worker may do itself.
    """

    def __init__(self, *, at_once: int = 8) -> None:
        """Takes the number of commands that may run side by side; more of them wait."""
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="headrace-script")
        self._runs: set[ProcessRun] = set()

    async def run(self, command: Command) -> Outcome:
        """Runs a command; see ``Sandbox.run``."""
        run = ProcessRun(command)
        self._runs.add(run)
        try:
            try:
                future = self._threads.submit(run.run)
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
        await asyncio.to_thread(self._threads.shutdown)
