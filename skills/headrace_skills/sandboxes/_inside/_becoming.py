"""From a fork of the warden to the program: what is set in between."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
from typing import NamedTuple

from ._births import receive_listener, send_listener
from ._request import Request
from ._walls import WallError, ask_for_births, die_with_parent, put_up_walls

__all__ = ["Ahead", "StartError", "Started", "set_limits", "told"]

_MOST_FDS = 32

_APART = 64  # descriptors from here on are in the way of none that a program is given
# What Python and the keeper ignore would be ignored by the program too.
_DEFAULTS = (
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGCHLD,
)


class StartError(Exception):
    """The program does not run."""


class Started(NamedTuple):
    """A program that runs, or bubblewrap."""

    pid: int
    """Its process."""
    listener: int | None = None
    """Where new processes are asked about."""
    state: int | None = None
    """Where bubblewrap tells its state."""
    opening: int | None = None
    """The far side of bubblewrap's gate."""


class Ahead:
    """A child that is forked ahead of a run, and becomes a program once it is told which.

    A fork of Python costs a millisecond or two, and more when it then writes to its memory; so it
    is done while nobody waits.
    """

    def __init__(self, *not_its: int) -> None:
        """Forks; ``not_its`` are descriptors that the child closes."""
        self._door, inside_door = socket.socketpair()
        warden = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            for fd in (self._door.detach(), *not_its):
                os.close(fd)
            _wait_to_become(warden, inside_door)
        inside_door.close()

    def start(self, request: Request, given: dict[int, int]) -> Started:
        """Has the child be a program, with the descriptors that it is to have, by their numbers.

        Raises:
            StartError: It does not run.
        """
        state = opening = None
        if request.gate is not None:
            state, given[request.gate.status] = os.pipe()
            given[request.gate.block], opening = os.pipe()
        asked = _in_memory(request.to_json())
        with self._door as door:
            socket.send_fds(door, [bytes(given)], [asked, *given.values()])
            # The pipes of the program are its own: as long as we held them, they would not end.
            for fd in (asked, *given.values()):
                os.close(fd)
            listener, error = receive_listener(door)
        if error:
            raise StartError(error)
        return Started(self.pid, listener, state, opening)


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("headrace")
    os.write(descriptor, data)
    return descriptor


def _wait_to_become(warden: int, door: socket.socket) -> None:
    try:
        signal.set_wakeup_fd(-1)
        for ignored in _DEFAULTS:
            signal.signal(ignored, signal.SIG_DFL)
        os.setsid()  # a script that signals its own group does not hit us
        die_with_parent(warden)
        os.umask(0o077)
        numbers, fds, _, _ = socket.recv_fds(door, _MOST_FDS, _MOST_FDS)
        if numbers:
            _become(dict(zip(numbers, fds[1:], strict=True)), fds[0], door)
    finally:  # the child must not go on as a second warden
        os._exit(127)


def _become(given: dict[int, int], asked: int, door: socket.socket) -> None:
    """In the child: take on the limits and the walls, and be the program."""
    # Out of the way: a number that is wanted may be another one's present place.
    hatch = socket.socket(fileno=_moved(door.detach()))
    try:
        request = Request.read(asked)
        apart = {number: _moved(fd) for number, fd in given.items()}
        for fd in given.values():
            os.close(fd)
        for number, fd in apart.items():
            os.dup2(fd, number)
        os.chdir(request.folder)
        if request.gate is None:
            set_limits(0, request.rlimits)
        listener = None
        if request.landlock is not None:
            listener = put_up_walls(request.landlock["read"], request.landlock["write"])
        elif request.gate is not None and request.gate.births:
            listener = ask_for_births()
        send_listener(hatch, listener)
        os.execve(request.argv[0], request.argv, request.environment)  # noqa: S606 - no shell
    except BaseException as problem:  # noqa: BLE001 - whatever it is, the worker is told
        hatch.send(b"!" + told(problem).encode())


def _moved(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _APART)


def set_limits(pid: int, rlimits: dict[str, list[int]]) -> None:
    """Hold a process to limits, 0 being this one; those that hold already are not widened."""
    for name, (soft, hard) in rlimits.items():
        what = getattr(resource, name)
        _, allowed = resource.prlimit(pid, what)
        if allowed != resource.RLIM_INFINITY:
            hard = min(hard, allowed)  # noqa: PLW2901
        resource.prlimit(pid, what, (min(soft, hard), hard))


def told(problem: BaseException) -> str:
    """What went wrong, in few words."""
    if isinstance(problem, WallError):
        return str(problem)
    return getattr(problem, "strerror", None) or f"{type(problem).__name__}: {problem}"
