"""``agents jobs logs``: the logs of the TaskManagers that run a job."""

from __future__ import annotations

import json
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from headrace_cli._commands.jobs._asking import cluster_options, job_of, opened
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_cli._commands.jobs._asking import Asked
    from headrace_registry.clusters import FlinkRest, JobSummary, LogReader

__all__ = ["command"]

_PAUSE = 1.0  # seconds
_AFTERWARDS = 5.0  # seconds; a JobManager gives for three what it has fetched of a log


@click.command("logs")
@click.argument("job", metavar="[JOB]", required=False)
@click.option("--taskmanager", metavar="ID", help="This TaskManager's log, instead of a job's.")
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    metavar="N",
    help="Only the last N lines; 0: all.",
)
@click.option("--python", is_flag=True, help="Only what Python workers log.")
@click.option("--stdout", is_flag=True, help="What was printed, instead of the log.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the job is over.")
@cluster_options
def command(
    job: str | None,
    taskmanager: str | None,
    tail: int,
    python: bool,  # noqa: FBT001
    stdout: bool,  # noqa: FBT001
    follow: bool,  # noqa: FBT001
    asked: Asked,
) -> None:
    """Print the logs of the TaskManagers on which a JOB's subtasks run, or ran last.

    A TaskManager's log is that of all its jobs. It has the log of their Python workers too, and
    the last words of those that died.
    """
    if (job is None) == (taskmanager is None):
        raise WrongUseError("say a JOB, or --taskmanager ID", then="agents jobs list")
    with opened(asked) as rest:
        found = job_of(rest, job) if job is not None else None
        shown = _Shown(rest, found, asked, stdout=stdout, python=python)
        names = _taskmanagers(rest, found.id) if found is not None else [taskmanager or ""]
        if not names:
            click.echo("no TaskManager has run it yet", err=True)
        shown.first(names, tail, unfinished=not follow)
        if follow:
            shown.go_on()


class _Shown:
    """Logs, of which each line is printed once."""

    def __init__(
        self,
        rest: FlinkRest,
        job: JobSummary | None,
        asked: Asked,
        *,
        stdout: bool,
        python: bool,
    ) -> None:
        self._rest = rest
        self._job = job
        self._asked = asked
        self._kind = {"stdout": stdout, "python": python}
        self._readers: dict[str, LogReader] = {}
        self._gone: set[str] = set()
        self._several = False

    def first(self, names: list[str], tail: int, *, unfinished: bool) -> None:
        """Prints the end of some TaskManagers' logs."""
        from headrace_registry.clusters import LogReader, NoSuchTaskManagerError

        self._several = self._several or len(self._readers) + len(names) > 1
        for name in names:
            reader = LogReader(self._rest, name, **self._kind)
            lines = reader.lines(unfinished=unfinished)
            try:
                self._print(name, deque(lines, maxlen=tail) if tail else lines)
            except NoSuchTaskManagerError:
                if self._job is None:
                    raise
                self._is_gone(name)
            else:
                self._readers[name] = reader

    def go_on(self) -> None:
        """Prints what comes, until the job is over."""
        from headrace_registry.clusters import ClusterUnreachableError

        last_look = None
        with suppress(KeyboardInterrupt):
            while last_look is None or time.monotonic() < last_look:
                with suppress(ClusterUnreachableError):  # a JobManager that is on its way back
                    if last_look is None and self._is_over():
                        last_look = time.monotonic() + _AFTERWARDS
                    self._look_for_others()
                    self._more()
                time.sleep(_PAUSE)

    def _is_over(self) -> bool:
        from headrace_registry.clusters import ENDED

        return self._job is not None and self._rest.state(self._job.id) in ENDED

    def _look_for_others(self) -> None:
        """A job that restarts may do so on other TaskManagers."""
        if self._job is None:
            return
        known = self._readers.keys() | self._gone
        new = [one for one in _taskmanagers(self._rest, self._job.id) if one not in known]
        if new:
            self.first(new, 0, unfinished=False)

    def _more(self) -> None:
        from headrace_registry.clusters import NoSuchTaskManagerError

        for name, reader in list(self._readers.items()):
            try:
                self._print(name, reader.lines())
            except NoSuchTaskManagerError:
                if self._job is None:
                    raise
                del self._readers[name]
                self._is_gone(name)

    def _is_gone(self, name: str) -> None:
        self._gone.add(name)
        click.echo(f"TaskManager {name} is gone, and its log with it", err=True)

    def _print(self, name: str, lines: Iterable[str]) -> None:
        for line in lines:
            if self._asked.as_json:
                click.echo(json.dumps({"taskmanager": name, "line": line}, ensure_ascii=False))
            else:
                click.echo(f"[{name}] {line}" if self._several else line)


def _taskmanagers(rest: FlinkRest, job: str) -> list[str]:
    """Those of a job's subtasks, in order."""
    return sorted({one.taskmanager for one in rest.placements(job) if one.taskmanager})
