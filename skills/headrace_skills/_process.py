"""One run of a command on this machine: its pipes, its warden, and its end.

A run is driven by one thread and touches no event loop: an engine may turn its loop from one
thread now and from another later, where asyncio's own processes need a loop that stays. It may be
stopped from any thread.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headrace_skills._warden import SCRATCH
from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Outcome

if TYPE_CHECKING:
    from headrace_skills.sandbox import Command

__all__ = ["FIXED_PATH", "ProcessRun", "python_program"]

FIXED_PATH = "/usr/local/bin:/usr/bin:/bin"
_WARDEN = Path(__file__).with_name("_warden.py")
_PIECE = 64 * 1024
_GRACE = 10.0
"""Seconds beyond the limit after which a warden that says nothing is taken for lost."""


def python_program() -> str:
    """The interpreter that runs Python scripts: the running one.

    Raises:
        SandboxError: There is none (Python is embedded in another program).
    """
    found = sys.executable or shutil.which("python3", path=FIXED_PATH)
    if not found:
        raise SandboxError("no Python interpreter was found to run scripts with")
    return found


class _Kept:
    """What is kept of a stream: its start or its end, and how long it was."""

    def __init__(self, limit: int, *, end: bool) -> None:
        self.data = bytearray()
        self.size = 0
        self._limit = limit
        self._end = end

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._end:
            self.data += piece
            del self.data[: -self._limit]
        else:
            self.data += piece[: self._limit - len(self.data)]


class ProcessRun:
    """One run of a command. ``run`` is called once; ``stop`` at any time, by any thread."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._lifeline: int | None = None
        self._stopped: Literal["flood", "stopped"] | None = None
        self._late = False

    def stop(self) -> None:
        """Ends the run, with all that it has started; one that has not begun will not."""
        self._end("stopped")

    def _end(self, why: Literal["flood", "stopped"]) -> None:
        with self._lock:
            self._stopped = self._stopped or why
            if self._lifeline is not None:
                # A byte, and not the closing alone: a process that another part of the worker
                # forked would still hold the pipe open.
                with suppress(OSError):
                    os.write(self._lifeline, b".")
                os.close(self._lifeline)
                self._lifeline = None

    def run(self) -> Outcome:
        """Runs the command; when it returns, no process is left, and no scratch folder.

        Raises:
            SandboxError: The command could not be started.
        """
        with (
            tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True) as scratch,
            tempfile.TemporaryFile() as stdin,
        ):
            stdin.write(self._command.stdin)
            stdin.seek(0)
            return self._run(scratch, stdin)

    def _run(self, scratch: str, stdin: Any) -> Outcome:
        limits = self._command.limits
        lifeline, mine = os.pipe()
        status, theirs = os.pipe()
        try:
            with self._lock:
                if self._stopped:
                    os.close(mine)
                    os.close(status)
                    return Outcome(self._stopped, 0, b"", 0, b"", 0)
                self._lifeline = mine
            try:
                warden = subprocess.Popen(  # noqa: S603 - what it runs was chosen by _scripts
                    [
                        python_program(),
                        "-I",
                        "-S",
                        "-B",
                        str(_WARDEN),
                        str(lifeline),
                        str(theirs),
                        json.dumps(asdict(limits)),
                        *self._command.argv,
                    ],
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=(lifeline, theirs),
                    cwd=scratch,
                    env={
                        "PATH": FIXED_PATH,
                        "LANG": "C.UTF-8",
                        "HOME": scratch,
                        "TMPDIR": scratch,
                    },
                    start_new_session=True,
                )
            except (OSError, ValueError, SandboxError) as error:
                self._end("stopped")
                os.close(status)
                raise SandboxError(f"the script cannot be started: {error}") from error
        finally:
            os.close(lifeline)
            os.close(theirs)
        out, err, told = (
            _Kept(limits.stdout, end=False),
            _Kept(limits.stderr, end=True),
            _Kept(_PIECE, end=False),
        )
        try:
            self._listen(warden, status, out, err, told)
        finally:
            self._end("stopped")
            os.close(status)
            _take_leave(warden)
            said = _said(told.data)
            _end_group(said)
        return self._outcome(said, out, err)

    def _listen(
        self, warden: subprocess.Popen[bytes], status: int, out: _Kept, err: _Kept, told: _Kept
    ) -> None:
        limits = self._command.limits
        deadline = time.monotonic() + limits.seconds + _GRACE
        with selectors.DefaultSelector() as selector:
            selector.register(warden.stdout, selectors.EVENT_READ, out)  # type: ignore[arg-type]
            selector.register(warden.stderr, selectors.EVENT_READ, err)  # type: ignore[arg-type]
            selector.register(status, selectors.EVENT_READ, told)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    self._late = True
                    return
                for key, _ in selector.select(left):
                    piece = os.read(key.fd, _PIECE)
                    if piece:
                        key.data.add(piece)
                        continue
                    selector.unregister(key.fileobj)
                    if key.data is told:
                        _end_group(_said(told.data))  # or its output would not end
                if out.size + err.size > limits.flood:
                    self._end("flood")

    def _outcome(self, said: dict[str, Any], out: _Kept, err: _Kept) -> Outcome:
        if "error" in said:
            raise SandboxError(f"the script cannot be started: {said['error']}")
        if "ended" not in said:
            # The warden was killed (the machine ran out of memory, or the script did it).
            ended: Any = "time" if self._late else "signal"
            code = 0 if self._late else int(signal.SIGKILL)
        else:
            ended, code = said["ended"], said["code"]
        if ended == "stopped" and self._stopped:
            ended = self._stopped
        return Outcome(ended, code, bytes(out.data), out.size, bytes(err.data), err.size)


def _said(data: bytearray) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for line in bytes(data).splitlines():
        with suppress(ValueError):
            said.update(json.loads(line))
    return said


def _take_leave(warden: subprocess.Popen[bytes]) -> None:
    try:
        warden.wait(_GRACE)
    except subprocess.TimeoutExpired:
        warden.kill()
        warden.wait()
    for pipe in (warden.stdout, warden.stderr):
        if pipe is not None:
            pipe.close()


def _end_group(said: dict[str, Any]) -> None:
    """End a script whose warden was killed; the warden itself would have left nothing."""
    if "pid" in said and "ended" not in said:
        with suppress(OSError):
            os.killpg(said["pid"], signal.SIGKILL)
