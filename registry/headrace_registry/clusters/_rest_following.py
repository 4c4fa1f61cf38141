"""A job, watched from afar: its states, once each, and what went wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_registry.clusters._rest_errors import (
    ClusterUnreachableError,
    FollowTimeoutError,
    NoSuchJobError,
    RejectedError,
    described,
)
from headrace_registry.clusters._rest_traces import java_chain
from headrace_registry.clusters._rest_values import ENDED
from headrace_registry.clusters._rest_words import explain_entry, innermost

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from headrace_registry.clusters._rest import FlinkRest
    from headrace_registry.clusters._rest_traces import JavaError
    from headrace_registry.clusters._rest_values import Job, SavepointStatus
    from headrace_registry.clusters._rest_words import Failure

__all__ = ["JobState", "follow", "wait_for_end", "wait_for_savepoint"]

_QUICK, _SLOW, _GROWTH = 0.2, 2.0, 1.3  # seconds between two questions
_PATIENCE = 5.0  # seconds that tasks may wait for slots before it is told
_FAILING = frozenset({"RESTARTING", "FAILING", "FAILED"})
_ORDER = (
    "INITIALIZING",
    "CREATED",
    "RECONCILING",
    "RUNNING",
    "FAILING",
    "RESTARTING",
    "CANCELLING",
    "CANCELED",
    "SUSPENDED",
    "FAILED",
    "FINISHED",
)
"""The states, in the order of those that come at the same millisecond."""


@dataclass(frozen=True, slots=True)
class JobState:
    """The state that a job came to."""

    job: str
    """Its id."""
    state: str
    """Such as ``RUNNING``; ``UNREACHABLE`` while the cluster does not answer, which is no state
    of Flink's."""
    since: float
    """When, in seconds since 1970."""
    why: str = ""
    """Why it is so, where something is wrong."""
    failure: Failure | None = None
    """What made it restart or fail."""

    @property
    def is_over(self) -> bool:
        """Whether it will run no more."""
        return self.state in ENDED


def follow(
    rest: FlinkRest,
    job: str,
    *,
    on_state: Callable[[JobState], None] | None = None,
    on_exception: Callable[[Failure], None] | None = None,
    until: Collection[str] = ENDED,
    away: float = 60.0,
    timeout: float | None = None,
) -> JobState:
    """Watches a job until it comes to a state, or is over.

    Args:
        rest: The cluster. One that restarts its JobManager is waited for.
        job: The job's id.
        on_state: Told each state that the job comes to, once, in order; also those between two
            questions. ``RUNNING`` comes a second time, with why, when tasks wait for slots; and
            ``UNREACHABLE`` when the cluster goes away.
        on_exception: Told each failure once.
        until: The states to wait for. A job that is over is waited for no longer in any case.
        away: Seconds that the cluster may be away, or not know the job any more.
        timeout: Seconds to wait at most; for ever, if ``None``.

    Returns:
        The state that it came to.

    Raises:
        ClusterUnreachableError: The cluster was away too long.
        NoSuchJobError: It has no such job, and did not get it back.
        FollowTimeoutError: The job is in none of the states in time.
    """
    watch = _Watch(rest, job, on_state or _nobody, on_exception or _nobody)
    deadline = None if timeout is None else time.monotonic() + timeout
    gone, wait = None, _QUICK
    wanted = {*until, *ENDED}
    while True:
        try:
            news = watch.look()
            gone = None
        except (ClusterUnreachableError, NoSuchJobError) as error:
            # A JobManager that takes over knows the job some seconds after it answers.
            news = False
            now = time.monotonic()
            if isinstance(error, NoSuchJobError) and watch.last is None:
                raise
            if gone is None:
                gone = now
                watch.lost(error)
            elif now - gone > away:
                raise
        if gone is None and watch.last is not None and watch.last.state in wanted:
            return watch.last
        if deadline is not None and time.monotonic() > deadline:
            last = watch.last.state if watch.last else "not known"
            raise FollowTimeoutError(
                described(
                    f"the job {job} is {last} after {timeout:g} s",
                    where=rest.url,
                    why=f"waited for: {', '.join(sorted(until))}",
                    then=f"agents jobs show {job[:8]}",
                )
            )
        wait = _QUICK if news else min(_SLOW, wait * _GROWTH)
        time.sleep(wait if deadline is None else min(wait, max(0.0, deadline - time.monotonic())))


def wait_for_end(rest: FlinkRest, job: str, *, away: float = 60.0, timeout: float = 180.0) -> str:
    """Waits until a job is over, as it was asked to be; gives its last state.

    Args:
        rest: The cluster.
        job: The job's id.
        away: Seconds that the cluster may be away.
        timeout: Seconds to wait at most.

    Raises:
        NoSuchJobError: There is no such job.
        FollowTimeoutError: It is not over in time.
        ClusterUnreachableError: The cluster was away too long.
    """
    deadline, gone, wait = time.monotonic() + timeout, None, _QUICK
    while time.monotonic() < deadline:
        try:
            state = rest.state(job)
            gone = None
        except ClusterUnreachableError:
            gone = gone or time.monotonic()
            if time.monotonic() - gone > away:
                raise
        else:
            if state in ENDED:
                return state
        time.sleep(wait)
        wait = min(_SLOW, wait * _GROWTH)
    raise FollowTimeoutError(
        described(
            f"the job is not over after {timeout:g} s",
            where=rest.url,
            then=f"agents jobs show {job[:8]}",
        )
    )


