"""`agents run --check-pending`: which unfinished runs do not fit the code any more."""

from __future__ import annotations

import json

import pytest

CODE = """
from headrace import Agent, Context, InputEvent, OutputEvent, action


async def effect(name):
    print("made", name)
    return name


class Desk(Agent):
    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        for name in {names!r}:
            await ctx.call(effect, name)
        if {fails}:
            raise ValueError("it fails here")
        ctx.send(OutputEvent(output=event.input))
"""


@pytest.fixture
def desk(place):
    """Writes the agent's code; a run of the first is under way in the state file."""

    def desk(names, *, fails=False):
        (place.folder / "desk.py").write_text(CODE.format(names=names, fails=fails))

    desk("ab", fails=True)
    first = place.process("run", "desk.py:Desk", "--state", "state.db", input="1\n")
    assert "it fails here" in first.stderr
    return desk


def check(place, *more):
    return place.process("run", "desk.py:Desk", "--state", "state.db", "--check-pending", *more)


def test_code_that_fits_is_fine(place, desk):
    desk("abc")
    result = check(place)

    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "unfinished runs: 1; that do not fit: 0\n"


def test_code_that_takes_another_path_is_told_and_nothing_is_done(place, desk):
    desk("bc")
    result = check(place)

    assert (result.returncode, result.stdout) == (1, "")
    assert "recorded is a call of desk:effect" in result.stderr
    assert "--set journal_errors=rerun" in result.stderr


def test_the_same_as_json(place, desk):
    desk("bc")
    [run] = json.loads(check(place, "--json").stdout)

    assert (run["key"], run["input"], "another path" in run["misfit"]) == (1, 1, True)


def test_then_the_run_may_be_told_to_go_the_new_path(place, desk):
    desk("bc")
    result = place.process(
        "run", "desk.py:Desk", "--state", "state.db", "--set", "journal_errors=rerun", input=""
    )

    assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--check-pending"], "--check-pending needs the state file"),
        (["--check-pending", "--engine", "flink"], "Flink's savepoints are read by Flink alone"),
        (["--check-pending", "--state", "none.db"], "there is no state file"),
    ],
)
def test_what_cannot_be_checked_is_said(place, desk, more, told):
    result = place.process("run", "desk.py:Desk", *more)

    assert result.returncode != 0
    assert told in result.stderr
