"""All processes of a run: who they are, what they use together, and their end.

Only children need be seen: theirs are ours once they are dead, since the warden adopts orphans.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._request import Watched

__all__ = ["count_processes", "end_all", "excess", "reap"]

_GRACE = 5.0  # seconds in which processes that multiply are hunted
_PAGE = resource.getpagesize()


def excess(watched: Watched, own: int, mounts: list[str]) -> str | None:
    """Tell what is beyond its limit.

    Args:
        watched: What is counted, and the limits.
        own: How many of the processes are not the program's.
        mounts: File systems of the program's own; their size has a limit of its own.
    """
    count, resident = -own, 0
    for pid in _descendants():
        with suppress(OSError, ValueError):
            count += _threads(pid)
            with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123
                resident += int(file.read().split()[1]) * _PAGE
        if count > watched.processes:
            return f"it had more than {watched.processes:,} processes and threads at a time"
        if resident > watched.resident:
            return f"its processes used more than {watched.resident:,} bytes of memory together"
    for mount in mounts:
        with suppress(OSError):  # it may have ended in between
            room = os.statvfs(mount)
            if room.f_files - room.f_ffree > watched.scratch_files + 1:  # and its root
                return f"it kept more than {watched.scratch_files:,} files in its folder"
    return _heap(watched)


def count_processes(enough: int) -> int:
    """Count processes and threads, up to a number that is enough."""
    count = 0
    for pid in _descendants():
        with suppress(OSError):
            count += _threads(pid)
        if count >= enough:
            break
    return count


def _threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - names are what is asked


def _heap(watched: Watched) -> str | None:
    """What the scratch folder holds, as far as the limit; links are not followed."""
    if watched.scratch is None:
        return None
    size = count = 0
    folders = [watched.scratch]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in found:
                count += 1
                if count > watched.scratch_files:
                    return f"it kept more than {watched.scratch_files:,} files in its folder"
                with suppress(OSError):
                    # Blocks, and not the length: a file with holes takes no room.
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                if size > watched.scratch_size:
                    return f"it kept more than {watched.scratch_size:,} bytes in its folder"
    return None


def reap(child: int) -> tuple[int | None, bool]:
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


def end_all(child: int, *, reach_all: bool) -> None:
    """Kill what is left, and take leave of it.

    Args:
        child: The program, or bubblewrap; with bubblewrap ends all that is inside.
        reach_all: Whether a signal to all processes reaches those of this run alone; see
            ``hold_signals``. Otherwise it goes round without a pause: a process that forks and
            exits, over and over, is caught by being quicker than it.
    """
    if not reap(child)[1]:
        return
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        if reach_all:
            with suppress(OSError):
                os.kill(-1, signal.SIGKILL)
            time.sleep(0.0005)  # all of them are about to end
        else:
            _hunt()
        if not reap(child)[1]:
            return
    if sys.platform != "linux":  # the group is what is known
        _kill_group(child)


def _hunt() -> None:
    for pid in _children(os.getpid()):
        with suppress(OSError):  # it may have ended in between
            _kill_group(os.getpgid(pid))
            os.kill(pid, signal.SIGKILL)
    for pid in _descendants():
        with suppress(OSError):
            os.kill(pid, signal.SIGSTOP)  # it will not fork while the others are killed
    for pid in _descendants():
        with suppress(OSError):
            _kill_group(os.getpgid(pid))
            os.kill(pid, signal.SIGKILL)


def _kill_group(group: int) -> None:
    if group != os.getpgrp():
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def _descendants() -> Iterator[int]:
    """The processes below this one, those nearest to it first."""
    seen = {os.getpid()}
    pending = [os.getpid()]
    while pending:
        for pid in _children(pending.pop()):
            if pid not in seen:
                seen.add(pid)
                pending.append(pid)
                yield pid


def _children(parent: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208
            with open(f"/proc/{parent}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except FileNotFoundError:
        if os.path.exists(f"/proc/{parent}/task"):  # noqa: PTH110 - a kernel without that list
            return [int(name) for name in _processes() if _parent(name) == parent]
    except OSError:
        pass  # it has just ended
    return found


def _processes() -> list[str]:
    with suppress(OSError):
        return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    return []


def _parent(pid: str) -> int:
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
        # The name stands in brackets, and may hold brackets itself.
        return int(file.read().rpartition(b")")[2].split()[1])
    return 0
