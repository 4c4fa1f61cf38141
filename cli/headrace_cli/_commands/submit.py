"""``agents submit``: a job's zip on a cluster, or in the place of a job that runs there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.jobs._asking import (
    cluster_options,
    confirmed,
    job_of,
    opened,
    print_json,
)
from headrace_cli._commands.jobs._ending import running
from headrace_cli._commands.registry._keeping import progress
from headrace_cli._commands.verify import keys_for
from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked
    from headrace_registry.clusters import Failure, FlinkRest, JobState
    from headrace_registry.clusters._submitting import Submission, Wish

__all__ = ["command"]

_ZIP = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("submit")
@click.argument("path", type=_ZIP, metavar="JOB.zip")
@click.option("--detach", is_flag=True, help="Return once it is accepted; it runs on.")
@click.option("--parallelism", type=click.IntRange(1), metavar="N", help="Subtasks a step.")
@click.option("--savepoint", metavar="PATH", help="Go on from a savepoint or checkpoint.")
@click.option(
    "--allow-lost-state", is_flag=True, help="State that the job has no place for may be dropped."
)
@click.option("--replace", metavar="JOB", help="Take the place of a job: it is stopped first.")
@click.option(
    "--no-rollback", is_flag=True, help="With --replace: do not start the old one again on failure."
)
@click.option("--name", metavar="NAME", help="What it is called there. Default: as it was built.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting, the runtime's or Flink's, or values.NAME; repeat.",
)
@click.option("--input", "input", metavar="URI", help="A job over files: what it reads.")
@click.option("--output", metavar="URI", help="A job over files: the folder that it writes to.")
@click.option("--dead-letters", metavar="URI", help="A job over files: where failed inputs go.")
@click.option("--approvals", metavar="URI", help="A job over files: what waits for your yes.")
@click.option("--key", metavar="FIELD", help="A job over files: the field that is the key.")
@click.option("--follow", is_flag=True, help="A job over files: wait for more files, for ever.")
@click.option(
    "--no-probe", is_flag=True, help="Do not ask the workers first what Python they have."
)
@click.option(
    "--check-pending",
    is_flag=True,
    help="Start and stop nothing: tell which unfinished runs of --replace's job, or of the "
    "savepoint, do not fit the new code.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask, with --replace.")
@click.option("--dry-run", is_flag=True, help="Check all, and change nothing on the cluster.")
@click.option(
    "--signed-by",
    "keys",
    multiple=True,
    metavar="sha256:...",
    help="The fingerprint of a key that has to have signed it. Default: the project's.",
)
@cluster_options
def command(path: Path, asked: Asked, **typed: Any) -> None:
    """Run a job's zip on a Flink cluster, and watch it.

    First the zip is verified, and the cluster asked: its Flink, its workers' Python and platform,
    free slots, the secrets that the job names. Then it is uploaded and started. With --replace a
    job that runs is stopped with a savepoint, the new one goes on from it, and if that fails
    before its first checkpoint, the old one is started again; what is not said is as it was for
    the old one, if that was submitted from here. Ctrl-C ends the watching, not the
    job.

    With --check-pending a small job in one slot reads the savepoint (of --replace's job, one that
    is made for it) with the new code, and says which unfinished runs do not fit; it makes no call.
    """
    import shutil
    import tempfile

    from headrace_registry.bundle.verifying import VerificationError

    wish = _wish(typed)
    with tempfile.TemporaryDirectory(prefix="agents-submit-") as scratch:
        # What is checked is what is uploaded, also if the zip is built anew meanwhile.
        held = Path(scratch) / path.name
        shutil.copyfile(path, held)
        try:
            _run(held, wish, asked, typed)
        except VerificationError as error:
            raise CommandError(str(error).replace(str(held), str(path))) from None


def _run(path: Path, wish: Wish, asked: Asked, typed: dict[str, Any]) -> None:
    home = _verified(path, keys_for(typed["keys"], "--signed-by"))
    with opened(asked) as rest:
        if typed["check_pending"]:
            _pending(rest, path, home, wish, typed, asked)
            return
        if typed["dry_run"]:
            _checked(rest, path, home, wish, typed, asked)
            return
        if typed["replace"] is not None:
            submission = _replaced(rest, path, home, wish, typed, asked)
        else:
            submission = _submitted(rest, path, home, wish, typed)
        if not asked.as_json:
            click.echo(f"{submission.name}: {submission.job}")
            click.echo(submission.url)
        state = None if typed["detach"] else _watched(rest, submission, quiet=asked.as_json)
        if asked.as_json:
            print_json(
                {
                    "job": submission.job,
                    "name": submission.name,
                    "url": submission.url,
                    "state": None if state is None else state.state,
                }
            )
    if state is not None and state.state != "FINISHED":
        raise CommandError(
            f"the job is {state.state}",
            why=state.failure.summary if state.failure is not None else "",
            then=f"agents jobs exceptions {submission.job[:8]}",
        )


def _verified(path: Path, keys: tuple[str, ...] = ()) -> Path:
    """Where a zip is unpacked that was verified, and is sent."""
    from headrace_registry.bundle.opening import open_zip

    with progress("verifying") as moved:
        return open_zip(path, keys=keys, travels=True, progress=moved)


def _wish(typed: dict[str, Any]) -> Wish:
    from headrace.jobs.manifest import FilesIO
    from headrace_cli._settings import pairs, split_settings
    from headrace_registry.clusters._submitting import Wish

    if typed["replace"] is not None and typed["savepoint"] is not None:
        raise WrongUseError("--replace makes a savepoint itself: leave out --savepoint")
    if typed["no_rollback"] and typed["replace"] is None:
        raise WrongUseError("--no-rollback is for --replace")
    if typed["check_pending"] and typed["replace"] is None and typed["savepoint"] is None:
        raise WrongUseError(
            "--check-pending looks through the unfinished runs of a job or of a savepoint",
            then="--replace JOB, or --savepoint PATH",
        )
    said = {
        name: _address(typed[name])
        for name in ("input", "output", "dead_letters", "approvals")
        if typed[name] is not None
    }
    if typed["key"] is not None:
        said["key"] = typed["key"]
    ours, options = split_settings(pairs(typed["settings"], "--set"), "flink")
    return Wish(
        name=typed["name"],
        parallelism=typed["parallelism"],
        savepoint=typed["savepoint"],
        allow_lost_state=typed["allow_lost_state"],
        settings=options,
        typed=ours,
        files=FilesIO(**said) if said else None,
        follow=typed["follow"],
    )


def _address(text: str) -> str:
    """A path of this machine as an address: the workers' working folder is another one."""
    return text if "://" in text else Path(text).absolute().as_uri()


