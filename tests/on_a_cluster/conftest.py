"""Clusters whose workers' Python has no packages, and small jobs' zips for them."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from headrace_registry.clusters import (
    ENDED,
    ClusterError,
    ClusterSpec,
    FlinkRest,
    start_cluster,
    wait_for_end,
)

from ..clusters import own_name, wait_until  # noqa: TID252 - tests are no package
from ..jobs import ENGINE  # noqa: TID252

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from headrace_registry.clusters import LocalCluster

    from ..jobs import Kit  # noqa: TID252

__all__ = [
    "SOURCES",
    "Site",
    "Zips",
    "local_path",
    "opened",
    "own_name",
    "read_lines",
    "wait_until",
]

SOURCES = Path(__file__).parent / "sources"
"""Modules with jobs; their text is what ``Zips.build`` takes."""


class Zips:
    """Builds small jobs' zips, each source once.

    Args:
        kit: Where the packages come from.
        folder: Where the projects are.
    """

    def __init__(self, kit: Kit, folder: Path) -> None:
        self.kit = kit
        self.folder = folder
        self._made: dict[tuple[Any, ...], Path] = {}

    def build(
        self,
        source: str,
        target: str,
        *arguments: object,
        more: str = "",
        files: dict[str, str] | None = None,
        requires: tuple[str, ...] = (),
    ) -> Path:
        """The zip of a job.

        Args:
            source: The text of its module, ``jobs.py``.
            target: What in it is built, such as ``jobs:echo``.
            arguments: Options for ``agents build``.
            more: Lines for the end of its pyproject.toml.
            files: Other files of the project, by path.
            requires: What else the project requires.
        """
        asked = (source, target, arguments, more, requires, tuple(sorted((files or {}).items())))
        if asked not in self._made:
            project = self.kit.project(
                self.folder / f"job-{len(self._made) + 1}",
                files={"jobs.py": source, **(files or {})},
                dependencies=(*ENGINE, *requires),
                more=more,
            )
            self._made[asked] = self.kit.build(project, target, *arguments)
        return self._made[asked]


class Site:
    """A cluster as its users see it: the command line, the REST API, its folder.

    Args:
        kit: Gives the command line's variables.
        cluster: Which.
        rest: Its REST API.
    """

    def __init__(self, kit: Kit, cluster: LocalCluster, rest: FlinkRest) -> None:
        self.kit = kit
        self.cluster = cluster
        self.rest = rest

    def agents(
        self, *arguments: object, check: bool = True, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``agents`` in a process of its own, asking this cluster."""
        where = ("--cluster", self.cluster.address)
        return self.kit.agents(*arguments, *where, cwd=self.kit.folder, check=check, **more)

    def submit(self, zip_: Path, *arguments: object) -> str:
        """Starts a job, and gives its id."""
        done = self.agents("submit", zip_, "--detach", "--json", *arguments)
        return str(json.loads(done.stdout)["job"])

    @contextmanager
    def running(self, zip_: Path, *arguments: object) -> Iterator[str]:
        """A job for some time; gives its id."""
        job = self.submit(zip_, *arguments)
        try:
            yield job
        finally:
            self.end(job)

    def end(self, job: str) -> None:
        """Cancels a job that is not over, and waits until it is."""
        with suppress(ClusterError):
            self.rest.cancel(job)
        wait_for_end(self.rest, job)

    def finished(self, job: str, *, seconds: float = 180.0) -> None:
        """Waits until a job has come to its end by itself."""
        state = wait_for_end(self.rest, job, timeout=seconds)
        entries = self.rest.exceptions(job).entries if state != "FINISHED" else ()
        assert state == "FINISHED", [one.stacktrace for one in entries][:1]

    def names(self) -> set[str]:
        """The names of all jobs that the cluster knows of."""
        return {one.name for one in self.rest.jobs()}

    def alive(self) -> set[str]:
        """The ids of the jobs that are not over."""
        return {one.id for one in self.rest.jobs() if one.state not in ENDED}

    def all_free(self) -> None:
        """Waits for all slots: Flink spreads a job over TaskManagers that are equally free."""
        wait_until(lambda: self.free_slots() == self.rest.overview().slots_total, "all slots free")

    def free_slots(self) -> int:
        """The slots that no job has."""
        return int(self.rest.overview().slots_available)


def read_lines(folder: Path) -> list[str]:
    """The committed lines of a file sink's folder: its hidden files are not yet, or never, part."""
    lines: list[str] = []
    for path in sorted(folder.rglob("*")):
        shown = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "_")) for part in shown):
            with suppress(FileNotFoundError):  # committed this moment: seen the next time
                lines += path.read_text(encoding="utf-8").splitlines()
    return lines


def local_path(uri: str) -> Path:
    """The path of a file's address."""
    return Path(unquote(urlsplit(uri).path))


@contextmanager
def opened(kit: Kit, spec: ClusterSpec) -> Iterator[Site]:
    """A cluster for some time."""
    cluster = start_cluster(spec, cache=kit.cache)
    try:
        with FlinkRest(cluster.address) as rest:
            yield Site(kit, cluster, rest)
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def site(kit: Kit, cluster: LocalCluster) -> Iterator[Site]:
    """The cluster that all tests share; leave it as it was."""
    with FlinkRest(cluster.address) as rest:
        yield Site(kit, cluster, rest)


@pytest.fixture(scope="session")
def zips(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Zips:
    """Builds small jobs' zips."""
    return Zips(kit, tmp_path_factory.mktemp("jobs"))


@pytest.fixture
def unchanged(site: Site) -> Callable[[], None]:
    """Fails, when it is called, unless the cluster runs the same jobs as at the test's start."""
    before = (site.alive(), site.free_slots())

    def check() -> None:
        wait_until(
            lambda: (site.alive(), site.free_slots()) == before,
            "the cluster is as it was: the same jobs, as many free slots",
            seconds=20,
        )

    return check
