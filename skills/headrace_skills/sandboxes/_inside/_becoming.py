"""From a fork of the warden to the program: what is set in between."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
from typing import TYPE_CHECKING, NamedTuple

from ._births import receive_listener, send_listener
from ._walls import WallError, ask_for_births, die_with_parent, put_up_walls

if TYPE_CHECKING:
    from ._request import Request

__all__ = ["StartError", "Started", "set_limits", "start", "told"]

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


def start(request: Request, given: dict[int, int]) -> Started:
    """Start a program, with the descriptors that it is to have, by their numbers.

    Raises:
        StartError: It does not run.
    """
    state = opening = None
    if request.gate is not None:
        state, given[request.gate.status] = os.pipe()
        given[request.gate.block], opening = os.pipe()
    error_read, error_write = os.pipe()
    door, inside_door = socket.socketpair()
    warden = os.getpid()
    child = os.fork()
    if child == 0:
        _become(request, warden, given, inside_door, error_write)
    inside_door.close()
    # The pipes of the program are its own: as long as we held them, they would not end.
    for fd in (error_write, *given.values()):
        os.close(fd)
    listener = receive_listener(door)
    door.close()
    error = b""
    while piece := os.read(error_read, 4096):
        error += piece
    os.close(error_read)
    if error:
        raise StartError(error.decode("utf-8", "replace"))
    return Started(child, listener, state, opening)


def _become(
    request: Request, warden: int, given: dict[int, int], door: socket.socket, error: int
) -> None:
    """In the child: take on the limits and the walls, and be the program."""
    try:
        signal.set_wakeup_fd(-1)
        for ignored in _DEFAULTS:
            signal.signal(ignored, signal.SIG_DFL)
        os.setsid()  # a script that signals its own group does not hit us
        die_with_parent(warden)
        os.umask(0o077)
        # Out of the way: a number that is wanted may be another one's present place.
        apart = {number: _moved(fd) for number, fd in given.items()}
        error, hatch = _moved(error), socket.socket(fileno=_moved(door.detach()))
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
    except BaseException as problem:  # noqa: BLE001 - the child must not go on as a second warden
        os.write(error, told(problem).encode())
    finally:
        os._exit(127)


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
