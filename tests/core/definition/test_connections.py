"""Connections: what goes over one, in three ways, and what compiling finds wrong."""

from __future__ import annotations

import pytest
from connection_agents import Caller, Line, Texts, ask

from headrace import AgentBuilder, AgentPlan, InputEvent, ModelPolicy, PlanError, use
from headrace.agent_yaml import parse_agent
from headrace.teams import Team, route


def built():
    return (
        AgentBuilder("Caller", description="Asks two models over one connection.")
        .resource(
            "line",
            use("connections", Line, address="the mill").with_policy(concurrency=1, timeout=9),
        )
        .resource("large", use("chat_models", Line, connection="line", model="large"))
        .resource(
            "small",
            use("chat_models", Line, connection="line", model="small").with_policy(timeout=5),
        )
        .resource("texts", use("embedding_models", Texts, connection="line", model="texts"))
        .action(ask, InputEvent)
    )


YAML = """\
name: Caller
description: Asks two models over one connection.
connections:
  line:
    use: "connection_agents:Line"
    with: {address: the mill}
    policy: {concurrency: 1, timeout: 9}
resources:
  large: {kind: chat_models, use: "connection_agents:Line", connection: line, with: {model: large}}
  small:
    kind: chat_models
    use: "connection_agents:Line"
    connection: line
    with: {model: small}
    policy: {timeout: 5}
  texts:
    kind: embedding_models
    use: "connection_agents:Texts"
    connection: line
    with: {model: texts}
actions:
  - function: connection_agents:ask
    on: input
"""


def plan_of(connection, **resources):
    builder = AgentBuilder("a").action(ask, InputEvent).resource("line", connection)
    for name, resource in resources.items():
        builder.resource(name, resource)
    return AgentPlan.from_agent(builder)


def faults(connection, **resources):
    with pytest.raises(PlanError) as caught:
        plan_of(connection, **resources)
    return [str(fault) for fault in caught.value.faults]


def line(**arguments):
    return use("connections", Line, **arguments)


def over(name="line", kind="chat_models", target=Line, **arguments):
    return use(kind, target, connection=name, model="m", **arguments)


class TestOnePlan:
    def test_class_builder_and_yaml_give_the_same_bytes(self):
        plans = [AgentPlan.from_agent(one) for one in (Caller(), built(), parse_agent(YAML))]

        assert len({(plan.model_dump_json(), plan.digest) for plan in plans}) == 1

    def test_a_plan_says_what_each_model_is_really_built_with(self):
        plan = AgentPlan.from_agent(Caller())
        large = plan.resource_providers["chat_models"]["large"]

        assert large.arguments == {"address": "the mill", "model": "large"}
        assert large.connection == "line"

    def test_nothing_else_of_the_connection_is_in_the_plan(self):
        kinds = AgentPlan.from_agent(Caller()).resource_providers

        assert sorted(kinds) == ["chat_models", "embedding_models"]

    def test_a_plan_goes_through_json_and_back(self):
        plan = AgentPlan.from_agent(Caller())

        assert AgentPlan.model_validate_json(plan.model_dump_json()) == plan


