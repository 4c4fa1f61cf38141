"""Every new process and thread of a run is asked for, so that they cannot outgrow their limit.

The kernel's own limit on processes counts a user's, and does not hold root; looking now and then
is no match for processes that multiply. So a seccomp filter stops each at its ``clone`` until this
side has counted and answered.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import time
from contextlib import suppress

from ._watch import count_processes

__all__ = ["Births", "receive_listener", "send_listener"]

_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # ioctl: _IOWR('!', 0, 80 bytes), _IOWR('!', 1, 24)
_CONTINUE = 1
_RECOUNT = 0.01  # seconds for which a count that was too high is believed


def send_listener(out: socket.socket, listener: int | None) -> None:
    """In the child: hand over the descriptor that its new processes are asked for at."""
    if listener is None:
        out.send(b"-")
        return
    socket.send_fds(out, [b"+"], [listener])
    os.close(listener)


def receive_listener(door: socket.socket) -> tuple[int | None, str]:
    """The descriptor, None where the kernel has no such thing; and why the child runs no program.

    The door closes when the program begins.
    """
    said, listeners = b"", list[int]()
    while True:
        piece, fds, _, _ = socket.recv_fds(door, 4096, 1)
        listeners += fds
        if not piece:
            break
        said += piece
    for fd in listeners:
        os.set_inheritable(fd, False)
    _, _, why = said.partition(b"!")
    return (listeners[0] if listeners else None), why.decode("utf-8", "replace")


class Births:
    """Answers for the new processes of a run."""

    def __init__(self, listener: int, most: int) -> None:
        self.listener = listener
        self._most = most
        self._known = 0  # at the last count, and granted since then
        self._full_until = 0.0

    def answer(self) -> None:
        """Answers one that asks; it may have been killed meanwhile."""
        asked = bytearray(80)
        with suppress(OSError):
            fcntl.ioctl(self.listener, _RECEIVE, asked)
            number = struct.unpack_from("=Q", asked)[0]
            if self._has_room():
                self._known += 1
                answer = struct.pack("=QqiI", number, 0, 0, _CONTINUE)
            else:
                answer = struct.pack("=QqiI", number, 0, -errno.EAGAIN, 0)
            fcntl.ioctl(self.listener, _SEND, answer)

    def _has_room(self) -> bool:
        if self._known < self._most:
            return True
        now = time.monotonic()
        if now < self._full_until:
            return False
        self._known = count_processes(self._most)
        if self._known < self._most:
            return True
        self._full_until = time.monotonic() + _RECOUNT
        return False

    @staticmethod
    def asks(events: int) -> bool:
        """Whether what ``poll`` says of the listener is that one asks; it hangs up at the end."""
        return bool(events & select.POLLIN)
