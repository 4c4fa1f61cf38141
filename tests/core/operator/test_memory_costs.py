"""What learning costs: told, and counted into the budget of the run that asked for it."""

from __future__ import annotations

import pytest

pytest.importorskip("headrace_mem0")

from learning_agents import Clerk, Learner

from headrace import AgentPlan
from headrace.local import IterableSource, ListSink, LocalEngine


@pytest.fixture
def run(tmp_path):
    def run(times):
        Clerk.asked = 0
        agent = Learner(folder=str(tmp_path / "memories"))
        outputs, letters = ListSink(), ListSink()
        engine = LocalEngine(AgentPlan.from_agent(agent), output=outputs, dead_letters=letters)
        engine.run(IterableSource([times]))
        return outputs.values, letters.values

    return run


def test_what_was_learned_tells_what_it_cost(run):
    assert run(1) == ([[["User likes tea"], 110]], [])


def test_a_run_that_has_used_up_its_budget_learns_no_more(run):
    outputs, [letter] = run(3)

    assert outputs == []
    assert letter["error"].startswith("BudgetExceededError: the run's models have used 220 tokens")
    assert Clerk.asked == 2
