"""The runtime's own metrics: what a worker did, and who did it."""

from __future__ import annotations

import pytest
from budget_agents import Spender
from log_agents import LogDesk
from metric_agents import Chatting, Shop
from semantic_effects import Holding

from headrace import run_local
from headrace.metrics import Metrics


def measured(agent, inputs, **more):
    metrics = Metrics()
    run_local(agent, inputs, metrics=metrics, **more)
    return metrics


def orders(count, **more):
    return [{"region": "eu", "n": n, **more} for n in range(count)]


class TestRunsAndActions:
    @pytest.fixture(scope="class")
    def metrics(self):
        return measured(Shop(), [*orders(3), *orders(1, do="never")])

    def test_runs_are_counted_by_how_they_ended(self, metrics):
        assert metrics.value("headrace_runs_started_total", agent="Shop") == 4
        assert metrics.value("headrace_runs_total", outcome="finished") == 3
        assert metrics.value("headrace_runs_total", outcome="dead_letter") == 1

    def test_outputs_are_counted(self, metrics):
        assert metrics.value("headrace_outputs_total", agent="Shop") == 3

    def test_each_attempt_of_an_action_is_counted_and_timed(self, metrics):
        assert metrics.value("headrace_actions_total", action="sell", outcome="finished") == 3
        assert metrics.value("headrace_actions_total", action="sell", outcome="failed") == 2
        assert metrics.value("headrace_action_seconds", action="sell") == 5

    def test_retries_are_counted_with_their_waits(self, metrics):
        assert metrics.value("headrace_action_retries_total", action="sell") == 1
        assert 0.009 < metrics.value("headrace_action_retry_wait_seconds_total") < 0.02

    def test_calls_are_counted_by_function_and_reused_ones_are_not_timed(self, metrics):
        price = {"call": "metric_agents:price"}
        assert metrics.value("headrace_calls_total", outcome="finished", **price) == 4
        assert metrics.value("headrace_calls_total", outcome="reused", **price) == 1
        assert metrics.value("headrace_call_seconds", **price) == 4


class TestEffects:
    @pytest.fixture(scope="class")
    def metrics(self, tmp_path_factory):
        folder = str(tmp_path_factory.mktemp("effects"))
        ways = ("steps", "flaky", "gives_up", "skips")
        return measured(Holding(folder=folder), [{"do": way} for way in ways])

    @pytest.mark.parametrize(
        ("name", "outcome", "count"),
        [
            ("do", "finished", 5),  # two of "steps", and one behind each other one
            ("fail_twice", "failed", 2),
            ("fail_twice", "finished", 1),
            ("refuse", "failed", 5),  # three tries, and two
        ],
    )
    def test_what_became_of_each_is_counted(self, metrics, name, outcome, count):
        of = {"agent": "Holding", "effect": f"semantic_effects:{name}", "outcome": outcome}
        assert metrics.value("headrace_effects_total", **of) == count

    def test_those_that_were_given_up_are_counted_apart(self, metrics):
        assert metrics.value("headrace_effects_total", outcome="dead_letter") == 1
        assert metrics.value("headrace_effects_total", outcome="skipped") == 1

    def test_those_that_were_done_are_timed_from_when_they_were_asked_for(self, metrics):
        assert metrics.value("headrace_effect_seconds", effect="semantic_effects:do") == 5

    def test_none_waits_when_all_are_over(self, metrics):
        assert metrics.value("headrace_effects_waiting", agent="Holding") == 0


