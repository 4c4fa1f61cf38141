"""``kill -9`` at any moment, and another start: nothing lost, nothing twice, calls not repeated."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, str(Path(__file__).parents[1] / "workers" / "crash_job.py")]
INPUTS = 1500
KEYS = 30
KILLS = 8


class Story:
    """A job that was killed several times, and what it left."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.folder = folder
        self.inputs = [{"key": f"k{self.random.randrange(KEYS)}", "n": n} for n in range(INPUTS)]
        text = "".join(json.dumps(value) + "\n" for value in self.inputs)
        (folder / "input.jsonl").write_text(text)
        self.killed = sum(self.until_killed() for _ in range(KILLS))
        self.to_the_end()
        lines = (folder / "output.jsonl").read_text().splitlines()
        self.outputs = [json.loads(line) for line in lines]
        self.ledger = (folder / "ledger").read_text().splitlines()

    def start(self):
        return subprocess.Popen([*PROGRAM, str(self.folder)], stdout=subprocess.PIPE)

    def until_killed(self):
        """Kills it after a number of things that it told."""
        with self.start() as process:
            for _ in range(self.random.randrange(1, 400)):
                if not process.stdout.readline():
                    break
            process.kill()
        return process.returncode == -9

    def to_the_end(self):
        program = [*PROGRAM, str(self.folder)]
        done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=[1, 2, 3])
def story(request, tmp_path_factory):
    return Story(tmp_path_factory.mktemp("killed"), request.param)


def test_it_was_killed_in_the_middle(story):
    assert story.killed == KILLS


def test_each_input_has_its_output_once(story):
    assert sorted(each["n"] for each in story.outputs) == list(range(INPUTS))


def test_outputs_of_a_key_are_in_order(story):
    wanted, found = defaultdict(list), defaultdict(list)
    for each in story.inputs:
        wanted[each["key"]].append(each["n"])
    for each in story.outputs:
        found[each["key"]].append(each["n"])

    assert found == wanted


def test_memory_counted_every_input_once(story):
    counts = defaultdict(list)
    for each in story.outputs:
        counts[each["key"]].append(each["count"])

    assert all(found == list(range(1, len(found) + 1)) for found in counts.values())


def test_a_call_that_had_returned_to_its_action_was_never_made_again(story):
    returned, again = set(), set()
    for line in story.ledger:
        moment, _, name = line.partition(" ")
        if moment == "after":
            returned.add(name)
        elif name in returned:
            again.add(name)

    assert again == set()


def test_a_call_with_a_reconciler_took_effect_once(story):
    ends = Counter(line for line in story.ledger if line.startswith("end sure"))

    assert ends == Counter({f"end sure {n}": 1 for n in range(0, INPUTS, 4)})
