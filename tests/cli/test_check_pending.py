"""`--check-pending`: which unfinished runs do not fit the code any more.

Of a job on a cluster: `tests/on_a_cluster/test_pending.py`.
"""

from __future__ import annotations

import json

import pytest

from headrace.jobs.pending import PendingRuns, UnfitRun
from headrace_cli._errors import CommandError
from headrace_cli._pending import tell_pending

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


def test_of_a_savepoint_the_agent_is_named_where_there_are_several(capsys):
    unfit = UnfitRun("Desk", '"a"', "r-1", "another path")
    with pytest.raises(CommandError, match="1 of 4 unfinished runs do not fit the code"):
        tell_pending(PendingRuns(4, 1, (unfit,), {"Desk": 1, "Mail": 2}), as_json=False)

    assert capsys.readouterr().err.splitlines() == [
        'Desk: "a" (run r-1): another path',
        "unfinished runs: 4; that do not fit: 1",
    ]


def test_of_a_savepoint_with_very_many_it_is_said_how_many_are_not_shown(capsys):
    unfit = UnfitRun("Desk", '"a"', "r-1", "another path")
    with pytest.raises(CommandError):
        tell_pending(PendingRuns(9, 7, (unfit,), {"Desk": 1}), as_json=False)

    assert "... and 6 more" in capsys.readouterr().err.splitlines()


def test_an_agent_of_which_a_savepoint_has_nothing_is_told(capsys):
    tell_pending(PendingRuns(0, 0, (), {"Desk": 0}), as_json=False)

    assert "Desk has no state in the savepoint" in capsys.readouterr().err
