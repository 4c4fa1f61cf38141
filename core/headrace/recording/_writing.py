"""Writes a recording while a job runs. What cannot be written never fails a run."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

from headrace.pinning import pin_plan
from headrace.recording._format import line_of
from headrace.recording._notes import Notes

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.operator import Run
    from headrace.operator._journal import Entry
    from headrace.plan import AgentPlan

__all__ = ["Recorder"]

_log = logging.getLogger("headrace.recording")
_BLOCK = 65_536


class Recorder:
    """Records the runs of an engine: its operator's ``watch``.

    The file is its owner's to read and nobody else's (mode 0600): it holds what agents saw.

    Args:
        path: The file.
        keep: Whether what it holds stays, as for a job that goes on.

    Attributes:
        lost: Runs that could not be written.

    Raises:
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        self.lost = 0
        self._path = path
        self._runs: dict[Run, Notes] = {}
        self._plan = ""
        self._broken = False
        how = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(path, how if keep else how | os.O_TRUNC, 0o600)
        self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        if self._regular:
            os.fchmod(self._file, 0o600)
            _cut_to_whole_lines(self._file)

    async def open(self, plan: AgentPlan) -> None:
        """Writes down whose runs follow, with what servers offer its toolsets just now."""
        plan = await _pinned(plan)
        self._plan = plan.digest
        self._write(line_of("plan", plan.model_dump(mode="json")))

    # ------------------------------------------------------------ the operator's side
    def started(self, run: Run) -> None:
        """Takes note of a run."""
        self._runs[run] = Notes(run)

    async def begun(self, run: Run, entry: Entry) -> None:
        """Takes note of a call."""
        if run in self._runs:  # a thread that was given up may call after its run has ended
            self._runs[run].begun(entry)

    def ended(self, run: Run, entry: Entry) -> None:
        """Takes note of its outcome."""
        if run in self._runs:
            self._runs[run].ended(entry)

    # ------------------------------------------------------------ the engine's side
    def finished(self, run: Run) -> None:
        """Writes a run that has ended; one that was handed back is begun again by somebody."""
        notes = self._runs.pop(run, None)
        if notes is None or run.outcome is None or run.outcome.status == "handed_back":
            return
        try:
            line = line_of("run", notes.record(self._plan))
        except Exception as error:  # noqa: BLE001 - never fails a run
            self._lose(error)
        else:
            if not self._write(line):
                self.lost += 1

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)
        if self.lost > 1:
            _log.warning("%d runs are not in the recording %s", self.lost, self._path)

    def _write(self, line: bytes) -> bool:
        if self._broken:
            return False
        begin = os.fstat(self._file).st_size
        try:
            done = 0
            while done < len(line):
                done += os.write(self._file, line[done:])
        except OSError as error:
            self._tell(error)
            self._take_back(begin)
            return False
        return True

    def _take_back(self, length: int) -> None:
        """Cuts off half a line; where that cannot be, nothing more is written."""
        try:
            os.ftruncate(self._file, length)
        except OSError:
            self._broken = True

    def _lose(self, error: Exception) -> None:
        self._tell(error)
        self.lost += 1

    def _tell(self, error: Exception) -> None:
        if not self.lost:
            _log.warning("runs are missing in the recording %s: %s", self._path, error)


async def _pinned(plan: AgentPlan) -> AgentPlan:
    """The plan with what servers offer, so that a replay need not ask them."""
    tools = dict(plan.resource_providers.get("tools", {}))
    for name, tool in tools.items():
        if tool.pinned is not None or tool.arguments.get("pinned") is not None:
            continue  # that it is offered, whatever the server says by now
        alone = plan.model_copy(update={"resource_providers": {"tools": {name: tool}}})
        try:
            alone = await pin_plan(alone)
        except Exception as error:  # noqa: BLE001 - the job may do without that server
            _log.warning("the recording lacks what a server offers: %s", error)
        tools[name] = alone.resource_providers["tools"][name]
    if not tools:
        return plan
    providers = {**plan.resource_providers, "tools": tools}
    return plan.model_copy(update={"resource_providers": providers})


def _cut_to_whole_lines(file: int) -> None:
    """Drops half a line at the end, which a process left that was killed."""
    end = os.fstat(file).st_size
    while end:
        begin = max(0, end - _BLOCK)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    os.ftruncate(file, end)
