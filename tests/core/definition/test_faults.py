"""What can be known at compile time is told at compile time, all of it, with places."""

from __future__ import annotations

import re
from pathlib import Path

import definition_agents
import pytest
from definition_agents import ByName, Deaf, Faulty, HandsOn, Twice, Unreachable, closure

from headrace import AgentBuilder, AgentPlan, InputEvent, PlanError, run_local


def faults(agent) -> list[str]:
    with pytest.raises(PlanError) as caught:
        AgentPlan.from_agent(agent)
    return [str(fault) for fault in caught.value.faults]


@pytest.fixture(scope="module")
def told():
    return faults(Faulty(live=object()))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("Faulty.live", "this parameter cannot be part of a plan"),
        ("Faulty.model", "did you mean 'chat_models'?"),
        ("Faulty.other", "no-such-model"),
        ("Faulty.code", "the module definition_agents has no NoSuchClass"),
        ("wrong_field", "reads the field 'inputt', which InputEvent does not have"),
        ("wrong_nested_field", "reads the field 'street', which Place does not have"),
        ("no_expression", "cannot be read"),
        ("unknown_name", "uses severity; it knows only event, event_type and key"),
        ("on_output", "outputs leave the run and trigger nothing"),
        ("returns", "which would be lost"),
        ("yields", "an action sends events by ctx.send"),
        ("takes_too_few", "an action takes (event, ctx)"),
        ("async_and_blocking", "blocking=True is for def actions"),
        ("negative", "the timeout must be above 0"),
        ("untriggered", "nothing triggers this action"),
        ("sends_unhandled", "sends Closed, which triggers no action"),
        ("untyped", "the parameter 'what' has no type"),
        ("broken", "ValueError: no words"),
    ],
)
def test_each_fault_is_told_with_its_place(told, place, words):
    assert [text for text in told if place in text and words in text]


def test_all_faults_are_told_at_once(told):
    assert len(told) >= 18


def test_the_place_of_an_action_is_its_file_and_line(told):
    [text] = [text for text in told if text.startswith("negative")]
    place = re.search(r"\((.+):(\d+)\)", text)
    line = Path(definition_agents.__file__).read_text().splitlines()[int(place[2]) - 1]
    assert place[1] == definition_agents.__file__
    assert "@action(InputEvent, timeout=-1)" in line


def test_an_event_that_nobody_sends_is_told():
    assert ["never" in text and "which no action sends" in text for text in faults(Unreachable())]


def test_nothing_is_concluded_where_the_context_is_handed_on():
    AgentPlan.from_agent(HandsOn())


def test_named_events_trigger_by_their_name():
    assert run_local(ByName(), [1]) == [{"n": 1}]


def test_two_actions_of_one_name_are_told_with_both_places():
    [text] = faults(Twice())
    assert text.count("definition_agents.py:") == 2


def test_an_agent_that_no_input_triggers_is_told():
    assert any("no action is triggered by the input" in text for text in faults(Deaf()))


def test_a_class_instead_of_an_instance_is_told():
    [text] = faults(Twice)
    assert "this is not an Agent instance" in text
    assert "make one: Twice()" in text


class TestWhatAWorkerCannotImport:
    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda event, ctx: None, "write it as a def of a module"),
            (closure(), "move it to the top of a module"),
            (Unreachable().answer, "use the function of its class"),
            (Unreachable.answer, "start from the class: AgentBuilder(Unreachable"),
        ],
        ids=["lambda", "closure", "bound method", "method of another class"],
    )
    def test_it_is_refused_and_says_what_to_do(self, function, words):
        agent = AgentBuilder("a").action(function, InputEvent)
        assert any(words in text for text in faults(agent))

    def test_a_decorated_function_that_keeps_its_name_works(self):
        agent = AgentBuilder("a").action(definition_agents.wrapped, InputEvent)
        assert run_local(agent, [1]) == ["wrapped"]
