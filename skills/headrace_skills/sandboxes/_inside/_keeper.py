"""The process that has wardens ready: Python starts once, and not for every script.

One warden waits at a time, already forked, so that a run need not wait for the fork either.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket

from ._request import Request
from ._warden import Warden

__all__ = ["main"]

_MOST_FDS = 32


def main(control: int, worker: int, landlock: bool) -> None:  # noqa: FBT001 - from a command line
    """Has wardens ready until the worker hangs up, or ends.

    Args:
        control: A socket: each message is one byte, with the descriptors of a run; the first of
            them holds the request.
        worker: The worker's process id.
        landlock: Whether programs are walled in by Landlock.
    """
    server = socket.socket(fileno=control)
    server.set_inheritable(False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no warden has to be waited for
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # its end is the worker's
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # wardens share the memory that they do not write to
    gc.freeze()
    ended = _end_of(worker)
    while True:
        taken, taking = os.pipe()
        if os.fork() == 0:
            os.close(taken)
            try:
                warden = Warden(ended, [server.fileno(), taking], landlock=landlock)
                fds = _taken(server, taking)
                if fds:
                    warden.run(Request.read(fds[0]), fds[1:])
            except Exception:  # noqa: BLE001 - it must be seen, and not go on as a keeper
                import traceback

                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(taking)
        if not _is_taken(taken, server, ended):
            return
        os.close(taken)


def _is_taken(taken: int, server: socket.socket, ended: int | None) -> bool:
    """Wait until the warden has a run, or has been killed; False if the worker is gone."""
    poll = select.poll()
    poll.register(taken, select.POLLIN)
    poll.register(server, 0)  # hanging up is told in any case
    if ended is not None:
        poll.register(ended, select.POLLIN)
    return all(fd == taken for fd, _ in poll.poll())


def _taken(server: socket.socket, taking: int) -> list[int]:
    """The descriptors of the next run; none if there will be no more."""
    _, fds, _, _ = socket.recv_fds(server, 1, _MOST_FDS)
    os.close(taking)
    server.close()
    for fd in fds:
        os.set_inheritable(fd, False)
    return fds


def _end_of(worker: int) -> int | None:
    """A descriptor that can be read once a process has ended.

    The pipes of a run do not tell it when a process that the worker forked still holds them.
    """
    try:
        found = os.pidfd_open(worker)
    except (AttributeError, OSError):
        return None
    return found if os.getppid() == worker else None
