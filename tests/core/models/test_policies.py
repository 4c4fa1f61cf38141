"""Policies of models, as they are declared: what compiling finds wrong, prices, budgets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal

import pytest
from pydantic import ValidationError
from semantic_served import Oracle

from headrace import (
    Agent,
    AgentBuilder,
    AgentPlan,
    BudgetExceededError,
    Context,
    InputEvent,
    ModelPolicy,
    OutputEvent,
    PlanError,
    Prices,
    RunBudget,
    Usage,
    action,
    use,
)
from headrace.agent_yaml import parse_agent
from headrace.operator._spending import Spent


async def ask(event: InputEvent, ctx: Context) -> None:
    """Asks."""
    ctx.send(OutputEvent(output=(await ctx.chat("model", event.input)).text))


class Asking(Agent):
    """Asks two models."""

    model = use("chat_models", Oracle, prefix="> ").with_policy(
        requests_per_minute=600,
        breaker={"failures": 3},
        fallback="other",
        fallback_on=["unknown", "timeout"],
        retry={"attempts": 2},
        prices={"input": 2.5, "output": 10},
    )
    other = use("chat_models", Oracle).with_policy(timeout=5, breaker=None)
    ask = staticmethod(action(InputEvent)(ask))


def built():
    return (
        AgentBuilder("Asking", description="Asks two models.")
        .resource(
            "model",
            use("chat_models", Oracle, prefix="> ")
            .with_policy(requests_per_minute=600, prices=Prices(input=2.5, output=10))
            .with_policy(
                breaker={"failures": 3},
                fallback="other",
                fallback_on=frozenset({"timeout", "unknown"}),
                retry={"attempts": 2},
            ),
        )
        .resource("other", use("chat_models", Oracle).with_policy(timeout=5, breaker=None))
        .action(ask, InputEvent)
    )


YAML = f"""
name: Asking
description: Asks two models.
resources:
  model:
    kind: chat_models
    use: "semantic_served:Oracle"
    with: {{prefix: "> "}}
    policy:
      requests_per_minute: 600
      breaker: {{failures: 3}}
      fallback: other
      fallback_on: [timeout, unknown]
      retry: {{attempts: 2}}
      prices: {{input: 2.5, output: 10}}
  other:
    kind: chat_models
    use: "semantic_served:Oracle"
    policy: {{timeout: 5, breaker: null}}
actions:
  - function: {__name__}:ask
    on: [input]
