"""The worker's side of the keeper: it is started at the first run, and given runs to serve."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError
from headrace_skills.sandboxes._places import FIXED_PATH, python_program

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Keeper"]

_START = "import sys; sys.path[:0] = [sys.argv[1]]; from _inside._keeper import main; "
_START += "main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == 'landlock')"
_GRACE = 10.0


class Keeper:
    """A process that forks the runs of one sandbox, so that Python need not start for each."""

    def __init__(self, walls: str = "") -> None:
        """Takes ``landlock`` where programs are walled in by it."""
        self._walls = walls
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._end: weakref.finalize[..., Keeper] | None = None

    def serve(self, fds: Sequence[int]) -> None:
        """Hands over a run; see ``_inside._keeper``.

        Raises:
            SandboxError: The keeper cannot be started.
        """
        with self._lock:
            if self._control is not None:
                with suppress(OSError):
                    socket.send_fds(self._control, [b"."], fds)
                    return
                self._stop()  # it was killed, by hand or by a machine without memory
            try:
                self._control = self._start()
                socket.send_fds(self._control, [b"."], fds)
            except OSError as error:
                raise SandboxError(f"the script cannot be started: {error}") from error

    def close(self) -> None:
        """Ends it; runs that it has forked are not ended by that."""
        with self._lock:
            self._stop()

    def _start(self) -> socket.socket:
        control, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [
                    python_program(),
                    "-I",
                    "-S",
                    "-c",
                    _START,
                    str(Path(__file__).parent),
                    str(theirs.fileno()),
                    str(os.getpid()),
                    self._walls,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env={"PATH": FIXED_PATH, "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self._end = weakref.finalize(self, _hang_up, control, process)
        return control

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._end = self._control = None


def _hang_up(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
