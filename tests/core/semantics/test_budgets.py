"""Budgets in money: by a table of prices, with a warning before the end, and each request once."""

from __future__ import annotations

import json

import pytest
from budget_agents import Spender

from headrace_cli._logs._costs import bill_of

INPUTS = {
    "counted": {"ask": ["small", "small"]},
    "all of it": {"ask": ["large"]},
    "stopped": {"ask": ["small"] * 6},
    "unknown": {"ask": ["unknown", "small"]},
    "free": {"ask": ["gift"] * 3 + ["small"]},
    "stumbling": {"ask": ["small", "small"], "fails": 2},
    "helped": {"ask": ["helper", "small"], "helps": 1},
    "helped too much": {"ask": ["helper"], "helps": 3},
    "skilled": {"ask": ["small", "skill", "small"]},
}


@pytest.fixture(scope="module")
def ran(engine, tmp_path_factory):
    """Everything in one job, with a log."""
    folder = tmp_path_factory.mktemp("budgets")
    log = Spender.config.log.model_copy(update={"folder": str(folder)})
    inputs = [{"who": who, **asked} for who, asked in INPUTS.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spender, "config", Spender.config.model_copy(update={"log": log}))
        result = engine.run(Spender(), inputs, key=who_of)
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.jsonl"))]
    return result, [json.loads(line) for text in texts for line in text.splitlines()]


def who_of(value):
    return value["who"]


@pytest.fixture
def cost(ran):
    def cost(who):
        [output] = ran[0].of("who", who)
        return output["cost"]

    return cost


@pytest.fixture
def error(ran):
    def error(who):
        [letter] = [one for one in ran[0].dead_letters if one["key"] == who]
        return letter["error"]

    return error


@pytest.fixture
def records(ran):
    def records(who, kind):
        return [one for one in ran[1] if one.get("key") == who and one["kind"] == kind]

    return records


def test_an_answer_has_its_cost_by_the_table(cost):
    assert cost("counted") == ["0.2", "0.2"]


def test_a_run_that_has_used_its_money_up_stops_with_what_was_spent(error):
    assert error("stopped") == (
        "BudgetExceededError: the run's models have used 1 EUR of 1 (the setting budget.cost): "
        "5 calls, 5500 tokens, cost 1"
    )


def test_tokens_without_a_price_are_not_counted_as_nothing(error):
    told = error("unknown")

    assert "have used 1100 tokens whose price nobody knows (of Teller/unknown)" in told
    assert "[tool.agents] prices" in told


def test_a_model_that_is_said_to_be_free_is(cost):
    assert cost("free") == ["0", "0", "0", "0.2"]


def test_a_further_attempt_takes_recorded_answers_and_pays_once(cost, records):
    assert cost("stumbling") == ["0.2", "0.2"]
    assert [one["what"] for one in records("stumbling", "model")] == (
        ["finished"] * 2 + ["reused"] * 4
    )
    assert records("stumbling", "budget") == []


def test_what_a_sub_agent_spends_counts_for_it_and_for_who_asked(cost, error):
    assert cost("helped") == ["helped", "0.2"]
    assert "the sub-agent 'helper''s models have used 0.4 EUR of 0.3" in error("helped too much")


def test_a_warning_is_told_once_before_the_end(records):
    told = [(one["what"], one["name"], one["data"]) for one in records("stopped", "budget")]

    assert told == [
        ("warned", "cost", {"spent": 0.8, "limit": 1, "currency": "EUR"}),
        ("exceeded", "cost", {"spent": 1, "limit": 1, "currency": "EUR"}),
    ]


def test_a_record_of_a_request_has_its_cost_its_currency_and_its_model(records):
    [one] = records("all of it", "model")

    assert one["usage"] == {
        "input_tokens": 1000, "output_tokens": 100, "cost": 0.7, "currency": "EUR"
    }  # fmt: skip
    assert (one["data"]["provider"], one["data"]["model"]) == ("Teller", "large")


def test_a_record_of_tokens_without_a_price_counts_them(records):
    [first, *_] = records("unknown", "model")

    assert first["usage"] == {"input_tokens": 1000, "output_tokens": 100, "unpriced_tokens": 1100}


def test_a_sub_agent_s_requests_name_it(records):
    [asked, *_] = records("helped", "model")

    assert asked["data"]["member"] == "helper"


def test_a_request_is_on_the_bill_of_the_skills_that_its_action_has_by_then(ran):
    records = [one for one in ran[1] if one.get("key") == "skilled"]
    bill = bill_of((one for one in records if "usage" in one or one["kind"] == "skill"), ["skill"])

    assert {skill: str(row.cost) for (skill,), row in bill.rows.items()} == {
        "-": "0.2 EUR",
        "refunds": "0.2 EUR",
    }
