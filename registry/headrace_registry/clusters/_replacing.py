"""A rolling change: a running job is stopped with a savepoint, and a new one goes on from it.

Before anything is stopped it is held that the new job can read the old one's state and that the
old one could be started again. If the new one fails before its first checkpoint is complete, that
is done: nothing that the new one wrote has become visible by then.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from headrace.jobs.manifest import FilesIO, State, job_digest, read_manifest
from headrace_registry.client import cache_folder
from headrace_registry.client._store import write_whole
from headrace_registry.clusters._probing import UnfitClusterError
from headrace_registry.clusters._rest_errors import ClusterUnreachableError, RejectedError
from headrace_registry.clusters._rest_following import wait_for_end, wait_for_savepoint
from headrace_registry.clusters._rest_values import ENDED
from headrace_registry.clusters._rest_words import explain
from headrace_registry.clusters._submitting import Prepared, Submission, Wish, prepare, start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.jobs.manifest import JobManifest
    from headrace_registry.clusters._rest import FlinkRest
    from headrace_registry.clusters._rest_values import JobSummary

__all__ = [
    "Remembered",
    "Replaced",
    "ReplacementError",
    "as_before",
    "check_fit",
    "misfits",
    "remember",
    "replace_job",
]

_POLL = 0.3
_KEPT = 10


class ReplacementError(UnfitClusterError):
    """A job that was not replaced; says what runs now."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a job that was submitted from here."""

    zip: Path
    """A copy of its zip."""
    wish: Wish
    """How it was to run."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A job that took another's place."""

    submission: Submission
    """The new job."""
    old: str
    """The old one's id."""
    savepoint: str
    """What it went on from."""
    seconds: float
    """How long none of them ran."""


def misfits(old: Mapping[str, str], manifest: JobManifest) -> list[str]:
    """Why a job cannot go on from another's state; one line each.

    Args:
        old: What the running job shows of itself: its ``user-config``.
        manifest: The new job.
    """
    said = old.get("headrace.state")
    if said is None:
        return ["the running job does not say what state it has: it was not built by headrace"]
    try:
        before = State.model_validate_json(said)
    except ValidationError:
        return ["what the running job says of its state cannot be read: a later headrace built it"]
    now = manifest.state
    faults = []
    if before.format != now.format:
        faults.append(
            f"the state has the format {before.format}, and the new job's headrace reads "
            f"{now.format}: build it with headrace {old.get('headrace.version', 'of before')}"
        )
    for name, one in before.agents.items():
        new = next((two for two in now.agents.values() if two.uid == one.uid), None)
        if new is None:
            faults.append(
                f"the new job has no agent {name}, so its memory would be lost: keep the agent's "
                f"name, or its identity (the setting job={one.uid.removeprefix('headrace-')!r}), "
                "or say so: --allow-lost-state"
            )
        elif new.shards != one.shards:
            faults.append(
                f"{name} has {new.shards} shards, and its state {one.shards}: the number cannot "
                f"change (set shards to {one.shards})"
            )
    return faults


def check_fit(rest: FlinkRest, old: JobSummary, manifest: JobManifest) -> None:
    """Refuses a job that cannot go on from the state of one that runs.

    Raises:
        ReplacementError: Says all that does not fit.
    """
    faults = misfits(rest.user_config(old.id), manifest)
    if faults:
        raise ReplacementError("\n".join(["the new job cannot go on from it:", *faults]))


def as_before(wish: Wish, job: str) -> Wish:
    """A wish, with what a job was asked for when it was submitted from here where it is silent."""
    before = remembered(job)
    if before is None:
        return wish
    old = before.wish
    files = wish.files
    if old.files is not None:
        said = {} if files is None else files.model_dump(exclude_none=True)
        files = old.files.model_copy(update=said)
    return replace(
        wish,
        name=wish.name or old.name,
        parallelism=wish.parallelism or old.parallelism,
        settings={**(old.settings or {}), **(wish.settings or {})},
        typed={**(old.typed or {}), **(wish.typed or {})},
        files=files,
        follow=wish.follow or old.follow,
    )


def remember(job: str, path: Path, digest: str, wish: Wish) -> None:
    """Keeps what it takes to start a job again, should the one that replaces it fail."""
    folder = cache_folder() / "submitted"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = folder / f"{digest}.zip"
    if not kept.exists():
        beside = folder / f".{digest}.{os.getpid()}"
        shutil.copyfile(path, beside)
        beside.replace(kept)
    data = {**asdict(wish), "files": None if wish.files is None else wish.files.model_dump()}
    write_whole(folder / f"{job}.json", json.dumps({"digest": digest, "wish": data}).encode())
    _clean(folder)


def remembered(job: str) -> Remembered | None:
    """What was kept of a job."""
    folder = cache_folder() / "submitted"
    try:
        data = json.loads((folder / f"{job}.json").read_bytes())
        files = data["wish"].pop("files")
        wish = Wish(**data["wish"], files=None if files is None else FilesIO(**files))
        path = folder / f"{data['digest']}.zip"
    except (OSError, ValueError, TypeError, KeyError, ValidationError):
        return None
    return Remembered(path, wish) if path.is_file() else None


def _clean(folder: Path) -> None:
    """Keeps the newest; a zip stays while a job that is kept has it."""
    notes = sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
    for one in notes[_KEPT:]:
        one.unlink(missing_ok=True)
    wanted = set()
    for one in notes[:_KEPT]:
        try:
            wanted.add(json.loads(one.read_bytes())["digest"])
        except (OSError, ValueError, KeyError):
            continue
    for path in folder.glob("*.zip"):
        if path.stem not in wanted:
            path.unlink(missing_ok=True)


