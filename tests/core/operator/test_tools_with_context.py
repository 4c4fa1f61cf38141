"""Tools that are given the run's context or memory: what they do, now and in a replay."""

from __future__ import annotations

import pytest
from tool_agents import CALLS, Clerk

from headrace import AgentPlan


@pytest.fixture(autouse=True)
def _anew():
    CALLS.clear()


@pytest.fixture
def crashed(bench):
    def crashed(ways):
        """The journal of a run that was under way when its worker died."""
        run = bench.until_it_stops(bench.begin(Clerk(), ways))
        assert run.outcome is None
        CALLS.clear()
        return run.journal.stored()

    return crashed


def told(name):
    tools = AgentPlan.from_agent(Clerk()).resource_providers["tools"]
    return set(tools[name].arguments["parameters"]["properties"])


class TestWhatTheModelIsTold:
    def test_a_context_is_hidden(self):
        assert told("note") == {"what"}

    def test_memory_is_hidden_whatever_the_parameters_name(self):
        assert told("count") == set()

    def test_long_term_memory_is_hidden(self):
        assert told("recall") == {"about"}


class TestWhatTheyDo:
    def test_what_a_tool_writes_is_the_actions_when_it_has_ended(self, bench):
        run = bench.run(Clerk(), ["one", "memory"])

        assert [["one"], "one"] in run.outcome.outputs

    def test_what_a_tool_writes_is_committed(self, bench):
        run = bench.run(Clerk(), ["one", "two"])

        assert list(run.outcome.changes.values()) == [["one", "two"]]

    def test_what_a_tool_sends_leaves_in_the_order_of_the_calls(self, bench):
        run = bench.run(Clerk(), ["one", "two"])

        assert run.outcome.outputs == [
            "noted one", "ONE", "noted two", "TWO", "seen one", "seen two",
        ]  # fmt: skip

    def test_a_tool_in_a_thread_is_given_memory(self, bench):
        run = bench.run(Clerk(), ["one", "two", "count"])

        assert 2 in run.outcome.outputs

    def test_a_tool_may_drop_a_name(self, bench):
        run = bench.run(Clerk(), ["one", "forget", "count"])

        assert 0 in run.outcome.outputs

    def test_tools_that_are_called_together_see_each_others_writes(self, bench):
        run = bench.run(Clerk(), ["both", "memory"])

        assert [["slow", "quick"], "quick"] in run.outcome.outputs

    def test_of_a_tool_that_failed_nothing_stays(self, bench):
        run = bench.run(Clerk(), ["bad", "memory"])

        assert run.outcome.outputs == ["this is not to be noted", [None, None]]


class TestReplays:
    def test_a_tool_that_had_ended_is_not_called_again(self, bench, crashed):
        journal = crashed(["one", "stop"])

        bench.begin(Clerk(), ["one", "stop"], journal)

        assert CALLS == []

    @pytest.mark.parametrize("ways", [["one"], ["both"], ["one", "forget", "two"], ["bad", "one"]])
    def test_a_replay_does_what_the_first_execution_did(self, bench, crashed, ways):
        journal = crashed([*ways, "stop"])
        first = bench.run(Clerk(), [*ways, "memory"]).outcome
        # The journal's run went on differently only after the calls that it holds.
        again = bench.run(Clerk(), [*ways, "memory"], journal).outcome

        assert (again.outputs, again.changes) == (first.outputs, first.changes)
