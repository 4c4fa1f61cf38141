"""Parts of a cluster ended by SIGKILL while a job runs, and what became of its durable calls."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_asking import ask
from headrace_registry.clusters._local_processes import marked

if TYPE_CHECKING:
    from .conftest import Site
    from .numbered import Call, Numbered

PARTS = ("taskmanager", "worker", "jobmanager")
_POLL = 0.2


@dataclass
class Kill:
    """A part that was killed."""

    part: str
    progress: int
    """How many outputs were committed by then."""
    at: float = 0.0
    """When, in seconds since 1970."""
    restored: int = 0
    """The checkpoint that the job went on from."""
    begun: float = 0.0
    """When the last checkpoint that was complete by then was begun; 0 where there was none."""
    covered: float = 0.0
    """When the one before that was begun. What was over by then is certainly in the last one; what
    ended just before its own begin may have been noted just after."""
    works: float = 0.0
    """Seconds until a call was made by an execution that was started after it."""
    executions: set[str] = field(default_factory=set)
    """Those that had made calls before."""


class Killer:
    """Kills parts of the cluster that a job runs on, and waits until the job works again.

    Args:
        site: The cluster.
        job: The job's id.
        stream: What the job does.
        seed: For the choice of what is killed.
    """

    def __init__(self, site: Site, job: str, stream: Numbered, seed: int) -> None:
        self.kills: list[Kill] = []
        self._site = site
        self._job = job
        self._stream = stream
        self._random = random.Random(seed)
        self._begun: dict[int, float] = {}

    def kill(self, part: str, progress: int, *, seconds: float = 240.0) -> Kill:
        """Kills a part as soon as so many outputs are committed, and has it replaced."""
        self._wait(lambda: self._stream.progress() >= progress, f"{progress} outputs", seconds)
        done = Kill(part, self._stream.progress())
        done.executions = {one.execution for one in self._stream.calls()}
        self._restored()
        # Only what was complete before: a job may go on several times after one kill.
        *_, done.covered, done.begun = 0.0, 0.0, *sorted(self._begun.values())
        done.at = time.time()
        self._strike(part)
        if part != "worker":
            # Whoever looks after a cluster starts what is gone again; a worker, Flink does.
            self._site.cluster = self._site.cluster.start_missing()
        self._wait(lambda: self._restored(done.at), "the job goes on", seconds)
        done.restored = self._restored(done.at)
        self._wait(lambda: self._first_after(done), "calls are made again", seconds)
        done.works = self._first_after(done) - done.at
        self.kills.append(done)
        return done

    def _strike(self, part: str) -> None:
        if part == "worker":
            os.kill(self._random.choice(workers(self._site)), signal.SIGKILL)
            return
        parts = [one for one in self._site.cluster.processes if one.role == part]
        self._site.cluster.kill(part, self._random.choice(parts).index)

    def orphans(self) -> list[int]:
        """Python workers whose TaskManager is gone."""
        return workers(self._site, owned=False)

    def _first_after(self, kill: Kill) -> float:
        calls = self._stream.calls()
        new = (one.at for one in calls if one.execution not in kill.executions)
        return next((when for when in new if when > kill.at), 0.0)

    def _restored(self, since: float = 0.0) -> int:
        """The checkpoint that the job went on from since then; 0 while that is not known."""
        said = ask(self._site.cluster.address, f"/jobs/{self._job}/checkpoints") or {}
        for one in said.get("history", ()):
            if one["status"] == "COMPLETED":
                self._begun[one["id"]] = one["trigger_timestamp"] / 1000
        restored = (said.get("latest") or {}).get("restored") or {}
        return restored["id"] if restored.get("restore_timestamp", 0) / 1000 > since else 0

    def _wait(self, reached, what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            self._restored()  # the begins of checkpoints are forgotten with their JobManager
            assert time.monotonic() < deadline, f"not after {seconds:g} s: {what}; {self.kills}"
            time.sleep(_POLL)


def workers(site: Site, *, owned: bool = True) -> list[int]:
    """The Python workers of a site's TaskManagers that are there, or of those that are gone."""
    owners = {one.pid for one in site.cluster.processes if one.lives}
    found = []
    for one in marked(site.cluster.folder):
        with suppress(OSError):
            words = Path(f"/proc/{one.pid}/cmdline").read_bytes().split(b"\0")
            # A shell stands between a TaskManager and its worker's Python.
            is_python = b"pyflink.fn_execution.beam.beam_boot" in words
            if is_python and (_parent(_parent(one.pid)) in owners) is owned:
                found.append(one.pid)
    return found


def _parent(pid: int) -> int:
    """The process that a process belongs to."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return int(text.rpartition(")")[2].split()[1])


def left_behind(calls: list[Call], kills: list[Kill]) -> list[Call]:
    """The calls of executions that were ended by a kill, and went on for a moment."""
    return [
        call
        for call in calls
        if any(call.at > kill.at and call.execution in kill.executions for kill in kills)
    ]


def by_call(calls: list[Call], kills: list[Kill]) -> dict[tuple[str, int], list[Call]]:
    """Each call as often as it was made by an execution that was not over, in order."""
    late = set(left_behind(calls, kills))
    found = defaultdict(list)
    for call in sorted(calls, key=lambda one: one.at):
        if call not in late:
            found[call.name, call.number].append(call)
    return found


def made_again(
    calls: list[Call], kills: list[Kill], *, until: str = "covered"
) -> list[tuple[str, int]]:
    """Calls that were over before a checkpoint that the job went on from, and were made again.

    A checkpoint holds a call only if the execution that made it lived to see the checkpoint: the
    next one begins anew from the one before.

    Args:
        calls: All that were made.
        kills: All that there were.
        until: By when they were over: ``covered`` or ``begun``, see ``Kill``.
    """
    last: dict[str, float] = {}
    for call in calls:
        last[call.execution] = max(last.get(call.execution, 0.0), call.at)
    found = []
    for name, made in by_call(calls, kills).items():
        for call in made:
            kill = next((one for one in kills if one.at > call.at), None)
            if kill is None:
                continue
            kept = getattr(kill, until)
            is_held = call.at < kept <= last[call.execution]
            if is_held and made[-1].at > kill.at:
                found.append(name)
                break
    return found


def resumed(calls: list[Call], kill: Kill, kills: list[Kill]) -> list[int]:
    """Numbers whose first call was made before a kill only, and whose second one after it."""
    made = by_call(calls, kills)
    return [
        number
        for (name, number), firsts in made.items()
        if name == "first"
        and firsts[-1].at < kill.at
        and any(one.at > kill.at for one in made.get(("second", number), ()))
    ]
