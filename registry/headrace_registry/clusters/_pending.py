"""Which unfinished runs of a job's state fit the code of another zip, before that goes on."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.jobs.manifest import read_manifest
from headrace.jobs.pending import PendingRuns
from headrace_registry.clusters._local_errors import ClusterError
from headrace_registry.clusters._probing import UnfitClusterError
from headrace_registry.clusters._replacing import check_fit
from headrace_registry.clusters._rest_following import follow, wait_for_savepoint
from headrace_registry.clusters._rest_words import explain
from headrace_registry.clusters._submitting import prepare, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_registry.clusters._rest import FlinkRest
    from headrace_registry.clusters._rest_values import JobSummary
    from headrace_registry.clusters._submitting import Prepared, Wish

__all__ = ["unfinished_runs"]

_WAIT = 600.0


def unfinished_runs(
    rest: FlinkRest,
    path: Path,
    home: Path,
    wish: Wish,
    *,
    old: JobSummary | None = None,
    probe: bool = True,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PendingRuns:
    """Has a small job read a savepoint with the zip's code, and tell; nothing else is changed.

    It takes one slot, makes no call and puts nothing out. Only Flink can read its savepoints.

    Args:
        rest: The cluster.
        path: The zip, verified.
        home: Where it is unpacked here.
        wish: How its job would run; it names the savepoint, if ``old`` is ``None``.
        old: A job that runs: a savepoint of it is made, read and thrown away, while it runs on.
        probe: Whether the workers are asked what they have.
        tell: Is told what is being done.
        progress: Is told of the bytes that are uploaded.

    Raises:
        ReplacementError: The zip's job could not go on from the old one's state at all.
        UnfitClusterError: The cluster cannot run it, or has no slot for it.
        ClusterError: The cluster is away, or the savepoint cannot be read.
    """
    say = tell or (lambda _: None)
    if old is not None:
        check_fit(rest, old, read_manifest(home))
    with (
        tempfile.TemporaryDirectory(prefix="agents-pending-") as scratch,
        prepare(
            rest,
            path,
            home,
            wish,
            Path(scratch),
            probe=probe,
            waits=old is not None,
            pending=True,
            tell=tell,
        ) as prepared,
    ):
        if old is None:
            return _told(rest, prepared, say, progress)
        say(f"making a savepoint of {old.name}, which runs on")
        savepoint = wait_for_savepoint(rest, old.id, rest.savepoint(old.id)).location
        try:
            return _told(rest, prepared.from_savepoint(savepoint), say, progress)
        finally:
            with suppress(ClusterError):  # then it stays, which harms nobody
                rest.dispose(savepoint)


def _told(
    rest: FlinkRest,
    prepared: Prepared,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] | None,
) -> PendingRuns:
    job = start(rest, prepared, progress=progress).job
    say("going through its unfinished runs")
    try:
        follow(rest, job, timeout=_WAIT)
    finally:
        with suppress(ClusterError):  # it is over, as it should be
            rest.cancel(job)
    failures = rest.exceptions(job)
    for one in failures.entries:
        found = PendingRuns.told_in(one.stacktrace)
        if found is not None:
            return found
    failure = explain(failures)
    why = "it did not say why" if failure is None else failure.summary
    raise UnfitClusterError(
        f"the unfinished runs could not be looked through\n  where: {job} at {rest.url}\n"
        f"  why:   {why}"
    )
