"""A TaskManager's log, read on as it grows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_registry.clusters._rest_values import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_registry.clusters._rest import FlinkRest

__all__ = ["LogReader"]

_LONGEST = 64 * 1024
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
_PYTHON = re.compile(r"\bPythonWorker\b")


class LogReader:
    """Gives the lines of a log, each once.

    Args:
        rest: The cluster.
        taskmanager: The TaskManager's id.
        stdout: Whether it is what was printed that is read, and not the log.
        python: Whether only what Python workers logged is given.
    """

    def __init__(
        self, rest: FlinkRest, taskmanager: str, *, stdout: bool = False, python: bool = False
    ) -> None:
        self.taskmanager = taskmanager
        self._rest = rest
        self._stdout = stdout
        self._python = python
        self._offset = 0
        self._inside = False

    def lines(self, *, unfinished: bool = False) -> Iterator[str]:
        """The lines that came since the last call, without what could steer a terminal.

        Args:
            unfinished: Whether the last line is given though it has no end yet.

        Raises:
            NoSuchTaskManagerError: It is gone, or keeps no such log.
            ClusterError: As of ``FlinkRest``.
        """
        for raw in self._raw(unfinished=unfinished):
            line = printable(raw.decode("utf-8", "replace").rstrip("\r\n"))
            if _ENTRY.match(line):
                self._inside = bool(_PYTHON.search(line))
            if self._inside or not self._python:
                yield line

    def _raw(self, *, unfinished: bool) -> Iterator[bytes]:
        read = self._rest.stdout if self._stdout else self._rest.log
        held = b""
        for piece in read(self.taskmanager, offset=self._offset):
            *whole, held = (held + piece).split(b"\n")
            for line in whole:
                self._offset += len(line) + 1
                yield line[:_LONGEST]
            if len(held) > _LONGEST:  # no line that anybody reads
                self._offset += len(held)
                yield held[:_LONGEST]
                held = b""
        if held and unfinished:
            self._offset += len(held)
            yield held
