"""`agents submit --check-pending`: which unfinished runs of a running job do not fit new code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .conftest import SOURCES, local_path, read_lines, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.flink, pytest.mark.timeout(600)]

OPTIONS = ("--set", "execution.checkpointing.interval=500ms")


@dataclass
class Desk:
    """A job that runs; the runs of three of its keys are under way, each after a recorded call."""

    site: Site
    folder: Path
    old: Path
    new: Path
    job: str
    early: str
    """A savepoint from before one of them, the late one, had asked."""
    before: frozenset[str] = frozenset()
    """The savepoints from before."""

    def check(self, zip_, *more):
        """Checks a zip against what is given of the job's state."""
        return self.site.agents("submit", zip_, "--check-pending", *more, check=False)

    @property
    def asked(self):
        """The calls that were made."""
        return sorted((self.folder / "asked").read_text().splitlines())

    @property
    def savepoints(self):
        """Those that the cluster keeps."""
        [place] = {
            one
            for name, one in self.site.rest.settings().items()
            if name in {"execution.checkpointing.savepoint-dir", "state.savepoints.dir"}
        }
        return {one.name for one in local_path(place).iterdir()}


@pytest.fixture(scope="module")
def desk(site, zips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pending")
    inputs, outputs = folder / "in", folder / "out"
    inputs.mkdir()
    old, new = (
        zips.build(
            (SOURCES / "waiting.py").read_text(),
            "jobs:Desk",
            files={"place.py": f"FOLDER = {str(folder)!r}\nCHANGED = {changed}\n"},
        )
        for changed in (False, True)
    )
    told = ("--input", inputs.as_uri(), "--output", outputs.as_uri(), "--key", "k", "--follow")
    told += ("--name", "waiting-desk", *OPTIONS)
    with site.running(old, *told) as job:
        (inputs / "a.jsonl").write_text('{"k": "moved"}\n{"k": "still"}\n{"k": "late"}\n')
        for name in ("moved-for-long", "still-for-long", "late"):
            wait_until((folder / f"waits-{name}").exists, f"the run of {name}", seconds=180)
        early = site.agents("jobs", "savepoint", job).stdout.strip()
        (folder / "go-late").touch()
        wait_until((folder / "waits-late-for-long").exists, "the late one has asked", seconds=180)
        # When an output is committed that came after them, so are they.
        (inputs / "b.jsonl").write_text('{"k": "free"}\n')
        wait_until(lambda: read_lines(outputs) == ['"free"'], "the output", seconds=180)
        yield Desk(site, folder, old, new, job, early)
        (folder / "go").touch()


@pytest.fixture(scope="module")
def changed(desk):
    """What was said of code that takes another path for one of the keys."""
    desk.before = desk.savepoints
    return desk.check(desk.new, "--replace", desk.job)


def test_code_that_fits_is_fine(desk):
    done = desk.check(desk.old, "--replace", desk.job)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.endswith("unfinished runs: 3; that do not fit: 0\n")


def test_runs_that_would_take_another_path_are_told_by_their_keys(changed):
    assert changed.returncode == 1
    assert '"moved" (run ' in changed.stderr
    assert '"late" (run ' in changed.stderr
    assert "recorded is a call of" in changed.stderr
    assert "2 of 3 unfinished runs do not fit the code" in changed.stderr
    assert "--set journal_errors=rerun" in changed.stderr
    assert '"still" (run ' not in changed.stderr


@pytest.mark.usefixtures("changed")
def test_the_job_runs_on_no_call_is_made_and_no_savepoint_is_left(desk):
    assert desk.site.rest.state(desk.job) == "RUNNING"
    assert desk.asked == [
        "free, as before",
        "late, as before",
        "moved, as before",
        "still, as before",
    ]
    wait_until(lambda: desk.savepoints <= desk.before, "the savepoint is thrown away")


def test_a_savepoint_that_is_there_is_read_and_kept(desk):
    path = desk.site.agents("jobs", "savepoint", desk.job).stdout.strip()
    done = desk.check(desk.new, "--savepoint", path, "--json")
    told = json.loads(done.stdout)

    assert (done.returncode, told["runs"], told["unfit"]) == (1, 3, 2)
    assert {one["key"] for one in told["shown"]} == {'"late"', '"moved"'}
    assert told["shards_with_state"]["Desk"] >= 1
    assert local_path(path).is_dir()


def test_what_came_after_a_savepoint_is_read_from_the_action_store(desk):
    told = json.loads(desk.check(desk.new, "--savepoint", desk.early, "--json").stdout)

    assert '"late"' in {one["key"] for one in told["shown"]}


def test_a_savepoint_that_is_not_there_is_an_error(desk):
    done = desk.check(desk.new, "--savepoint", (desk.folder / "none").as_uri())

    assert done.returncode == 1
    assert "the unfinished runs could not be looked through" in done.stderr


def test_it_has_to_be_told_of_what(desk):
    done = desk.check(desk.new)

    assert done.returncode == 2
    assert "--replace JOB, or --savepoint PATH" in done.stderr
