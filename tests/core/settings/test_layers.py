"""Layers of settings: which one counts, and what is told of names and values that are wrong."""

from __future__ import annotations

from typing import ClassVar

import pytest
from configured_agents import Desk, Shop

from headrace import (
    DEAD_LETTER,
    Agent,
    AgentBuilder,
    AgentPlan,
    Context,
    InputEvent,
    OutputEvent,
    PlanError,
    RuntimeConfig,
    action,
    retry,
    run_local,
)
from headrace.agent_yaml import parse_agent
from headrace.settings import (
    Layer,
    SettingError,
    check_complete,
    cluster_layer,
    environment_layer,
    settled,
)


class Plain(Agent):
    """Says nothing of settings."""

    @action(InputEvent)
    def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=dict(ctx.config)))


class Coded(Plain):
    """Says one setting and one group."""

    config = RuntimeConfig(max_steps=7, failure=DEAD_LETTER)
    values: ClassVar = {"region": "eu"}


def layers(name, value):
    """What each layer says of one setting."""
    return {
        "cluster": cluster_layer({f"headrace.{name}": str(value)}),
        "project": Layer("project", {name: value}),
        "environment": environment_layer(
            {"HEADRACE_SET_" + name.upper().replace(".", "__"): str(value)}
        ),
        "set": Layer("set", {name: str(value)}),
    }


def plan_of(agent, *said):
    return settled(AgentPlan.from_agent(agent), *said)


def refused(agent, *said):
    with pytest.raises(SettingError) as caught:
        plan_of(agent, *said)
    return caught.value.faults


# ---------------------------------------------------------------- which one counts
@pytest.mark.parametrize("layer", ["cluster", "project", "environment", "set"])
def test_every_layer_may_say_a_setting(layer):
    plan = plan_of(Plain(), layers("max_in_flight", 5)[layer])

    assert (plan.config.max_in_flight, plan.origins) == (5, {"max_in_flight": layer})


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("cluster", "project"), ("project", "environment"), ("environment", "set")],
)
@pytest.mark.parametrize("order", [1, -1], ids=["as they rank", "the other way"])
def test_a_higher_layer_counts_in_whatever_order_they_come(lower, higher, order):
    said = [layers("budget.calls", 1)[lower], layers("budget.calls", 2)[higher]]

    plan = plan_of(Plain(), *said[::order])

    assert (plan.config.budget.calls, plan.origins["budget.calls"]) == (2, higher)


@pytest.mark.parametrize("layer", ["cluster", "project", "environment"])
def test_what_code_says_stays(layer):
    assert plan_of(Coded(), layers("max_steps", 9)[layer]).config.max_steps == 7


def test_what_is_typed_counts_before_code():
    assert plan_of(Coded(), layers("max_steps", 9)["set"]).config.max_steps == 9


def test_a_default_that_code_writes_out_is_said():
    plan = plan_of(
        AgentBuilder(Plain).configure(max_in_flight=1000), layers("max_in_flight", 5)["project"]
    )

    assert plan.config.max_in_flight == 1000


def test_a_group_in_code_is_said_as_a_whole():
    plan = plan_of(Coded(), layers("failure.attempts", 9)["environment"])

    assert plan.config.failure == DEAD_LETTER


def test_parts_of_a_group_come_from_several_layers():
    plan = plan_of(
        Plain(), layers("failure.attempts", 3)["project"], Layer("set", {"failure.then": "skip"})
    )

    assert plan.config.failure == retry(3, then="skip")


def test_a_group_that_a_lower_layer_says_leaves_what_a_higher_one_said_of_it():
    project = Layer("project", {"budget.tokens": 10})
    cluster = Layer("cluster", {"budget": '{"calls": 3, "tokens": 5}'})

    plan = plan_of(Plain(), project, cluster)

    assert (plan.config.budget.calls, plan.config.budget.tokens) == (3, 10)
    assert plan.origins == {"budget.calls": "cluster", "budget.tokens": "project"}


def test_a_fault_in_a_group_is_told_with_the_place_of_the_group():
    [fault] = refused(
        Plain(), Layer("environment", {"budget": '{"calls": "many"}'}, {"budget": "X"})
    )

    assert fault.where == "X"


def test_three_ways_of_writing_say_the_same():
    built = AgentBuilder(Plain).configure(max_steps=7, failure=DEAD_LETTER).values(region="eu")
    built.definition().name = "Coded"
    built.definition().description = "Says one setting and one group."
    yaml = parse_agent(
        f"class: {Plain.__module__}:Plain\nname: Coded\n"
        "description: Says one setting and one group.\n"
        "config: {max_steps: 7, failure: {then: dead_letter}}\nvalues: {region: eu}\n"
    )

    plans = [AgentPlan.from_agent(agent) for agent in (Coded(), built, yaml)]

    assert plans[0].origins == plans[1].origins == plans[2].origins
    assert plans[0].values == plans[1].values == plans[2].values == {"region": "eu"}


def test_a_plan_keeps_where_its_settings_came_from():
    plan = plan_of(Plain(), layers("max_steps", 9)["project"])

    read = AgentPlan.model_validate_json(plan.model_dump_json())

    assert settled(read, layers("max_steps", 8)["cluster"]).config.max_steps == 9


