"""Actions are inherited and overridden as Python users expect."""

from __future__ import annotations

import pytest
from definition_agents import Base, Both, MarksAgain, Overrides, OverridesHelper, TakesAway

from headrace import AgentPlan, run_local


@pytest.mark.parametrize(
    ("agent", "outputs"),
    [
        (Base(), ["hello a!"]),
        (Overrides(), ["hello a!", "and more"]),
        (OverridesHelper(suffix="?"), ["good day a?"]),
        (MarksAgain(), ["again"]),
        (TakesAway(), ["other"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Base) else "",
)
def test_a_subclass_does_what_python_does(agent, outputs):
    assert run_local(agent, ["a"]) == outputs


def test_marking_again_replaces_the_trigger():
    assert run_local(MarksAgain(), ["quiet"]) == []


def test_several_bases_give_their_actions_together():
    assert sorted(run_local(Both(), ["a"])) == ["hello a!", "mixed in"]


def test_an_inherited_action_is_found_by_where_it_is_written():
    assert AgentPlan.from_agent(OverridesHelper()).actions["answer"].function == (
        "definition_agents:Base.answer"
    )