def wait_for_savepoint(
    rest: FlinkRest, job: str, trigger: str, *, away: float = 60.0, timeout: float = 600.0
) -> SavepointStatus:
    """Waits until a savepoint is done.

    Args:
        rest: The cluster.
        job: The job's id.
        trigger: What ``stop`` or ``savepoint`` gave.
        away: Seconds that the cluster may be away.
        timeout: Seconds to wait at most.

    Returns:
        The savepoint, done.

    Raises:
        RejectedError: It failed; with the first line of why.
        NoSuchJobError: There is no such job.
        FollowTimeoutError: It is not done in time.
        ClusterUnreachableError: The cluster was away too long.
    """
    deadline, gone, wait = time.monotonic() + timeout, None, _QUICK
    while time.monotonic() < deadline:
        try:
            status = rest.savepoint_status(job, trigger)
            gone = None
        except ClusterUnreachableError:
            gone = gone or time.monotonic()
            if time.monotonic() - gone > away:
                raise
        else:
            if status.is_over and not status.failure:
                return status
            if status.is_over:
                chain = java_chain(status.failure)
                if any(_says_it_is_over(one) for one in chain) and rest.state(job) in ENDED:
                    raise NoSuchJobError(described(f"the job {job} does not run", where=rest.url))
                raise RejectedError(
                    described(
                        "the savepoint was not made",
                        where=rest.url,
                        why=innermost(chain),
                        then="the job goes on, unless it failed by that: "
                        f"agents jobs show {job[:8]}",
                    )
                )
        time.sleep(wait)
        wait = min(_SLOW, wait * _GROWTH)
    raise FollowTimeoutError(
        described(
            f"the savepoint is not done after {timeout:g} s",
            where=rest.url,
            then=f"see what holds it up: agents jobs show {job[:8]}",
        )
    )


def _says_it_is_over(error: JavaError) -> bool:
    """Whether it may be that a job ended; one that just did has no checkpoints to Flink."""
    gone = error.type.endswith("FlinkJobNotFoundException")
    return gone or "is not a streaming job" in error.message


@dataclass(slots=True)
class _Watch:
    """What is known of a job, and told already."""

    rest: FlinkRest
    job: str
    on_state: Callable[[JobState], None]
    on_exception: Callable[[Failure], None]
    last: JobState | None = None
    _seen: dict[str, float] = field(default_factory=dict)
    _failures: set[tuple[float, str]] = field(default_factory=set)
    _latest: Failure | None = None
    _waiting_since: float | None = None
    _told_slots: bool = False

    def look(self) -> bool:
        """Asks, and tells what is new; whether anything was."""
        found = self.rest.job(self.job)
        times = {state: when for state, when in found.timestamps.items() if when}
        if found.state not in times:
            times[found.state] = self._seen.get(found.state, found.now)
        # What was reached before one began to look is no news.
        new = [one for one in times.items() if self._seen.get(one[0]) != one[1]]
        if self.last is None:
            new = [one for one in new if one[0] == found.state]
        self._seen = times
        new.sort(key=lambda one: (one[1], _rank(one[0])))
        if any(one in _FAILING for one, _ in new):
            self._look_for_failures()
        for state, when in new:
            failure = self._latest if state in _FAILING else None
            why = failure.summary if failure else ""
            self._tell(JobState(self.job, state, when, why, failure))
        if self.last is None or self.last.state != found.state:
            # A state that lasts while another one's time was the later to be written.
            self._tell(JobState(self.job, found.state, found.since))
        return bool(new) or self._starving(found)

    def lost(self, error: Exception) -> None:
        """The cluster does not answer, or does not know the job."""
        why = str(error).partition("\n")[0]
        self.on_state(JobState(self.job, "UNREACHABLE", time.time(), why))

    def _tell(self, state: JobState) -> None:
        self.last = state
        self.on_state(state)

    def _look_for_failures(self) -> None:
        """Tells the failures that were not told yet, oldest first."""
        first = self.last is None
        entries = self.rest.exceptions(self.job).entries
        new = [one for one in reversed(entries) if (one.time, one.name) not in self._failures]
        self._failures |= {(one.time, one.name) for one in new}
        if first:
            new = new[-1:]
        for one in new:
            self._latest = explain_entry(one)
            self.on_exception(self._latest)

    def _starving(self, found: Job) -> bool:
        """Whether it is told, now, that tasks wait for slots."""
        if found.state != "RUNNING" or not found.unplaced:
            self._waiting_since, self._told_slots = None, False
            return False
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        if self._told_slots or now - self._waiting_since < _PATIENCE:
            return False
        self._told_slots = True
        seen = self.rest.overview()
        why = (
            f"it waits for slots: it needs {found.slots}, and the cluster has {seen.slots_total}, "
            f"of which {seen.slots_available} are free"
        )
        self._tell(JobState(self.job, found.state, found.since, why))
        return True


def _rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def _nobody(_: object) -> None:
    pass
