"""Sub-agents at compile time: one plan, and what is wrong with it."""

from __future__ import annotations

import pytest
from nested_agents import Desk, Endless, Question, Reader, Researcher, reader_tool

from headrace import AgentBuilder, AgentPlan, PlanError, sub_agent, use
from headrace.agents import ReActAgent


def faults(agent):
    with pytest.raises(PlanError) as caught:
        AgentPlan.from_agent(agent)
    return [str(fault) for fault in caught.value.faults]


def asking(name="reader", **declared):
    found = declared.pop("agent", Reader())
    return AgentBuilder(Reader).resource(name, sub_agent(found, **declared))


class TestPlans:
    def test_what_a_sub_agent_has_is_named_by_it(self):
        plan = AgentPlan.from_agent(Researcher())

        assert list(plan.actions) == ["research", "reader.read"]
        assert plan.actions["reader.read"].member == "reader"

    def test_sub_agents_of_sub_agents_have_longer_names(self):
        plan = AgentPlan.from_agent(Desk())

        assert "researcher.reader.read" in plan.actions
        assert plan.members["researcher.reader"].agent == "Reader"

    def test_its_resources_are_its_own(self):
        plan = AgentPlan.from_agent(Desk())

        assert list(plan.resources_of("talker")["chat_models"]) == ["model"]
        assert list(plan.resources_of(None)["chat_models"]) == ["model"]

    def test_it_is_the_same_after_a_journey_as_json(self):
        plan = AgentPlan.from_agent(Desk())

        again = AgentPlan.model_validate_json(plan.model_dump_json())

        assert (again, again.digest) == (plan, plan.digest)

    def test_a_builder_a_class_and_a_reference_give_the_same_plan(self):
        ways = [Reader(), Reader, AgentBuilder(Reader), "nested_agents:Reader"]

        plans = [AgentPlan.from_agent(asking(agent=way)) for way in ways]

        assert len({plan.digest for plan in plans}) == 1

    def test_settings_count_in_place_of_its_own(self):
        plan = AgentPlan.from_agent(asking(max_steps=7, budget={"calls": 2}))

        config = plan.members["reader"].config
        assert (config.max_steps, config.budget.calls) == (7, 2)

    def test_the_form_of_its_input_is_what_a_model_is_told(self):
        plan = AgentPlan.from_agent(asking(input=Question))

        told = plan.resource_providers["agents"]["reader"].arguments["spec"]["parameters"]
        assert set(told["properties"]) == {"topic", "pages"}

    def test_a_ready_agent_takes_one_among_its_tools(self):
        model = use("chat_models", "nested_agents:Caller")
        given = ReActAgent(name="R", model=model, tools={"reader": sub_agent(Reader())})

        plan = AgentPlan.from_agent(given)

        assert list(plan.members) == ["reader"]
        assert "reader" in plan.resource_providers["agents"]


class TestFaults:
    def test_those_of_the_sub_agent_are_told_with_its_name(self):
        [fault] = faults(asking(agent=AgentBuilder("empty")))

        assert fault.startswith("reader: empty: no action is triggered by the input")

    def test_one_that_declares_itself_has_an_end(self):
        [fault] = faults(Endless())

        assert "8 deep" in fault

    def test_settings_that_are_the_jobs_to_say(self):
        [fault] = faults(asking(shards=8))

        assert "Reader.reader: shards: this setting is the whole job's" in fault

    def test_a_setting_that_there_is_not(self):
        [fault] = faults(asking(max_step=8))

        assert "max_step" in fault

    def test_a_name_that_is_none(self):
        [fault] = faults(asking("a.b"))

        assert "no name of a sub-agent" in fault

    def test_a_reference_to_nothing(self):
        [fault] = faults(asking(agent="nested_agents:Nobody"))

        assert "the agent cannot be made" in fault

    def test_a_tool_of_the_same_name(self):
        [fault] = faults(asking().tool(reader_tool, name="reader"))

        assert "a tool and a sub-agent have one name" in fault

    def test_a_time_that_is_none(self):
        [fault] = faults(asking(timeout=0))

        assert "the timeout must be above 0 seconds" in fault
