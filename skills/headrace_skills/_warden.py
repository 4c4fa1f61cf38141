"""The process that stands between the worker and a script, and ends all that the script started.

It is run as a file, by ``python -I -S``: it imports nothing of headrace. The worker has threads,
so that nothing may be done in it between fork and exec; here limits can be set safely. And the
worker may be killed: this process then sees its lifeline close, and leaves nothing behind.

    _warden.py LIFELINE STATUS LIMITS PROGRAM ARGUMENT...

LIFELINE is a pipe to read: when it ends or says anything, the script is ended. STATUS is a pipe
for one line of JSON at the start and one at the end. LIMITS is JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress

SCRATCH = "headrace-skill-"
"""What the name of a scratch folder starts with."""

_PR_SET_CHILD_SUBREAPER = 36
_GRACE = 5.0  # seconds in which processes that multiply are hunted


def main(lifeline: int, status: int, limits: dict[str, float], argv: list[str]) -> None:
    """Runs a program to its end, and tells how it ended."""
    os.set_inheritable(lifeline, False)
    os.set_inheritable(status, False)
    scratch = os.getcwd()  # noqa: PTH109 - a text is enough
    _adopt_orphans()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)  # the lifeline is how we are told

    error_read, error_write = os.pipe()
    child = os.fork()
    if child == 0:
        _become(argv, limits, error_write)
    os.close(error_write)
    # The pipes of the script are its own: as long as we held them, they would not end.
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    error = b""
    while piece := os.read(error_read, 4096):
        error += piece
    if error:
        os.waitpid(child, 0)
        _tell(status, {"error": error.decode("utf-8", "replace")})
        return
    _tell(status, {"pid": child})

    deadline = time.monotonic() + limits["seconds"]
    ended, code = None, 0
    while ended is None:
        left = deadline - time.monotonic()
        if left <= 0:
            ended = "time"
            break
        ready, _, _ = select.select([lifeline, wake_read], [], [], left)
        if wake_read in ready:
            os.read(wake_read, 4096)
        result, _ = _reap(child)
        if result is not None:
            code = os.waitstatus_to_exitcode(result)
            ended = "exit" if code >= 0 else "signal"
        elif lifeline in ready:
            ended = "stopped"
    _end_all(child)
    if ended == "stopped":
        _clear(scratch)
    _tell(status, {"ended": ended, "code": abs(code)})


def _adopt_orphans() -> None:
    """Be the parent of whatever loses its own: a process cannot leave by forking twice."""
    # Where this is no Linux, the process group is what can be ended.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _become(argv: list[str], limits: dict[str, float], error: int) -> None:
    """In the child: take on the limits, and be the program."""
    try:
        signal.set_wakeup_fd(-1)
        # What Python ignores would be ignored by the program too.
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()  # a script that signals its own group does not hit us
        os.umask(0o077)
        cpu = int(limits["cpu_seconds"])
        _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
        _limit(resource.RLIMIT_AS, int(limits["memory"]))
        _limit(resource.RLIMIT_FSIZE, int(limits["file_size"]))
        _limit(resource.RLIMIT_NOFILE, int(limits["open_files"]))
        _limit(resource.RLIMIT_CORE, 0)
        # No RLIMIT_NPROC: it counts all processes and threads of the user, the worker's among
        # them, and does not hold root at all.
        os.execv(argv[0], argv)  # noqa: S606 - no shell is wanted
    except BaseException as problem:  # noqa: BLE001 - the child must not go on as a second warden
        told = getattr(problem, "strerror", None) or f"{type(problem).__name__}: {problem}"
        os.write(error, str(told).encode())
    finally:
        os._exit(127)


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    _, allowed = resource.getrlimit(what)
    wanted = soft if hard is None else hard
    if allowed != resource.RLIM_INFINITY:
        wanted = min(wanted, allowed)
    resource.setrlimit(what, (min(soft, wanted), wanted))


def _reap(child: int) -> tuple[int | None, bool]:
    """Take leave of what has ended: the child's status if it is among them, and if any is left."""
    result = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return result, False
        if pid == 0:
            return result, True
        if pid == child:
            result = status


def _end_all(child: int) -> None:
    """Kill what is left. Only our own children need be seen: theirs are ours once they are dead.

    It goes round without a pause: a process that forks and exits, over and over, is caught by
    being quicker than it.
    """
    deadline = time.monotonic() + _GRACE
    while _reap(child)[1] and time.monotonic() < deadline:
        for pid in _children():
            with suppress(OSError):  # it may have ended in between
                os.kill(pid, signal.SIGKILL)
    if not _processes():  # no Linux: the group is what is known
        with suppress(OSError):
            os.killpg(child, signal.SIGKILL)


def _children() -> list[int]:
    own = os.getpid()
    with suppress(OSError), open(f"/proc/{own}/task/{own}/children", "rb") as file:  # noqa: PTH123
        return [int(pid) for pid in file.read().split()]
    return [int(name) for name in _processes() if name.isdigit() and _parent(name) == own]


def _processes() -> list[str]:
    with suppress(OSError):
        return os.listdir("/proc")  # noqa: PTH208 - names are what is asked
    return []


def _parent(pid: str) -> int:
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
        # The name stands in brackets, and may hold brackets itself.
        return int(file.read().rpartition(b")")[2].split()[1])
    return 0


def _clear(scratch: str) -> None:
    """Remove the scratch folder: the worker does so too, but it may have been killed."""
    import shutil  # only this end pays for it

    if os.path.basename(scratch).startswith(SCRATCH):  # noqa: PTH119
        shutil.rmtree(scratch, ignore_errors=True)


def _tell(status: int, what: dict[str, object]) -> None:
    with suppress(OSError):  # the worker may be gone
        os.write(status, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:])