def replace_job(
    rest: FlinkRest,
    old: JobSummary,
    path: Path,
    home: Path,
    wish: Wish,
    *,
    open_zip: Callable[[Path], Path],
    rollback: bool = True,
    healthy: float = 120.0,
    probe: bool = True,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Replaced:
    """Puts a job in the place of one that runs.

    Args:
        rest: The cluster.
        old: The job that runs.
        path: The new one's zip, verified.
        home: Where that is unpacked here.
        wish: How it is to run.
        open_zip: Verifies and unpacks the old one's zip, for the way back.
        rollback: Whether the old job is started again if the new one fails.
        healthy: Seconds that the new one has for its first checkpoint.
        probe: Whether the workers are asked what they have.
        tell: Is told what is being done.
        progress: Is told of the bytes that are uploaded.

    Raises:
        ReplacementError: It was not replaced; says what runs now.
        UnfitClusterError: The cluster cannot run the new one; the old one runs on.
        ClusterError: The cluster is away.
    """
    say = tell or (lambda _: None)
    faults = misfits(rest.user_config(old.id), read_manifest(home))
    if wish.allow_lost_state:
        faults = [one for one in faults if "--allow-lost-state" not in one]
    if faults:
        raise ReplacementError(
            "\n".join([f"the new job cannot go on from {old.name}, which runs on:", *faults])
        )
    way_back = remembered(old.id)
    if rollback and way_back is None:
        raise ReplacementError(
            f"{old.name} was not submitted from here, so it could not be started again if the new "
            "job fails; it runs on\n  next: --no-rollback, to do without the way back"
        )
    slots = rest.job(old.id).slots
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agents-replace-")))
        # All that can be known is known, and made, before anything is stopped.
        new = stack.enter_context(
            prepare(
                rest,
                path,
                home,
                wish,
                _folder(scratch, "new"),
                freed=slots,
                probe=probe,
                waits=True,
                tell=tell,
            )
        )
        back = None
        if rollback and way_back is not None:
            say(f"getting ready to start {old.name} again")
            back = stack.enter_context(
                prepare(
                    rest,
                    way_back.zip,
                    open_zip(way_back.zip),
                    way_back.wish,
                    _folder(scratch, "back"),
                    freed=slots,
                    probe=False,
                    waits=True,
                )
            )
        say(f"stopping {old.name} with a savepoint")
        began = time.monotonic()
        savepoint = _stopped(rest, old)
        say(f"savepoint: {savepoint}")
        try:
            submission = start(rest, new.from_savepoint(savepoint), progress=progress)
            seconds = time.monotonic() - began
            say("waiting for its first checkpoint")
            _healthy(rest, submission.job, healthy)
        except (Exception, KeyboardInterrupt) as error:
            if back is None or way_back is None:
                raise ReplacementError(
                    f"{error}\n  where: no job runs now; the savepoint is {savepoint}\n"
                    "  next: agents submit JOB.zip --savepoint with it"
                ) from error
            say(f"it failed: starting {old.name} again from its savepoint")
            again = _rolled_back(rest, back, way_back, savepoint)
            raise ReplacementError(
                f"the new job failed, and {old.name} runs again from its savepoint: {again.job}\n"
                f"  why:   {error}"
            ) from error
    return Replaced(submission, old.id, savepoint, seconds)


def _folder(scratch: Path, name: str) -> Path:
    path = scratch / name
    path.mkdir()
    return path


def _stopped(rest: FlinkRest, old: JobSummary) -> str:
    trigger = rest.stop(old.id)
    status = wait_for_savepoint(rest, old.id, trigger)
    wait_for_end(rest, old.id)
    return status.location


def _healthy(rest: FlinkRest, job: str, seconds: float) -> None:
    """Waits for the first checkpoint of a job, or its good end.

    Raises:
        ReplacementError: It failed before, or had none in time; it is cancelled.
    """
    deadline = time.monotonic() + seconds
    why = f"it had no checkpoint within {seconds:g} s"
    while time.monotonic() < deadline:
        try:
            state = rest.state(job)
            failure = explain(rest.exceptions(job))
            if failure is not None or state == "FAILED":
                why = failure.summary if failure is not None else "it failed"
                break
            if state == "FINISHED":
                return
            if state == "RUNNING" and rest.checkpoints(job).counts.get("completed", 0) > 0:
                return
        except ClusterUnreachableError:
            pass  # a JobManager that takes over; the deadline stands
        time.sleep(_POLL)
    _cancelled(rest, job)
    raise ReplacementError(why)


def _cancelled(rest: FlinkRest, job: str) -> None:
    if rest.state(job) in ENDED:
        return
    try:
        rest.cancel(job)
    except RejectedError:
        return  # it ended by itself meanwhile
    wait_for_end(rest, job)


def _rolled_back(
    rest: FlinkRest, back: Prepared, way_back: Remembered, savepoint: str
) -> Submission:
    try:
        again = start(rest, back.from_savepoint(savepoint))
    except Exception as error:
        raise ReplacementError(
            f"the new job failed, and the old one could not be started again: {error}\n"
            f"  where: no job runs now; the savepoint is {savepoint}\n"
            f"  next: agents submit {way_back.zip} --savepoint {savepoint}"
        ) from error
    remember(again.job, way_back.zip, job_digest(back.home), way_back.wish)
    return again
