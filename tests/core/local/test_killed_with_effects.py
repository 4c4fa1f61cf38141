"""``kill -9`` at any moment of a job with effects: none lost, none of a run that was undone."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, str(Path(__file__).parents[1] / "workers" / "held_job.py")]
INPUTS = 800
KEYS = 15
KILLS = 8


class Story:
    """A job that was killed several times, and what it did."""

    def __init__(self, folder, seed):
        draw = random.Random(seed)
        self.inputs = [{"key": f"k{draw.randrange(KEYS)}", "n": n} for n in range(INPUTS)]
        text = "".join(json.dumps(value) + "\n" for value in self.inputs)
        (folder / "input.jsonl").write_text(text)
        self.killed = sum(self.until_killed(folder, draw.randrange(1, 200)) for _ in range(KILLS))
        done = subprocess.run(
            [*PROGRAM, str(folder)], check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        outputs = (folder / "output.jsonl").read_text().splitlines()
        self.outputs = [json.loads(line) for line in outputs]
        lines = (folder / "ledger").read_text().splitlines()
        self.done = [line.split(" ") for line in lines]

    @staticmethod
    def until_killed(folder, lines):
        """Kills it after a number of things that it told."""
        with subprocess.Popen([*PROGRAM, str(folder)], stdout=subprocess.PIPE) as process:
            for _ in range(lines):
                if not process.stdout.readline():
                    break
            process.kill()
        return process.returncode == -9

    @property
    def names(self):
        """The effects, each where it was done first."""
        return list(dict.fromkeys(name for name, _, _ in self.done))


@pytest.fixture(scope="module", params=[1, 2])
def story(request, tmp_path_factory):
    return Story(tmp_path_factory.mktemp("held"), request.param)


def test_it_was_killed_in_the_middle(story):
    assert story.killed == KILLS


def test_each_effect_is_done(story):
    assert sorted(story.names) == sorted(f"{n}-{i}" for n in range(INPUTS) for i in range(2))


def test_no_effect_is_done_of_a_run_that_was_undone(story):
    tokens = {f"{one['n']}": one["token"] for one in story.outputs}

    assert [name for name, token, _ in story.done if tokens[name.split("-")[0]] != token] == []


def test_an_effect_that_is_done_again_has_its_idempotency_key(story):
    keys = defaultdict(set)
    for name, _, key in story.done:
        keys[name].add(key)

    assert {name for name, some in keys.items() if len(some) > 1} == set()


def test_no_two_effects_have_one_idempotency_key(story):
    assert len({key for _, _, key in story.done}) == 2 * INPUTS


def test_effects_of_a_key_are_done_in_order(story):
    wanted, found = defaultdict(list), defaultdict(list)
    keys = {f"{one['n']}": one["key"] for one in story.inputs}
    for one in story.inputs:
        wanted[one["key"]] += [f"{one['n']}-0", f"{one['n']}-1"]
    for name in story.names:
        found[keys[name.split("-")[0]]].append(name)

    assert found == wanted


def test_outputs_are_not_doubled_by_it(story):
    assert sorted(one["n"] for one in story.outputs) == list(range(INPUTS))
