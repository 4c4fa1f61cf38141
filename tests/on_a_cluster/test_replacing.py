"""A job replaced in the middle of a stream by other versions: fitting, unfitting and failing ones.

One stream for all of it: first come two versions that cannot read the state, then one that fails
at its start, then a good one, which brings the stream to its end.
"""

from __future__ import annotations

import json

import pytest

from headrace_registry.clusters import find_job

from .conftest import wait_until
from .numbered import OPTIONS, Numbered

pytestmark = [pytest.mark.slow, pytest.mark.flink, pytest.mark.timeout(900)]

NUMBERS = 12_000


class Story:
    """What happened."""

    def __init__(self, site, zips, folder):
        self.site = site
        # It lasts until it is told to hurry, on slow machines too.
        self.stream = Numbered(folder, zips, numbers=NUMBERS, pause=0.02, later=0.2)
        versions = {
            "other shards": {"shards": 16},
            "another agent": {"agent": "Counters"},
            "broken": {"broken": True},
            "v2": {},
        }
        zips_ = {name: self.stream.build(name, **how) for name, how in versions.items()}
        self.ids = []
        self.done = {}
        self.after = {}
        with site.running(self.stream.build("v1"), "--parallelism", 2, *OPTIONS) as job:
            self.ids.append(job)
            for name, zip_ in zips_.items():
                self.more()
                self.done[name] = site.agents(
                    *("submit", zip_, "--replace", "numbers", "-y", "--detach", "--json"),
                    *("--parallelism", 2, *OPTIONS),
                    check=False,
                )
                self.after[name] = self.running()
            self.stream.hurry()
            self.last = self.after["v2"][0]
            try:
                site.finished(self.last)
            finally:
                site.end(self.last)
        self.outputs = self.stream.outputs()

    def more(self):
        """Waits until the job that runs has committed something more."""
        before = self.stream.progress()
        wait_until(lambda: self.stream.progress() > before, "more outputs", seconds=180)

    def running(self):
        """The jobs that run."""
        return [one.id for one in self.site.rest.jobs() if not one.is_over]


@pytest.fixture(scope="module")
def story(site, zips, tmp_path_factory):
    return Story(site, zips, tmp_path_factory.mktemp("replacing"))


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("other shards", "Numbers has 16 shards, and its state 32"),
        ("another agent", "the new job has no agent Numbers"),
    ],
)
def test_a_version_that_cannot_read_the_state_is_refused_and_the_old_one_was_never_stopped(
    story, version, why
):
    done = story.done[version]
    assert done.returncode == 1
    assert why in done.stderr
    assert story.after[version] == story.ids


def test_a_version_that_fails_at_its_start_is_rolled_back(story):
    done = story.done["broken"]
    assert done.returncode == 1
    assert "this version never works" in done.stderr
    (again,) = story.after["broken"]
    assert again not in story.ids
    assert again in done.stderr
    assert find_job(story.site.rest.jobs(), again).name == "numbers"


def test_a_version_that_fits_takes_the_place_of_the_old_one(story):
    done = story.done["v2"]
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert story.after["v2"] == [json.loads(done.stdout)["job"]]


def test_both_versions_had_their_share_and_no_other_gave_an_output(story):
    assert {one["version"] for one in story.outputs} == {"v1", "v2"}


def test_the_stream_is_whole_in_the_end_and_memory_goes_on_from_version_to_version(story):
    assert story.stream.faults() == {}