class TestWhatIsShared:
    def test_a_models_own_argument_comes_first(self):
        plan = plan_of(line(address="there"), m=over(address="here"))

        assert plan.resource_providers["chat_models"]["m"].arguments["address"] == "here"

    def test_models_and_embedders_are_one_group_with_the_connections_policy(self):
        found = AgentPlan.from_agent(Caller()).resource_providers
        large, small = found["chat_models"]["large"], found["chat_models"]["small"]
        texts = found["embedding_models"]["texts"]

        assert (
            large.policy
            == texts.policy
            == ModelPolicy(concurrency=1, timeout=9, group=large.policy.group)
        )
        assert small.policy == large.policy.model_copy(update={"timeout": 5})

    def test_agents_that_declare_the_same_connection_are_one_group_whatever_they_call_it(self):
        def group(name):
            builder = AgentBuilder(name).action(ask, InputEvent)
            builder.resource(name, line(address="there")).resource("m", over(name))
            plan = AgentPlan.from_agent(builder)
            return plan.resource_providers["chat_models"]["m"].policy.group

        assert group("one") == group("two")

    def test_connections_with_other_arguments_are_groups_of_their_own(self):
        def group(address):
            plan = plan_of(line(address=address), m=over())
            return plan.resource_providers["chat_models"]["m"].policy.group

        assert group("here") != group("there")

    def test_one_that_is_made_once_serves_several_agents_of_a_team(self):
        shared = line(address="there").with_policy(concurrency=3)
        members = {
            name: AgentBuilder(name).action(ask, InputEvent).resource("m", over(shared))
            for name in ("first", "second")
        }
        plan = AgentPlan.from_agent(Team("both", routes=[route("first", "second")], **members))
        found = plan.resource_providers["chat_models"]

        assert found["first.m"].policy == found["second.m"].policy
        assert found["first.m"].arguments == {"address": "there", "model": "m"}

    def test_a_connection_and_a_model_may_have_one_name(self):
        plan = plan_of(line(address="there"), line=over())

        assert plan.resource_providers["chat_models"]["line"].arguments["address"] == "there"

    def test_a_plugin_goes_over_a_connection_named_by_any_plugin_of_its_distribution(self):
        connection = use("connections", "openai", api_key_env="GATE_KEY")
        model = use("chat_models", "openai-responses", connection="line", model="m")
        texts = use("embedding_models", "openai", connection="line", model="t")
        found = plan_of(connection, m=model, t=texts).resource_providers

        assert found["chat_models"]["m"].arguments == {"api_key_env": "GATE_KEY", "model": "m"}
        assert found["embedding_models"]["t"].arguments["api_key_env"] == "GATE_KEY"


class TestFaults:
    def test_a_connection_that_is_not_there_is_told_with_the_nearest(self):
        [fault] = faults(line(), m=over("lime"))

        assert fault.startswith("a.m: there is no connection called 'lime'")
        assert "did you mean 'line'?" in fault

    def test_a_connection_of_another_plugin_is_told_with_those_that_fit(self):
        builder = (
            AgentBuilder("a")
            .action(ask, InputEvent)
            .resource("mill", use("connections", "ollama"))
            .resource("gate", use("connections", "openai"))
            .resource("m", use("chat_models", "openai", connection="mill", model="m"))
        )
        with pytest.raises(PlanError) as caught:
            AgentPlan.from_agent(builder)

        [fault] = map(str, caught.value.faults)
        assert "a.m: it is of headrace-openai, and the connection 'mill' is of headrace-ollama" in (
            fault
        )
        assert "connections of headrace-openai: 'gate'" in fault

    def test_a_class_of_the_project_goes_over_no_plugins_connection(self):
        [fault] = faults(use("connections", "openai"), m=over())

        assert "it is of connection_agents, and the connection 'line' is of headrace-openai" in (
            fault
        )

    def test_a_plugin_that_there_is_not_is_told_with_the_nearest(self):
        told = faults(use("connections", "opena"), m=over())

        assert "no installed plugin of any kind is called 'opena'" in told[0]
        assert "did you mean 'openai'?" in told[0]

    def test_limits_are_the_connections_to_say(self):
        [fault] = faults(line(), m=over().with_policy(concurrency=2))

        assert "concurrency is its connection's to say" in fault

    def test_a_model_with_a_group_of_its_own_says_its_limits_itself(self):
        model = over().with_policy(concurrency=2, group="mine")
        plan = plan_of(line(address="x").with_policy(timeout=9), m=model)

        assert plan.resource_providers["chat_models"]["m"].policy == ModelPolicy(
            concurrency=2, group="mine", timeout=9
        )

    @pytest.mark.parametrize(
        ("connection", "told"),
        [
            (line().with_policy(fallback="m"), "fallback is each model's own to say"),
            (line().with_policy(prices={"input": 1}), "prices is each model's own to say"),
            (line().with_policy(concurency=1), "did you mean concurrency?"),
            (line(address=object()), "its arguments cannot be part of a plan"),
            (line().with_approval(), "a connection has no calls to approve"),
            (use("connections", Line, connection="line"), "goes over no other connection"),
            (use("connections", "connection_agents:Lime"), "has no Lime"),
        ],
    )
    def test_what_is_wrong_with_a_connection_is_told_once(self, connection, told):
        [fault] = faults(connection, m=over(), n=over())

        assert fault.startswith("a.line")
        assert told in fault

    def test_what_is_no_connection_is_told(self):
        [fault] = faults(line(), m=over(use("chat_models", Line)))

        assert "a use of 'chat_models' is no connection" in fault
