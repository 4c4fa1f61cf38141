"""One run: the process that a program's processes belong to, and that ends them.

It sees when the worker has had enough, or is gone, and when the program is over one of its limits.
The worker is told in lines of JSON: one when the program runs, one at the end.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._becoming import Ahead, Started, StartError, set_limits, told
from ._births import Births
from ._request import FIRST_EXTRA
from ._walls import adopt_orphans, hold_signals
from ._watch import end_all, excess, reap

if TYPE_CHECKING:
    from ._request import Request

__all__ = ["Warden"]

_LOOK = 0.02  # seconds between looks at what the processes use
_SHARE = 10  # a look may take one part in so many of the time

_UNBORN = 16  # processes that were granted while others were counted


class Warden:
    """A process that is ready for one run."""

    def __init__(self, worker: int | None, not_its: list[int], *, landlock: bool) -> None:
        """Gets ready.

        Args:
            worker: A descriptor that can be read once the worker has ended.
            not_its: Descriptors that the program's process is not to have.
            landlock: Whether the program is walled in by Landlock.
        """
        self._worker = worker
        adopt_orphans()
        self._reach_all = landlock and hold_signals()
        self._wake, waking = os.pipe()
        os.set_blocking(waking, False)
        self._ahead = Ahead(*not_its)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self, request: Request, fds: list[int]) -> None:
        """Runs a program to its end, and tells how it ended.

        Args:
            request: What to run.
            fds: Standard input, output and error; the lifeline, which says when to end; where to
                tell; what else the program is to have.
        """
        lifeline, status = fds[3:5]
        given = {**dict(enumerate(fds[:3])), **dict(enumerate(fds[5:], FIRST_EXTRA))}
        try:
            started = self._ahead.start(request, given)
        except (StartError, OSError) as error:
            end_all(0, reach_all=self._reach_all)
            _tell(status, error=str(error))
            return
        _tell(status, pid=started.pid)
        alive = [fd for fd in (lifeline, self._worker) if fd is not None]
        ended = _Wait(request, started, alive, self._wake).until_it_ends()
        if started.listener is not None:
            os.close(started.listener)  # what still waits for an answer is refused
        end_all(started.pid, reach_all=self._reach_all)
        if ended["ended"] == "stopped" and request.clear:
            import shutil  # only this end pays for it: the worker clears up, unless it is gone

            shutil.rmtree(request.clear, ignore_errors=True)
        if started.state is not None and ended["ended"] == "exit":
            # Bubblewrap tells of an exit code only where it ran the program.
            ended["started"] = b'"exit-code"' in _read_all(started.state)
        _tell(status, **ended)
        os.close(status)  # who waits for the end need not wait until this process is taken apart


class _Wait:
    """Waits until a program has ended, or must."""

    def __init__(self, request: Request, started: Started, alive: list[int], wake: int) -> None:
        self._request = request
        self._started = started
        self._alive = alive
        self._wake = wake
        self._said = b""
        self._own = 0 if request.gate is None else request.gate.own
        self._mounts: list[str] = []
        self._births: Births | None = None
        if started.listener is not None:
            self._births = Births(started.listener, request.watched.processes + self._own)
            self._own += _UNBORN

    def until_it_ends(self) -> dict[str, Any]:
        """How it ended, in the words of ``Outcome``."""
        poll = select.poll()
        for fd in (*self._alive, self._wake, self._started.listener, self._started.state):
            if fd is not None:
                poll.register(fd, select.POLLIN)
        deadline = time.monotonic() + self._request.seconds
        look = time.monotonic() + _LOOK
        while True:
            now = time.monotonic()
            if now >= deadline:
                return {"ended": "time", "code": 0}
            if now >= look:
                why = excess(self._request.watched, self._own, self._mounts)
                if why:
                    return {"ended": "limit", "code": 0, "why": why}
                look = time.monotonic() + max(_LOOK, _SHARE * (time.monotonic() - now))
            ready = dict(poll.poll(max(0, min(deadline, look) - now) * 1000))
            try:
                self._answer(ready, poll)
            except OSError as problem:
                return {"error": f"its limits cannot be set: {told(problem)}", "ended": "exit"}
            ended = self._ended()
            if ended is not None:
                return ended
            if any(fd in ready for fd in self._alive):
                return {"ended": "stopped", "code": 0}

    def _ended(self) -> dict[str, Any] | None:
        result, _ = reap(self._started.pid)
        if result is None:
            return None
        code = os.waitstatus_to_exitcode(result)
        if self._request.gate is not None and code - 128 in set(signal.Signals):
            code = 128 - code  # as bubblewrap tells of a signal, like a shell
        return {"ended": "exit" if code >= 0 else "signal", "code": abs(code)}

    def _answer(self, ready: dict[int, int], poll: select.poll) -> None:
        if self._wake in ready:
            os.read(self._wake, 4096)
        if self._births is not None and self._births.listener in ready:
            if Births.asks(ready[self._births.listener]):
                self._births.answer()
            else:
                poll.unregister(self._births.listener)
        state = self._started.state
        if state is not None and state in ready and self._at_the_gate(state):
            poll.unregister(state)

    def _at_the_gate(self, state: int) -> bool:
        """Read what bubblewrap says, and open the gate once its child is known; then True.

        There the child is in a user namespace of its own, where the kernel counts the processes of
        that namespace alone, and not all of the user. Root is not held by it.
        """
        piece = os.read(state, 4096)
        self._said += piece
        if piece and b"}" not in self._said:
            return False
        gate, opening = self._request.gate, self._started.opening
        if piece and gate is not None and opening is not None:
            inside = json.loads(self._said.partition(b"}")[0] + b"}")["child-pid"]
            self._mounts = [f"/proc/{inside}/root{one}" for one in gate.mounts]
            with suppress(ProcessLookupError):  # it has ended; why is on its standard error
                set_limits(inside, {**self._request.rlimits, **gate.rlimits})
            with suppress(BrokenPipeError):
                os.write(opening, b".")
            os.close(opening)
        return True


def _read_all(fd: int) -> bytes:
    said = b""
    while piece := os.read(fd, 4096):
        said += piece
    os.close(fd)
    return said


def _tell(status: int, **what: Any) -> None:
    with suppress(OSError):  # the worker may be gone
        os.write(status, json.dumps(what).encode() + b"\n")