def test_a_setting_that_is_a_table_of_names_takes_one_of_them():
    said = {"short_term_names.chat.ttl": 60, "short_term_names.chat.refresh": "read"}

    plan = plan_of(Plain(), Layer("project", said))

    assert plan.config.short_term_names["chat"].ttl == 60


# ---------------------------------------------------------------- what is wrong
def test_an_unknown_name_is_refused_with_the_nearest():
    [fault] = refused(Plain(), layers("max_inflight", 5)["environment"])

    assert "HEADRACE_SET_MAX_INFLIGHT" in fault.where
    assert "'max_inflight'" in fault.message
    assert "'max_in_flight'" in fault.hint


@pytest.mark.parametrize(
    ("layer", "where"),
    [
        ("cluster", "headrace.budget.calls in Flink's configuration"),
        ("environment", "HEADRACE_SET_BUDGET__CALLS"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(layer, where):
    [fault] = refused(Plain(), layers("budget.calls", "many")[layer])

    assert where in fault.where
    assert "'many'" in fault.message


def test_all_that_is_wrong_is_told_at_once():
    faults = refused(
        Plain(),
        layers("max_steps", -1)["environment"],
        Layer("set", {"page_byte": 1}, {"page_byte": "--set page_byte"}),
    )

    assert [fault.where for fault in faults] == [
        "environment variable HEADRACE_SET_MAX_STEPS",
        "--set page_byte",
    ]


def test_a_cluster_may_not_say_what_state_depends_on():
    [fault] = refused(Plain(), layers("shards", 5)["cluster"])

    assert "state" in fault.message


def test_a_part_of_what_has_no_parts_is_refused():
    assert refused(Plain(), layers("max_steps.x", 5)["set"])


# ---------------------------------------------------------------- values
def test_a_value_is_read_as_its_model_has_it():
    plan = plan_of(Desk(), layers("values.tenant", 7)["environment"])

    assert plan.values["tenant"] == "7"


def test_a_value_without_a_model_is_read_as_json_or_as_a_text():
    plan = plan_of(
        Plain(), Layer("set", {"values.a": "[1, 2]", "values.b": "eu", "values.c": "no"})
    )

    assert run_local(plan, [1]) == [{"a": [1, 2], "b": "eu", "c": "no"}]


def test_a_part_of_a_table_leaves_its_other_parts():
    agent = AgentBuilder(Desk).values(tenant="acme")

    plan = plan_of(agent, layers("values.money.currency", "CHF")["project"])

    assert plan.values == {"limit": 3, "money": {"currency": "CHF"}, "tenant": "acme"}


def test_a_value_that_does_not_fit_is_told():
    [fault] = refused(Desk(), layers("values.limit", "many")["set"])

    assert "values.limit = 'many'" in fault.message


def test_an_unknown_value_that_was_typed_is_refused():
    [fault] = refused(Desk(), layers("values.tennant", "acme")["set"])

    assert "'tenant'" in fault.hint


def test_a_project_may_say_values_of_its_other_agents():
    plan = plan_of(
        Desk(), layers("values.tenant", "a")["project"], layers("values.x", 1)["project"]
    )

    check_complete(plan)

    assert plan.values["x"] == 1


def test_a_value_that_nobody_says_is_asked_for_before_anything_runs():
    with pytest.raises(SettingError, match=r"values\.tenant.*nobody says") as caught:
        run_local(Desk(), [1])

    assert "--set values.tenant=" in str(caught.value)


def test_a_misspelt_value_is_named_where_one_is_missing():
    plan = plan_of(Desk(), layers("values.tennant", "acme")["environment"])

    with pytest.raises(SettingError, match="'tennant'"):
        check_complete(plan)


def test_the_environment_counts_where_a_script_runs_an_agent(monkeypatch):
    monkeypatch.setenv("HEADRACE_SET_VALUES__TENANT", "acme")

    assert run_local(Desk(), [1]) == [{"tenant": "acme", "price": "3 EUR"}]


@pytest.mark.parametrize("name", ["api_key", "db.password", "auth-token"])
def test_a_secret_is_no_value(name):
    [fault] = refused(Plain(), layers(f"values.{name}", "s3cret")["set"])

    assert "s3cret" not in str(fault)
    assert f"{name}_env" in fault.hint


def test_a_secret_in_code_does_not_compile():
    with pytest.raises(PlanError, match="secret") as caught:
        AgentPlan.from_agent(AgentBuilder(Plain).values(api_key="s3cret"))

    assert "s3cret" not in str(caught.value)


def test_code_that_says_no_value_of_its_model_does_not_compile():
    with pytest.raises(PlanError, match="'limit'"):
        AgentPlan.from_agent(AgentBuilder(Plain).values(Shop, limt=4))


def test_a_value_of_the_wrong_type_in_code_does_not_compile():
    with pytest.raises(PlanError, match=r"values\.limit"):
        AgentPlan.from_agent(AgentBuilder(Plain).values(Shop, limit="many"))


def test_members_that_mean_different_things_by_one_value_are_refused():
    from headrace.teams import Team

    one, other = AgentBuilder(Plain).values(region="eu"), AgentBuilder(Plain).values(region="us")

    with pytest.raises(PlanError, match="'region'"):
        AgentPlan.from_agent(Team("both", one=one, other=other))


def test_reading_a_value_that_is_not_there_names_those_that_are():
    from headrace.settings import Config

    with pytest.raises(KeyError, match=r"'tennant'.*there are: tenant"):
        Config({"tenant": "acme"})["tennant"]
