"""Processes that outlive who started them: started apart, found again, and ended for good.

A process is known by its number *and* its start, so that one that got the number later is left
alone. All that a cluster starts carries its folder in the environment: so workers that a killed
TaskManager left behind are found too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "MARK",
    "Running",
    "end",
    "environment_of",
    "kill",
    "lives",
    "marked",
    "start_apart",
]

MARK = "HEADRACE_CLUSTER"
"""The variable that holds the folder of the cluster that a process belongs to."""
_PROC = Path("/proc")
_PAUSE = 0.05
_DEAD = ("Z", "X", "x")


@dataclass(frozen=True, slots=True)
class Running:
    """A process, known beyond the reuse of its number."""

    pid: int
    started: int
    """When, in the kernel's ticks since it was booted."""
    boot: str
    """Which boot that was."""


def start_apart(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: Path
) -> Running:
    """Starts a process in a session of its own: no Ctrl-C and no hang-up reaches it.

    Raises:
        OSError: It cannot be started.
    """
    with output.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - Flink's own programs
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Nobody waits for it: it is to outlive this process, and Popen need not warn of that.
    process.returncode = 0
    state = _state(process.pid)
    return Running(process.pid, state.started if state else 0, _boot())


def lives(process: Running) -> bool:
    """Whether this very process still runs."""
    state = _state(process.pid)
    if state is not None and state.letter in _DEAD:
        with suppress(ChildProcessError):  # one that this process started: it is let go
            os.waitpid(process.pid, os.WNOHANG)
        return False
    return state is not None and state.started == process.started and process.boot == _boot()


def marked(folder: Path) -> list[Running]:
    """All processes of a cluster: those that carry its mark, and whatever they started."""
    states = {pid: state for pid in _pids() if (state := _state(pid)) is not None}
    sign = os.fsencode(f"{MARK}={folder}")
    found = {pid for pid in states if sign in _environment(pid)}
    # A launcher may have emptied the environment of what it started.
    more = found
    while more:
        more = {pid for pid, one in states.items() if one.parent in more and pid not in found}
        found |= more
    boot = _boot()
    return [
        Running(pid, states[pid].started, boot)
        for pid in sorted(found - {os.getpid()})
        if states[pid].letter not in _DEAD
    ]


def environment_of(process: Running) -> dict[str, str]:
    """The environment that a process was started with; empty where it is gone."""
    if not lives(process):
        return {}
    texts = (os.fsdecode(one).partition("=") for one in _environment(process.pid))
    return {name: value for name, equals, value in texts if equals}


def end(processes: Iterable[Running], *, wait: float) -> list[Running]:
    """Asks processes to end, and waits for them.

    Args:
        processes: Which.
        wait: For how many seconds at most.

    Returns:
        Those that run still.
    """
    left = [one for one in processes if _send(one, signal.SIGTERM)]
    return _wait_for(left, wait)


def kill(processes: Iterable[Running], *, wait: float = 10) -> list[Running]:
    """Ends processes at once.

    Returns:
        Those that could not be ended within ``wait`` seconds.
    """
    left = [one for one in processes if _send(one, signal.SIGKILL)]
    return _wait_for(left, wait)


def _wait_for(processes: list[Running], wait: float) -> list[Running]:
    deadline = time.monotonic() + wait
    while left := [one for one in processes if lives(one)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE)
    return []


def _send(process: Running, number: signal.Signals) -> bool:
    """Sends a signal to this very process; whether it was there."""
    descriptor = None
    try:
        # From here on the number cannot become another process's; old kernels lack this.
        with suppress(OSError):
            descriptor = os.pidfd_open(process.pid)
        if not lives(process):
            return False
        if descriptor is None:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return True


@dataclass(frozen=True, slots=True)
class _State:
    letter: str
    parent: int
    started: int


def _state(pid: int) -> _State | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The program's name is in brackets and may hold anything, brackets too.
    fields = text.rpartition(")")[2].split()
    return _State(fields[0], int(fields[1]), int(fields[19]))


def _pids() -> list[int]:
    own = os.getuid()
    found = []
    for entry in os.scandir(_PROC):
        with suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == own:
                found.append(int(entry.name))
    return found


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
