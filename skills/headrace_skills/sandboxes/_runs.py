"""One run of a command on this machine: its pipes, and its end.

A run is driven by one thread and touches no event loop: an engine may turn its loop from one
thread now and from another later, where asyncio's own processes need a loop that stays. It may be
stopped from any thread.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Outcome
from headrace_skills.sandboxes._inside._request import Request, Watched
from headrace_skills.sandboxes._places import FIXED_PATH

if TYPE_CHECKING:
    from headrace_skills.sandbox import Command, Limits
    from headrace_skills.sandboxes._keeping import Keeper

__all__ = [
    "SCRATCH",
    "Prepared",
    "ProcessRun",
    "environment_of",
    "in_memory",
    "request_for",
    "rlimits_of",
    "watched_of",
]

SCRATCH = "headrace-skill-"
"""What the name of a scratch folder starts with."""
_PIECE = 64 * 1024
_GRACE = 10.0
"""Seconds beyond the limit after which a warden that says nothing is taken for lost."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, and the descriptors that its program is to have."""

    request: Request
    """What the warden is asked."""
    extras: tuple[int, ...] = ()
    """Descriptors from the number ``FIRST_EXTRA`` on; the run closes them."""


def environment_of(command: Command, home: str) -> dict[str, str]:
    """The environment of a command: what is granted, and what every command has.

    Raises:
        SandboxError: A variable is none; the text does not tell its value.
    """
    for name, value in command.environment.items():
        if not name or "=" in name or "\0" in name + value:
            raise SandboxError(f"the variable {name!r} cannot be given to a program")
    own = {"PATH": FIXED_PATH, "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home}
    return {**command.environment, **own}


def request_for(
    command: Command, home: str, landlock: dict[str, list[str]] | None = None
) -> Request:
    """The request of a command that runs in a folder of this machine."""
    return Request(
        argv=list(command.argv),
        environment=environment_of(command, home),
        folder=home,
        seconds=command.limits.seconds,
        rlimits=rlimits_of(command.limits),
        watched=watched_of(command.limits, home),
        clear=home if command.scratch is None else None,
        landlock=landlock,
    )


def watched_of(limits: Limits, scratch: str | None) -> Watched:
    """What is counted of a command, and of a folder where its scratch is one."""
    return Watched(
        limits.processes, limits.resident, scratch, limits.scratch_size, limits.scratch_files
    )


def rlimits_of(limits: Limits) -> dict[str, list[int]]:
    """What the kernel holds each process to."""
    # No RLIMIT_NPROC: it counts all processes and threads of the user, the worker's among them,
    # and does not hold root at all.
    return {
        "RLIMIT_CPU": [limits.cpu_seconds, limits.cpu_seconds + 1],
        "RLIMIT_AS": [limits.memory, limits.memory],
        "RLIMIT_FSIZE": [limits.file_size, limits.file_size],
        "RLIMIT_NOFILE": [limits.open_files, limits.open_files],
        "RLIMIT_CORE": [0, 0],
    }


def in_memory(data: bytes) -> int:
    """A file that holds some bytes and has no name, to be read from its start."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("headrace")
    else:  # no Linux
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


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

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._lifeline: int | None = None
        self._stopped: Literal["flood", "stopped"] | None = None
        self._late = False
        self._out = _Kept(limits.stdout, end=False)
        self._err = _Kept(limits.stderr, end=True)
        self._told = _Kept(_PIECE, end=False)

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

    def run(self, prepared: Prepared, stdin: bytes, keeper: Keeper) -> Outcome:
        """Runs a command; when it returns, no process of it is left.

        Raises:
            SandboxError: The command could not be started.
        """
        with ExitStack() as ours:
            with ExitStack() as theirs:
                for extra in prepared.extras:
                    theirs.callback(os.close, extra)
                out, out_of_theirs = _pipe(ours, theirs)
                err, err_of_theirs = _pipe(ours, theirs)
                status, status_of_theirs = _pipe(ours, theirs)
                lifeline, mine = os.pipe()
                theirs.callback(os.close, lifeline)
                with self._lock:
                    self._lifeline = mine
                    stopped = self._stopped
                ours.callback(self._end, "stopped")
                if stopped:
                    return Outcome(stopped, 0, b"", 0, b"", 0)
                request, given = in_memory(prepared.request.to_json()), in_memory(stdin)
                theirs.callback(os.close, request)
                theirs.callback(os.close, given)
                standard = (given, out_of_theirs, err_of_theirs)
                keeper.serve((request, *standard, lifeline, status_of_theirs, *prepared.extras))
            try:
                self._listen(out, err, status)
            finally:
                said = _said(self._told.data)
                self._end_group(said)
        return self._outcome(said)

    def _listen(self, out: int, err: int, status: int) -> None:
        deadline = time.monotonic() + self._limits.seconds + _GRACE
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ, self._out)
            selector.register(err, selectors.EVENT_READ, self._err)
            selector.register(status, selectors.EVENT_READ, self._told)
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
                    if key.data is self._told:
                        self._end_group(_said(self._told.data))  # or its output would not end
                if self._out.size + self._err.size > self._limits.flood:
                    self._end("flood")

    @staticmethod
    def _end_group(said: dict[str, Any]) -> None:
        """End a script whose warden was killed; the warden itself would have left nothing."""
        if "pid" in said and "ended" not in said:
            with suppress(OSError):
                os.killpg(said["pid"], signal.SIGKILL)

    def _outcome(self, said: dict[str, Any]) -> Outcome:
        if "error" in said:
            raise SandboxError(f"the script cannot be started: {said['error']}")
        if not said.get("started", True):
            last = self._err.data.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise SandboxError(f"the script cannot be started: {last or 'nothing was said'}")
        if "pid" not in said and not self._late:
            raise SandboxError("the script cannot be started: the sandbox's own process ended")
        if "ended" not in said:
            # The warden was killed (the machine ran out of memory, or the script did it).
            ended: Any = "time" if self._late else "signal"
            code = 0 if self._late else int(signal.SIGKILL)
        else:
            ended, code = said["ended"], said["code"]
        if ended == "stopped" and self._stopped:
            ended = self._stopped
        out, err = self._out, self._err
        why = said.get("why", "")
        return Outcome(ended, code, bytes(out.data), out.size, bytes(err.data), err.size, why)


def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    read, write = os.pipe()
    ours.callback(os.close, read)
    theirs.callback(os.close, write)
    return read, write


def _said(data: bytearray) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for line in bytes(data).splitlines():
        with suppress(ValueError):
            said.update(json.loads(line))
    return said