def _submitted(
    rest: FlinkRest, path: Path, home: Path, wish: Wish, typed: dict[str, Any]
) -> Submission:
    from headrace.jobs.manifest import job_digest
    from headrace_registry.clusters._replacing import remember
    from headrace_registry.clusters._submitting import submit

    with progress("uploading") as moved:
        done = submit(
            rest, path, home, wish, probe=not typed["no_probe"], tell=_tell, progress=moved
        )
    remember(done.job, path, job_digest(home), wish)
    return done


def _pending(
    rest: FlinkRest, path: Path, home: Path, wish: Wish, typed: dict[str, Any], asked: Asked
) -> None:
    """Says which unfinished runs do not fit."""
    from headrace_cli._pending import tell_pending
    from headrace_registry.clusters._pending import unfinished_runs
    from headrace_registry.clusters._replacing import as_before

    old = None if typed["replace"] is None else job_of(rest, typed["replace"])
    if old is not None:
        running(old)
        wish = as_before(wish, old.id)
    with progress("uploading") as moved:
        found = unfinished_runs(
            rest,
            path,
            home,
            wish,
            old=old,
            probe=not typed["no_probe"],
            tell=_tell,
            progress=moved,
        )
    tell_pending(found, as_json=asked.as_json)


def _checked(
    rest: FlinkRest, path: Path, home: Path, wish: Wish, typed: dict[str, Any], asked: Asked
) -> None:
    """Says what would be done."""
    import tempfile

    from headrace.jobs.manifest import read_manifest
    from headrace_registry.clusters._replacing import as_before, check_fit
    from headrace_registry.clusters._submitting import prepare

    old = None if typed["replace"] is None else job_of(rest, typed["replace"])
    if old is not None:
        check_fit(rest, old, read_manifest(home))
        wish = as_before(wish, old.id)
    freed = 0 if old is None else rest.job(old.id).slots
    with (
        tempfile.TemporaryDirectory(prefix="agents-submit-") as scratch,
        prepare(
            rest,
            path,
            home,
            wish,
            Path(scratch),
            freed=freed,
            probe=not typed["no_probe"],
            tell=_tell,
        ) as found,
    ):
        graph = found.graph
    if asked.as_json:
        print_json({"name": graph.name, "slots": graph.parallelism, "dry_run": True})
        return
    instead = "" if old is None else f" in the place of {old.name} ({old.id[:8]})"
    click.echo(f"would run {graph.name} at {rest.url} in {graph.parallelism} slots{instead}")


def _replaced(
    rest: FlinkRest, path: Path, home: Path, wish: Wish, typed: dict[str, Any], asked: Asked
) -> Submission:
    from headrace.jobs.manifest import job_digest
    from headrace_registry.clusters._replacing import as_before, remember, replace_job

    old = job_of(rest, typed["replace"])
    wish = as_before(wish, old.id)
    if old.is_over:
        raise CommandError(
            f"{old.name} ({old.id[:8]}) does not run: it is {old.state}",
            then="agents submit without --replace; --savepoint PATH to go on from its state",
        )
    confirmed(f"Stop {old.name} ({old.id[:8]}) and put {path.name} in its place?", yes=typed["yes"])
    with progress("uploading") as moved:
        done = replace_job(
            rest,
            old,
            path,
            home,
            wish,
            open_zip=_verified,
            rollback=not typed["no_rollback"],
            probe=not typed["no_probe"],
            tell=_tell,
            progress=moved,
        )
    remember(done.submission.job, path, job_digest(home), wish)
    if not asked.as_json:
        click.echo(
            f"{old.name} ({old.id[:8]}) was replaced from {done.savepoint}; none of the two ran "
            f"for {done.seconds:.1f} s",
            err=True,
        )
    return done.submission


def _watched(rest: FlinkRest, submission: Submission, *, quiet: bool) -> JobState | None:
    from headrace_registry.clusters._submitting import watch_start

    def told(state: JobState) -> None:
        if not quiet:
            click.echo(f"{state.state}{f': {state.why}' if state.why else ''}", err=True)

    def failed(failure: Failure) -> None:
        from headrace_cli._commands.jobs._telling import failure_text

        if not quiet:
            click.echo(failure_text(failure), err=True)

    try:
        return watch_start(rest, submission.job, on_state=told, on_exception=failed)
    except KeyboardInterrupt:
        click.echo(
            f"not watched any more; the job runs on: agents jobs show {submission.job[:8]}",
            err=True,
        )
        return None


def _tell(line: str) -> None:
    click.echo(line, err=True)
