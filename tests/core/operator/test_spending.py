"""What a run's models have cost: counted when it is spent, and once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from budget_agents import Spender
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


class TestMoney:
    """A request of the small model costs 0.2, and a run may cost 1."""

    def test_it_is_counted_exactly(self, bench):
        run = bench.run(Spender(), {"who": "a", "ask": ["large", "small"]})

        assert run.journal.spent.usage.cost == Decimal("0.9")

    def test_a_replay_pays_for_nothing_that_is_recorded_and_warns_of_nothing_again(
        self, bench, caplog
    ):
        asked = {"who": "a", "ask": ["small"] * 4}
        first = bench.run(Spender(), asked)
        assert [one.name for one in caplog.records] == ["headrace.budget"]
        caplog.clear()
        again = bench.run(Spender(), asked, first.journal.stored())

        assert again.outcome.outputs == first.outcome.outputs
        assert again.journal.spent.usage.cost == Decimal("0.8")
        assert caplog.records == []

    def test_a_replay_that_goes_further_goes_on_from_what_was_paid(self, bench):
        first = bench.run(Spender(), {"who": "a", "ask": ["small"] * 4})
        again = bench.run(Spender(), {"who": "a", "ask": ["small"] * 6}, first.journal.stored())

        assert str(again.outcome.error.__cause__ or again.outcome.error).startswith(
            "the run's models have used 1 EUR of 1 (the setting budget.cost): 5 calls"
        )

    def test_that_a_price_is_unknown_is_kept_with_what_was_spent(self, bench):
        first = bench.run(Spender(), {"who": "a", "ask": ["unknown"]})
        again = bench.run(Spender(), {"who": "a", "ask": ["unknown"] * 2}, first.journal.stored())

        assert "nobody knows (of Teller/unknown)" in str(
            again.outcome.error.__cause__ or again.outcome.error
        )

    def test_a_warning_can_be_left_out(self, bench, caplog, monkeypatch):
        budget = Spender.config.budget.model_copy(update={"warn": None})
        config = Spender.config.model_copy(update={"budget": budget})
        monkeypatch.setattr(Spender, "config", config)

        bench.run(Spender(), {"who": "a", "ask": ["small"] * 4})

        assert caplog.records == []
