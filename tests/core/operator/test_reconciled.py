"""A call that was cut off by a crash, with reconcilers of each kind, and the crash after that."""

from __future__ import annotations

import pytest
from unit_reconciled import LOOKED, MADE, Settling


@pytest.fixture
def cut_off(bench):
    """The journal of a run whose worker died inside its call."""
    stored = bench.begin(Settling(reconciler="gives")).journal.stored()
    MADE.clear()
    LOOKED.clear()
    return stored


@pytest.fixture
def settled(bench, cut_off):
    """Runs on after the crash; gives the output, or the error."""

    def settled(reconciler, journal=None, **more):
        run = bench.run(Settling(reconciler=reconciler, **more), journal=journal or cut_off)
        return run.outcome.dead_letter.error if run.outcome.dead_letter else run.outcome.outputs[0]

    return settled


@pytest.fixture
def crashed_again(bench, cut_off):
    """The journal of a worker that settled the call, and died before its run had ended."""

    def crashed_again(reconciler):
        agent = Settling(reconciler=reconciler, stays=True)
        run = bench.until_it_stops(bench.begin(agent, journal=cut_off))
        assert (run.outcome, LOOKED) == (None, ["pay"])
        return run.journal.stored()

    return crashed_again


def test_an_outcome_that_it_knows_is_the_calls(settled):
    assert (settled("gives"), MADE) == ({"found": ["pay", {"$": "tuple", "v": [1, 2]}]}, [])


def test_an_outcome_is_recorded_and_not_asked_for_again(settled, crashed_again):
    journal = crashed_again("gives")
    settled("gives", journal)

    assert (LOOKED, MADE) == (["pay"], [])


def test_a_failure_that_it_knows_is_the_calls_with_type_text_and_attributes(settled):
    assert (settled("raises"), MADE) == (["Declined", "declined: no money", 402], [])


def test_a_failure_is_recorded_and_raised_again_without_asking(settled, crashed_again):
    journal = crashed_again("raises")

    assert (settled("raises", journal), LOOKED) == (
        ["Declined", "declined: no money", 402],
        ["pay"],
    )


def test_retry_makes_the_call_once(settled):
    assert (settled("sends_again"), MADE) == ("made", ["pay"])


def test_a_call_that_was_made_after_retry_is_recorded(settled, crashed_again):
    journal = crashed_again("sends_again")

    assert (settled("sends_again", journal), LOOKED, MADE) == ("made", ["pay"], ["pay"])


def test_one_that_fails_itself_fails_the_call_which_is_not_made(settled):
    assert (settled("fails_once"), MADE) == ("ConnectionError: reset", [])


def test_one_that_fails_itself_is_asked_again_by_the_calls_policy(settled):
    assert (settled("fails_once", tries=2), LOOKED, MADE) == ("found", ["pay", "pay"], [])


def test_one_that_hangs_fails_the_call_when_its_time_is_over(settled):
    told = settled("hangs_once")

    assert (told.startswith("CallTimeoutError: the call unit_reconciled:effect took"), MADE) == (
        True, [],
    )  # fmt: skip


def test_one_that_hangs_is_asked_again_by_the_calls_policy(settled):
    assert (settled("hangs_once", tries=2), LOOKED, MADE) == ("found", ["pay", "pay"], [])


def test_an_outcome_that_cannot_be_kept_is_refused_where_it_is_given(settled):
    told = settled("gives_what_cannot_be_kept")

    assert told.startswith(
        "MemoryValueError: the result of the durable call unit_reconciled:effect cannot be recorded"
    )
    assert MADE == []