"""


def faults(**resources):
    builder = AgentBuilder("Faulty").action(ask, InputEvent)
    for name, declared in resources.items():
        builder.resource(name, declared)
    with pytest.raises(PlanError) as raised:
        AgentPlan.from_agent(builder)
    return [str(fault) for fault in raised.value.faults]


def compiled(**resources):
    builder = AgentBuilder("Sound").action(ask, InputEvent)
    for name, declared in resources.items():
        builder.resource(name, declared)
    return AgentPlan.from_agent(builder)


def oracle(**policy):
    return use("chat_models", Oracle).with_policy(**policy)


class TestOnePlan:
    @pytest.fixture
    def plans(self):
        return [AgentPlan.from_agent(made) for made in (Asking(), built(), parse_agent(YAML))]

    def test_class_builder_and_yaml_give_equal_plans(self, plans):
        assert plans[0] == plans[1] == plans[2]

    def test_they_give_the_same_bytes_and_digest(self, plans):
        assert len({(plan.model_dump_json(), plan.digest) for plan in plans}) == 1

    def test_a_plan_is_the_same_after_json(self, plans):
        text = plans[0].model_dump_json()
        read = AgentPlan.model_validate_json(text)

        assert (read, read.model_dump_json(), read.digest) == (plans[0], text, plans[0].digest)

    def test_the_plan_holds_what_was_declared(self, plans):
        providers = plans[0].resource_providers["chat_models"]

        assert providers["other"].policy == ModelPolicy(timeout=5, breaker=None)

    def test_the_json_is_the_same_in_every_process(self):
        # The order of a set of texts changes with the seed of their hashes.
        code = "from headrace import ModelPolicy; print(ModelPolicy().model_dump_json())"
        texts = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for seed in ("1", "2", "3")
        }

        assert len(texts) == 1

    def test_where_nothing_is_declared_there_is_no_policy(self):
        plan = compiled(model=use("chat_models", Oracle))

        assert plan.resource_providers["chat_models"]["model"].policy is None


class TestFaults:
    def test_an_unknown_field_is_told_with_the_one_that_was_meant(self):
        [text] = faults(model=oracle(request_per_minute=600))

        assert text.startswith("Faulty.model: policy.request_per_minute: Extra inputs")
        assert text.endswith("did you mean requests_per_minute?")

    @pytest.mark.parametrize(
        ("part", "field", "meant"),
        [("retry", "atempts", "attempts"), ("breaker", "second", "seconds"),
         ("prices", "outputs", "output")],
    )  # fmt: skip
    def test_an_unknown_nested_field_too(self, part, field, meant):
        [text] = faults(model=oracle(**{part: {field: 1}}))

        assert text.startswith(f"Faulty.model: policy.{part}.{field}: Extra inputs")
        assert text.endswith(f"did you mean {meant}?")

    def test_a_field_that_is_like_none_is_told_without_a_guess(self):
        [text] = faults(model=oracle(colour="red"))

        assert "did you mean" not in text

    def test_a_value_that_is_wrong_is_told_without_a_guess(self):
        [text] = faults(model=oracle(breaker={"failures": 0}))

        assert text == (
            "Faulty.model: policy.breaker.failures: Input should be greater than or equal to 1"
        )

    def test_all_that_is_wrong_is_told(self):
        assert len(faults(model=oracle(timeout=0, concurrency=0, fallback_on=["sloth"]))) == 3

    def test_a_code_that_there_is_not_is_named(self):
        [text] = faults(model=oracle(fallback_on=["sloth", "timeout"]))

        assert text.endswith("no codes of ModelError: sloth")

    def test_a_fallback_that_is_not_declared_is_told_with_those_that_are(self):
        [text] = faults(
            model=oracle(fallback="small"), large=use("chat_models", Oracle, prefix="l")
        )

        assert "Faulty.model: the fallback 'small' is none of the agent's chat_models" in text
        assert "(large, model)" in text

    def test_fallbacks_that_lead_in_a_circle_are_told_with_their_way(self):
        found = faults(
            a=use("chat_models", Oracle, prefix="a").with_policy(fallback="b"),
            b=use("chat_models", Oracle, prefix="b").with_policy(fallback="a"),
        )

        assert found == [
            "Faulty.a: its fallbacks lead in a circle: a -> b -> a",
            "Faulty.b: its fallbacks lead in a circle: b -> a -> b",
        ]

    def test_a_model_that_falls_back_on_itself_is_told(self):
        assert faults(model=oracle(fallback="model")) == [
            "Faulty.model: its fallbacks lead in a circle: model -> model"
        ]

    def test_a_way_into_a_circle_is_no_circle_of_its_own(self):
        found = faults(
            a=use("chat_models", Oracle, prefix="a").with_policy(fallback="b"),
            b=use("chat_models", Oracle, prefix="b").with_policy(fallback="b"),
        )

        assert found == ["Faulty.b: its fallbacks lead in a circle: b -> b"]

    def test_models_of_a_group_that_disagree_on_its_limits_are_told(self):
        [text] = faults(
            a=use("chat_models", Oracle, prefix="a").with_policy(group="g", concurrency=1),
            b=use("chat_models", Oracle, prefix="b").with_policy(group="g", concurrency=2),
        )

        assert text.startswith(
            "Faulty.b: it shares the limits of the group 'g' with 'a', and says something else"
        )

    def test_models_of_a_group_may_differ_in_what_they_do_not_share(self):
        assert compiled(
            a=use("chat_models", Oracle, prefix="a").with_policy(group="g", timeout=1),
            b=use("chat_models", Oracle, prefix="b").with_policy(group="g", fallback="a"),
        )

    def test_one_model_twice_with_limits_that_disagree_is_told(self):
        [text] = faults(a=oracle(requests_per_minute=60), b=use("chat_models", Oracle))

        assert text.startswith(
            "Faulty.b: it is the same model as 'a', whose limits it shares, and says something else"
        )

    def test_one_model_twice_with_groups_of_their_own_may_disagree(self):
        assert compiled(a=oracle(requests_per_minute=60, group="a"), b=oracle())

    def test_a_policy_of_something_else_than_a_model_is_told(self):
        [text] = faults(shelf=use("memory", "semantic_served:Shelf").with_policy(timeout=1))

        assert text == "Faulty.shelf: only models have a policy: leave out with_policy(...)"

    def test_a_policy_in_yaml_is_told_with_its_line(self):
        text = YAML.replace("requests_per_minute", "request_per_minute")

        with pytest.raises(PlanError) as raised:
            parse_agent(text)
        assert "request_per_minute" in str(raised.value)


class TestPrices:
    USAGE = Usage(
        input_tokens=1_000_000,
        cached_tokens=600_000,
        cache_write_tokens=100_000,
        output_tokens=200_000,
        reasoning_tokens=50_000,
    )

    def test_each_sort_of_token_has_its_price(self):
        prices = Prices(input=10, output=100, cached=1, cache_write=20)

        assert prices.cost(self.USAGE) == Decimal("25.6")

    def test_where_no_price_is_given_for_the_cache_it_is_that_of_the_input(self):
        assert Prices(input=10, output=100).cost(self.USAGE) == 30

    def test_a_cache_may_be_for_nothing(self):
        assert Prices(input=10, cached=0, cache_write=0).cost(self.USAGE) == 3

    def test_a_provider_that_counts_its_cache_apart_gives_nothing_back(self):
        usage = Usage(input_tokens=10, cached_tokens=1_000_000)

        assert Prices(input=10, cached=1).cost(usage) == 1

    def test_sums_of_costs_lose_nothing(self):
        costs = [Prices(input=price).cost(Usage(input_tokens=1)) for price in (0.1, 0.7)]

        assert sum(costs) == Decimal("0.0000008")

    def test_a_long_request_has_its_own_prices_for_all_of_its_tokens(self):
        prices = Prices(input=1, output=10, long={"over": 1000, "input": 2, "output": 15})

        assert prices.cost(Usage(input_tokens=1000, output_tokens=100)) == Decimal("0.002")
        assert prices.cost(Usage(input_tokens=1001, output_tokens=100)) == Decimal("0.003502")

    def test_a_price_below_nothing_is_refused(self):
        with pytest.raises(ValidationError):
            Prices(input=-1)


class TestBudgets:
    @pytest.fixture
    def spent(self):
        made = Spent()
        made.calls = 3
        made.add(Usage(input_tokens=1_200_000, output_tokens=34_567, cost=1.5))
        made.add(Usage(cost=0.25))
        return made

    @pytest.mark.parametrize(
        "budget",
        [
            RunBudget(calls=4),
            RunBudget(calls=None, tokens=1_234_568),
            RunBudget(cost=1.76),
            RunBudget(calls=None),
        ],
    )
    def test_below_its_limits_a_run_may_go_on(self, spent, budget):
        assert spent.check(budget) is None

    @pytest.mark.parametrize(
        ("budget", "what"),
        [
            (RunBudget(calls=3), "3 calls of 3 (the setting budget.calls)"),
            (RunBudget(tokens=1_234_567), "1234567 tokens of 1234567 (the setting budget.tokens)"),
            (RunBudget(cost=1.5), "1.75 cost of 1.5 (the setting budget.cost)"),
        ],
    )
    def test_at_a_limit_it_is_told_which_and_what_was_spent(self, spent, budget, what):
        with pytest.raises(BudgetExceededError) as raised:
            spent.check(budget)

        assert str(raised.value) == (
            f"the run's models have used {what}: 3 calls, 1234567 tokens, cost 1.75"
        )

    def test_a_budget_is_part_of_the_plan(self):
        plan = AgentPlan.from_agent(built().configure(budget={"cost": 0.5}))

        assert json.loads(plan.model_dump_json())["config"]["budget"] == {
            "calls": 200,
            "tokens": None,
            "cost": 0.5,
            "warn": 0.8,
        }