class TestModelsToolsAndSkills:
    @pytest.fixture(scope="class")
    def metrics(self):
        return measured(Chatting(), ["look", "wish", "plain"], key=lambda _: "k")

    def test_requests_are_counted_by_model(self, metrics):
        of = {"agent": "Chatting", "action": "ask", "model": "writer"}
        assert metrics.value("headrace_model_calls_total", outcome="finished", **of) == 5
        assert metrics.value("headrace_model_call_seconds", **of) == 5

    def test_tokens_are_counted_by_what_they_were(self, metrics):
        def tokens(kind):
            return metrics.value("headrace_model_tokens_total", model="writer", type=kind)

        assert [tokens(kind) for kind in ("input", "output", "cached", "reasoning")] == [
            500,
            50,
            100,
            0,
        ]

    def test_cost_is_counted_by_the_models_prices(self, metrics):
        # Five requests of 100 tokens in (20 of them cached, for nothing) and 10 out.
        assert metrics.value("headrace_model_cost_total", model="writer") == pytest.approx(
            5 * (80 * 2 + 10 * 10) / 1_000_000
        )

    def test_requests_that_were_made_again_are_counted_by_why(self, metrics):
        assert metrics.value("headrace_model_retries_total", code="overloaded") == 1
        assert metrics.value("headrace_model_retry_wait_seconds_total", model="writer") > 0

    def test_tools_are_counted_by_name(self, metrics):
        assert metrics.value("headrace_tool_calls_total", tool="look", outcome="finished") == 1
        assert metrics.value("headrace_tool_call_seconds", tool="look") == 1

    def test_a_tool_that_a_model_made_up_makes_no_series_of_its_own(self, metrics):
        assert metrics.value("headrace_tool_calls_total", tool="wished-for") == 0
        assert metrics.value("headrace_tool_calls_total", outcome="refused") == 1

    def test_uses_of_skills_are_counted_by_skill(self, metrics):
        assert metrics.value("headrace_skill_uses_total", skill="pdf", use="loaded") == 1


def test_requests_that_failed_are_timed_by_their_error():
    metrics = measured(LogDesk(), [{"do": "lamp"}, {"do": "down"}])

    def timed(error):
        return metrics.value("headrace_model_call_seconds", model="clerk", error=error)

    # The lamp asks twice; a refusal is not tried again.
    assert [timed(error) for error in ("", "ModelError")] == [2, 1]


class TestNow:
    def test_what_is_under_way_and_what_waits_is_seen_meanwhile(self):
        metrics, seen = Metrics(), []

        def record(_record):
            now = {n: metrics.value(f"headrace_{n}") for n in ("in_flight", "queued", "held")}
            seen.append(now)

        waiting = orders(5, do="wait")
        run_local(Shop(), waiting, key=lambda _: "k", metrics=metrics, observers=[record])
        assert max(one["in_flight"] for one in seen) == 1
        assert max(one["queued"] for one in seen) == 4
        assert [metrics.value(f"headrace_{n}") for n in ("in_flight", "queued", "held")] == [0] * 3


class TestMoney:
    @pytest.fixture(scope="class")
    def metrics(self):
        asked = [["small"] * 6, ["large"], ["unknown"]]
        inputs = [{"who": n, "ask": ask} for n, ask in enumerate(asked)]
        return measured(Spender(), [*inputs, {"who": 9, "ask": ["helper"], "helps": 3}])

    def test_cost_is_counted_by_model_in_its_currency(self, metrics):
        of = {"agent": "Spender", "action": "spend", "currency": "EUR"}
        assert metrics.value("headrace_model_cost_total", model="small", **of) == pytest.approx(1)
        assert metrics.value("headrace_model_cost_total", model="large", **of) == 0.7

    def test_tokens_without_a_price_are_counted_apart(self, metrics):
        assert metrics.value("headrace_model_unpriced_tokens_total", model="unknown") == 1100

    def test_limits_that_were_near_and_those_that_were_reached_are_counted(self, metrics):
        limits = "headrace_budget_limits_total"
        assert metrics.value(limits, agent="Spender", limit="cost", outcome="warned") == 1
        assert metrics.value(limits, agent="Spender", limit="cost", outcome="exceeded") == 1
        assert metrics.value(limits, agent="helper", limit="cost", outcome="exceeded") == 1
