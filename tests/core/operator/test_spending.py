"""What a run's models have cost: counted when it is spent, and once."""

from __future__ import annotations

import pytest
from spending_agents import Formal, Stumbling


@pytest.fixture
def spent(bench):
    def spent(**value):
        run = bench.run(Stumbling(), value)
        return run.journal.spent.calls, run.journal.spent.usage.tokens

    return spent


def test_each_answer_counts(spent):
    assert spent(calls=2, fails=0) == (2, 6)


def test_an_answer_that_a_further_attempt_takes_again_counts_once(spent):
    assert spent(calls=1, fails=3) == (1, 3)


def test_a_request_that_was_refused_does_not_count(spent):
    assert spent(calls=5, fails=0) == (2, 6)


def test_a_run_that_is_run_again_goes_on_from_what_was_spent(bench):
    first = bench.run(Stumbling(), {"calls": 2, "fails": 0})
    again = bench.run(Stumbling(), {"calls": 3, "fails": 0}, first.journal.stored())

    assert again.outcome.outputs == [1]


def test_a_further_attempt_asks_anew_where_an_answer_did_not_keep_to_its_form(bench):
    run = bench.run(Formal(), None)

    # Two wrong answers of the first attempt, and the right one of the second.
    assert (run.outcome.outputs, run.journal.spent.calls) == ([{"n": 3}], 3)
