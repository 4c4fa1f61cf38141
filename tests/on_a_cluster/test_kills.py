"""Parts killed by SIGKILL while a job runs: nothing is lost, doubled, or called for again.

One job on a cluster with high availability, and one kill of each part in the middle of it.
``benchmarks/cluster_recovery.py`` does the same for many kills.
"""

from __future__ import annotations

import random

import pytest

from headrace_registry.clusters import ClusterSpec

from .conftest import opened, own_name
from .killing import PARTS, Killer, made_again, resumed
from .numbered import OPTIONS, Numbered

pytestmark = [pytest.mark.slow, pytest.mark.flink, pytest.mark.timeout(900)]

NUMBERS = 4_500
SEED = 5


class Story:
    """What happened."""

    def __init__(self, site, zips, folder):
        self.stream = Numbered(folder, zips, numbers=NUMBERS, pause=0.004)
        with site.running(self.stream.build(), "--parallelism", 2, *OPTIONS) as job:
            killer = Killer(site, job, self.stream, SEED)
            draw = random.Random(SEED)
            for number, part in enumerate(draw.sample(PARTS, len(PARTS))):
                # In the middle of the stream, each some way after the one before.
                killer.kill(part, int(NUMBERS * (0.1 + 0.2 * number + 0.1 * draw.random())))
            self.stream.hurry()
            site.finished(job)
            # They end within seconds, and the stream's end took longer than that.
            self.orphans = killer.orphans()
        self.kills = killer.kills
        self.calls = self.stream.calls()

    def kill(self, part):
        (found,) = (one for one in self.kills if one.part == part)
        return found


@pytest.fixture(scope="module")
def story(kit, zips, tmp_path_factory):
    spec = ClusterSpec(name=own_name("kills"), taskmanagers=2, slots=1, high_availability=True)
    with opened(kit, spec) as site:
        return Story(site, zips, tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize("part", PARTS)
def test_it_was_killed_in_the_middle_of_the_stream_and_went_on_from_a_checkpoint(story, part):
    kill = story.kill(part)
    assert (0 < kill.progress < NUMBERS, kill.restored > 0) == (True, True)


def test_no_input_is_lost_none_comes_twice_and_memory_counted_each_once(story):
    assert story.stream.faults() == {}


@pytest.mark.parametrize("part", PARTS)
def test_runs_that_were_under_way_went_on_with_the_calls_they_had_made(story, part):
    assert resumed(story.calls, story.kill(part), story.kills)


def test_a_call_that_ended_before_the_last_checkpoint_is_not_made_again(story):
    assert made_again(story.calls, story.kills) == []


def test_workers_whose_taskmanager_was_killed_ended_by_themselves(story):
    assert story.orphans == []
