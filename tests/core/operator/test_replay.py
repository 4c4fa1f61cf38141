"""Law 5: a run that is done again after a crash takes the way of its journal."""

from __future__ import annotations

import pytest
from unit_agents import CALLS, Steps

from headrace import AgentPlan, NonDeterminismError, NonRetryableError
from headrace.operator import Journal


@pytest.fixture(autouse=True)
def _anew():
    CALLS.clear()


@pytest.fixture
def crashed(bench):
    def crashed(way):
        """The journal of a run that was under way when its worker died."""
        run = bench.until_it_stops(bench.begin(Steps(way=way)))
        assert run.outcome is None
        CALLS.clear()
        return run.journal.stored()

    return crashed


def begun(way):
    """The journal of a run whose worker died inside its one call."""
    import asyncio

    from headrace.operator import Operator, RunInput

    loop = asyncio.new_event_loop()
    operator = Operator(AgentPlan.from_agent(Steps(way=way)), loop, on_done=lambda _run: None)
    run = operator.begin(RunInput("key", "skey", None, 0), {}, None)
    stored = run.journal.stored()
    loop.run_until_complete(operator.close())
    loop.close()
    CALLS.clear()
    return stored


def cause(run):
    return run.outcome.error.__cause__


def test_finished_calls_are_not_made_again(bench, crashed):
    bench.run(Steps(way="call:a call:b"), journal=crashed("call:a stop"))

    assert CALLS == ["b"]


def test_finished_calls_return_what_was_recorded(bench, crashed):
    run = bench.run(Steps(way="call:a call:b"), journal=crashed("call:a stop"))

    assert run.outcome.outputs == [["a", "b"]]


def test_a_call_that_was_begun_is_made_again_where_that_is_allowed(bench):
    bench.run(Steps(way="call:a"), journal=begun("call:a"))

    assert CALLS == ["a"]


def test_a_call_that_was_begun_goes_to_its_reconciler(bench):
    run = bench.run(Steps(way="reconcile:a"), journal=begun("reconcile:a"))

    assert (run.outcome.outputs, CALLS) == ([["reconciled a"]], [])


def test_a_call_that_was_begun_and_must_not_be_made_twice_fails(bench):
    run = bench.run(Steps(way="once:a"), journal=begun("once:a"))

    assert isinstance(cause(run), NonRetryableError)
    assert "if_unknown='fail'" in str(cause(run))


def test_another_call_than_the_recorded_one_is_found(bench, crashed):
    run = bench.run(Steps(way="call:b"), journal=crashed("call:a stop"))

    assert isinstance(cause(run), NonDeterminismError)


def test_the_two_calls_are_named(bench, crashed):
    run = bench.run(Steps(way="call:b"), journal=crashed("tool:a stop"))

    assert "recorded is a call of tool:outer" in str(cause(run))
    assert "it calls unit_agents:called with [['b'], {}]" in str(cause(run))


def test_an_end_without_the_recorded_call_is_found(bench, crashed):
    run = bench.run(Steps(way=""), journal=crashed("call:a stop"))

    assert "ended without the call of unit_agents:called" in str(cause(run))


def test_calls_that_a_finished_tool_made_are_not_missed(bench, crashed):
    run = bench.run(Steps(way="tool:a call:b"), journal=crashed("tool:a stop"))

    assert run.outcome.outputs == [["a", "b"]]


def test_a_call_that_a_tool_made_before_the_crash_is_not_made_again(bench):
    stored = {
        "attempts": {},
        "calls": {},
    }
    run = bench.until_it_stops(bench.begin(Steps(way="tool:a stop")))
    identities = run.journal.stored()["calls"]["0.0"]
    [(outer, entry)] = identities.items()
    inner = bench.until_it_stops(bench.begin(Steps(way="call:a stop"))).journal.stored()
    stored["calls"]["0.0"] = {outer: [entry[0], 1, "started", None], **inner["calls"]["0.0"]}
    CALLS.clear()

    done = bench.run(Steps(way="tool:a"), journal=stored)

    assert (done.outcome.outputs, CALLS) == ([["a"]], [])


def test_the_run_has_the_same_name(bench, crashed):
    first = bench.until_it_stops(bench.begin(Steps(way="call:a stop"), {"some": "input"}))
    again = bench.run(Steps(way="call:a"), {"some": "input"}, first.journal.stored())

    assert again.id == first.id


def test_a_journal_without_calls_and_attempts_is_stored_as_nothing():
    assert Journal().stored() is None


def test_a_journal_goes_on_with_the_attempt_that_it_was_at():
    journal = Journal()
    journal.begin_attempt("0.0", 3)

    assert Journal(journal.stored()).attempt("0.0") == 3


class TestAnotherPathThatMayBeGone:
    """The setting ``journal_errors`` is ``rerun``."""

    @pytest.fixture
    def going(self):
        def going(way):
            plan = AgentPlan.from_agent(Steps(way=way))
            config = plan.config.model_copy(update={"journal_errors": "rerun"})
            return plan.model_copy(update={"config": config})

        return going

    @pytest.fixture
    def went(self, bench, crashed, going):
        """The journal of a run that went another path and was under way when its worker died."""
        journal = crashed("call:a call:b stop")
        run = bench.until_it_stops(bench.begin(going("call:b call:c stop"), journal=journal))
        assert (run.outcome, CALLS) == (None, ["c"])
        return run.journal.stored()

    def test_a_crash_on_the_new_path_repeats_nothing_of_it(self, bench, went):
        run = bench.run(Steps(way="call:b call:c"), journal=went)

        assert (run.outcome.outputs, CALLS) == ([["b", "c"]], ["c"])

    def test_the_new_path_is_checked_as_any(self, bench, went):
        run = bench.run(Steps(way="call:b call:d"), journal=went)

        assert isinstance(cause(run), NonDeterminismError)

    def test_it_may_be_left_for_a_third_one(self, bench, going, went):
        run = bench.run(going("call:d call:a"), journal=went)

        assert (run.outcome.outputs, CALLS) == ([["d", "a"]], ["c", "d"])

    def test_the_log_of_an_action_store_tells_the_same(self, crashed):
        journal = Journal(crashed("call:a call:b stop"))
        log = [journal.taken()]
        journal.loosen()
        log.append(journal.taken())
        again = Journal()
        for changes in log:
            again.take(changes)

        assert again.stored()["calls"] == journal.stored()["calls"]
