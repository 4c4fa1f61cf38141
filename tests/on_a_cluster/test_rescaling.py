"""A job stopped and started again with more and with fewer subtasks: each key keeps its memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import read_lines, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.flink, pytest.mark.timeout(1200)]

KEYS = 100_000
WIDTHS = (1, 2, 1)
SOURCE = Path(__file__).with_name("sources") / "remembering.py"


def told(turn, key):
    """The number that a key is told at a turn."""
    return (turn + 1) * 1_000_003 + key


class Story:
    """What happened, turn by turn: in each, every key is told a number, and the job is stopped."""

    def __init__(self, site, zips, folder):
        self.folder = folder
        (folder / "in").mkdir()
        zip_ = zips.build(SOURCE.read_text(), "jobs:Remembering")
        files = ["--input", folder / "in", "--output", folder / "out", "--key", "key", "--follow"]
        self.widths = []
        self.savepoints = []
        for turn, width in enumerate(WIDTHS):
            self.feed(turn)
            from_here = ["--savepoint", self.savepoints[-1]] if self.savepoints else []
            wish = ["--parallelism", width, "--set", "execution.checkpointing.interval=1s"]
            with site.running(zip_, *wish, *files, *from_here) as job:
                self.until(turn)
                self.widths.append({one.parallelism for one in site.rest.job(job).vertices})
                stopped = site.agents("jobs", "stop", job, "--savepoint", "-y", "--json")
                self.savepoints.append(json.loads(stopped.stdout)["savepoint"])
        self.found = {(one["count"], one["key"]): one["total"] for one in self.outputs()}

    def feed(self, turn):
        """Two files a turn: each subtask has one to read."""
        for part in range(2):
            lines = (
                json.dumps({"key": f"key {key}", "number": told(turn, key)})
                for key in range(part, KEYS, 2)
            )
            beside = self.folder / f".{turn}-{part}"
            beside.write_text("\n".join(lines) + "\n")
            beside.rename(self.folder / "in" / f"{turn}-{part}.jsonl")

    def outputs(self):
        return [json.loads(line) for line in read_lines(self.folder / "out")]

    def until(self, turn):
        """Waits until there are as many outputs as inputs; a committed part never changes."""
        lines = {}

        def enough():
            for path in self.folder.glob("out/*/part-*"):
                if path not in lines:
                    lines[path] = path.read_bytes().count(b"\n")
            return sum(lines.values()) >= KEYS * (turn + 1)

        wait_until(enough, f"every key has its output in turn {turn}", seconds=300)


@pytest.fixture(scope="module")
def story(site, zips, tmp_path_factory):
    return Story(site, zips, tmp_path_factory.mktemp("rescaling"))


def test_it_ran_in_as_many_subtasks_as_were_asked_for(story):
    assert story.widths == [{width} for width in WIDTHS]


def test_every_key_gave_one_output_a_turn(story):
    assert len(story.outputs()) == len(story.found) == KEYS * len(WIDTHS)


@pytest.mark.parametrize("turn", range(len(WIDTHS)))
def test_every_key_remembers_what_it_was_told_in_the_turns_before(story, turn):
    wanted = {
        (turn + 1, f"key {key}"): sum(told(earlier, key) for earlier in range(turn + 1))
        for key in range(KEYS)
    }
    found = {key: total for key, total in story.found.items() if key[0] == turn + 1}
    assert [key for key in wanted if found.get(key) != wanted[key]] == []
