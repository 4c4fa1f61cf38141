"""Sub-agents and the journal: what is made again after a crash or by a further attempt."""

from __future__ import annotations

import pytest
from nested_agents import TRIED, Desk, Outer, Spender

from headrace.errors import BudgetExceededError


@pytest.fixture(autouse=True)
def _anew():
    TRIED.clear()


@pytest.fixture
def crashed(bench):
    def crashed(*way):
        """The journal of a run that was under way when its worker died."""
        run = bench.until_it_stops(bench.begin(Outer(), list(way)))
        assert run.outcome is None
        TRIED.clear()
        return run.journal.stored()

    return crashed


class TestAfterACrash:
    def test_one_that_had_finished_is_not_run_again(self, bench, crashed):
        journal = crashed("count", "hang")

        bench.until_it_stops(bench.begin(Outer(), ["count", "hang"], journal))

        assert TRIED == {"hung": 1}

    def test_what_it_wrote_is_there_again(self, bench, crashed):
        journal = crashed("count", "hang")
        journal["calls"]["0.0"] = {
            name: entry for name, entry in journal["calls"]["0.0"].items() if "hang" not in name
        }
        journal["calls"] = {"0.0": journal["calls"]["0.0"]}
        run = bench.run(Outer(hang=False), ["count", "hang"], journal)

        assert run.outcome.outputs == [["count 1", "hang over"]]
        assert list(run.outcome.changes.values()) == [1]

    def test_the_finished_calls_of_one_that_had_not_ended_are_not_made_again(self, bench, crashed):
        journal = crashed("hang")

        bench.until_it_stops(bench.begin(Outer(), ["hang"], journal))

        assert TRIED == {"hung": 1}  # and not the call before it


class TestTheJournal:
    def test_of_one_that_has_finished_only_its_outcome_is_kept(self, crashed):
        calls = crashed("count", "hang")["calls"]

        assert not any("/count~" in task for task in calls)

    def test_one_that_is_under_way_has_a_branch_of_its_own(self, crashed):
        [inner] = [task for task in crashed("hang")["calls"] if "/" in task]

        assert inner.startswith("0.0/hang~")


class TestAFurtherAttempt:
    def test_finished_calls_of_a_sub_agent_that_failed_are_kept(self, bench):
        run = bench.run(Outer(), ["fail once"])

        assert run.outcome.outputs == [["failed once"]]
        assert TRIED == {"before": 1, "failed": 2}

    def test_its_own_attempts_begin_anew(self, bench):
        run = bench.run(Outer(), ["fail thrice"])

        # Two attempts of its own, in each of the two of the action that asks.
        assert (run.outcome.outputs, TRIED["thrice"]) == ([["4"]], 4)


class TestBudgets:
    def test_that_of_the_run_counts_for_its_sub_agents_too(self, bench):
        run = bench.run(Spender(), "x")

        error = run.outcome.error.__cause__
        assert isinstance(error, BudgetExceededError)
        assert "the run's models have used 3 calls of 3" in str(error)


class TestRecords:
    @pytest.fixture
    def records(self, bench):
        bench.run(Desk(), {"case": "nested"})
        return bench.records

    def test_a_sub_agent_has_a_branch_that_leads_back_to_who_asked(self, records):
        started = {one.name: one for one in records if (one.kind, one.what) == ("agent", "started")}
        actions = {one.name: one for one in records if one.kind == "action"}

        assert started["researcher"].cause == actions["serve"].id
        assert actions["researcher.research"].cause == started["researcher"].id
        assert started["researcher.reader"].cause == actions["researcher.research"].id
        assert actions["researcher.reader.read"].cause == started["researcher.reader"].id

    def test_its_end_is_told(self, records):
        ended = [one.name for one in records if (one.kind, one.what) == ("agent", "finished")]

        assert ended == ["researcher.reader", "researcher"]

    def test_a_failure_is_told_with_its_reason(self, bench):
        bench.run(Desk(), {"case": "failure"})

        failed = [one for one in bench.records if (one.kind, one.what) == ("agent", "failed")]
        assert failed[0].error == "ValueError: it burns"
