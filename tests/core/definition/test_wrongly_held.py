"""Effects that nobody could do are seen in the source of actions and tools."""

from __future__ import annotations

import pytest
from wrongly_held_agents import Right, Wrong

from headrace import AgentPlan, PlanError


@pytest.fixture(scope="module")
def told():
    with pytest.raises(PlanError) as caught:
        AgentPlan.from_agent(Wrong())
    return {fault.where.partition(" ")[0]: fault for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("where", "words", "hint"),
    [
        ("awaits", "ctx.after_commit(...) is awaited", "write: ctx.after_commit(...)"),
        ("gives_lambda", "is given a lambda", "as a def at the top of a module"),
        ("gives_closure", "is given send, which is defined inside the action", "as a method of"),
        ("calls", "is given what a call returns", "ctx.after_commit(f, x)"),
        ("gives_context", "is given ctx, which is over", "the data that it needs"),
        ("gives_nothing", "is given no function", "ctx.after_commit(function, argument)"),
        ("sends", "is given a lambda", "as a def at the top of a module"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(told, where, words, hint):
    assert words in told[where].message
    assert hint in told[where].hint


def test_the_line_is_told(told):
    assert told["awaits"].message.startswith("line ")


def test_nothing_is_told_of_an_agent_that_asks_as_it_should():
    assert "asks" in AgentPlan.from_agent(Right()).actions
