"""A job's zip, run on this machine: in a process that has the zip's packages, and no others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

    from headrace.jobs.manifest import JobManifest
    from headrace_cli._job import Job
    from headrace_cli._view import Shown

__all__ = ["run_zip_job", "run_zip_pipeline"]

_PRINTED = 4000


def run_zip_job(
    home: Path, manifest: JobManifest, job: Job, shown: Shown, *, display: bool, debug: bool
) -> None:
    """Runs a job over files out of an unpacked zip; counts and newest outputs go to ``shown``.

    Args:
        home: Where the zip is unpacked.
        manifest: Its manifest.
        job: What it reads and writes; its plan is the zip's.
        shown: Takes the counts.
        display: Whether outputs are shown.
        debug: Whether what Flink prints on stderr is let through.

    Raises:
        CommandError: It failed; says why, as the zip's own headrace does.
    """
    from headrace.jobs.here import RUN_VARIABLE, WATCH_VARIABLE, RunHere

    said = RunHere(
        engine=job.engine,
        input=_absolute(job.input),
        output=_absolute(job.output),
        key=job.key,
        form=job.form,
        state=_absolute(job.state),
        dead_letters=_absolute(job.dead_letters),
        approvals=_absolute(job.approvals),
        events=_absolute(job.events),
        record=_absolute(job.record),
        metrics=job.metrics,
        parallelism=job.parallelism,
        config=job.plan.config,
        values=job.plan.values or None,
        origins=job.plan.origins or None,
        options=dict(job.options),
        outputs=display,
    )
    reading, writing = os.pipe()
    environment = _environment(manifest, flink=job.engine == "flink")
    environment |= {
        RUN_VARIABLE: said.model_dump_json(exclude_none=True),
        WATCH_VARIABLE: str(writing),
    }
    with tempfile.TemporaryFile() as printed, os.fdopen(reading, encoding="ascii") as lines:
        child = subprocess.Popen(  # noqa: S603 - a verified zip's own launcher
            _command(home),
            env=environment,
            pass_fds=(writing,),
            stdin=None if job.input is None else subprocess.DEVNULL,
            stderr=None if debug or job.engine == "local" else printed,
            start_new_session=not (job.input is None and _at_terminal()),
        )
        os.close(writing)
        with _passed_on(child) as signals:
            end = _followed(lines, shown)
            code = child.wait()
        if end is None:
            if signals.received:
                raise click.Abort
            printed.seek(0)
            text = printed.read()[-_PRINTED:].decode("utf-8", "replace").strip()
            raise CommandError(f"the job's process ended with exit code {code}", why=text)
    if "error" in end:
        raise _failed(end["error"], job)
    shown.counted(SimpleNamespace(**end["done"]["counts"]))
    shown.summary.stopped = end["done"]["stopped"]


def run_zip_pipeline(home: Path, manifest: JobManifest, job: Mapping[str, Any]) -> None:
    """Runs a job with streams of its own on an embedded Flink, to its end.

    Args:
        home: Where the zip is unpacked.
        manifest: Its manifest.
        job: ``parallelism``, Flink's ``settings``, and those ``typed`` for the agents.

    Raises:
        CommandError: It failed.
    """
    from headrace.jobs.driver import Order
    from headrace_registry.clusters._compiling import check_host, driver_environment

    check_host(manifest)
    settings = {"restart-strategy.type": "disable", **job["settings"]}
    order = Order(parallelism=job["parallelism"], settings=settings, typed=job["typed"])
    environment = {**os.environ, **driver_environment(manifest, order)}
    child = subprocess.Popen(  # noqa: S603 - as above
        _command(home), env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    with _passed_on(child) as signals:
        code = child.wait()
    if code and signals.received:
        raise click.Abort
    if code:
        raise CommandError(f"the job failed: its process ended with exit code {code}")


def _command(home: Path) -> list[str]:
    from headrace.jobs.manifest import DRIVER, LAUNCHER

    return [str(home / LAUNCHER), str(home / DRIVER)]


def _environment(manifest: JobManifest, *, flink: bool) -> dict[str, str]:
    """The caller's variables, for secrets and proxies, but none that leads to his packages."""
    from headrace_registry.clusters._compiling import check_host, driver_environment

    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    found = {name: value for name, value in os.environ.items() if name not in hidden}
    if flink:
        from headrace.jobs.driver import Order

        check_host(manifest)
        return {**found, **driver_environment(manifest, Order())}
    if f"{sys.version_info.major}.{sys.version_info.minor}" == manifest.python:
        found["HEADRACE_PYTHON"] = sys.executable
    return found


def _at_terminal() -> bool:
    """Whether inputs are typed: then the job has to stay in the terminal's foreground to read."""
    return sys.stdin is not None and sys.stdin.isatty()


class _passed_on:  # noqa: N801 - used as a function is
    """While a child runs, signals are its to handle: it may finish what is under way."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.received = False
        self._child = child
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            self._before[number] = signal.signal(number, self._pass)
        return self

    def _pass(self, number: int, _frame: object) -> None:
        self.received = True
        with suppress(ProcessLookupError):  # it has just ended
            # Where it shares this process's group, Ctrl-C reaches it by itself.
            if number != signal.SIGINT or os.getpgrp() != os.getpgid(self._child.pid):
                self._child.send_signal(number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _followed(lines: Any, shown: Shown) -> dict[str, Any] | None:
    """Takes what the job tells; gives the last of it."""
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:  # cut short: the process was killed
            return None
        if "counts" in told:
            shown.counted(SimpleNamespace(**told["counts"]))
        elif "outputs" in told:
            shown.sent(told["outputs"])
        elif "failed" in told:
            shown.failed(told["failed"])
        else:
            return told if isinstance(told, dict) else None
    return None


def _failed(error: Mapping[str, Any], job: Job) -> CommandError:
    if error["kind"] == "input":
        from headrace_cli._running_local import kept

        return CommandError("an input cannot be read", why=error["text"], then=kept(job))
    if error["ours"]:
        return CommandError(error["text"])
    click.echo(error["trace"], err=True)
    return CommandError(f"the job failed: {error['kind']}: {error['text']}")


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def check_zip_job(manifest: JobManifest, typed: Mapping[str, Any]) -> None:
    """Refuses what a job of its own streams cannot take.

    Raises:
        WrongUseError: It names the option.
    """
    if manifest.pipeline is None:
        return
    files = ("input", "output", "state", "dead_letters", "approvals", "events", "record")
    for name in (*files, "key", "form"):
        if typed[name] is not None:
            raise WrongUseError(
                f"--{name.replace('_', '-')} is for jobs over files; {manifest.name} has streams "
                "of its own"
            )
    if typed["engine"] == "local":
        raise WrongUseError(f"{manifest.name} has Flink's streams: it runs on --engine flink")
