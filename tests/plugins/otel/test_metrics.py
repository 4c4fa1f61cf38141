"""The runtime's metrics leave as OpenTelemetry's, with the names of the GenAI conventions."""

from __future__ import annotations

import pytest
from log_agents import LogDesk
from otel_agents import Keeper

from headrace import AgentPlan
from headrace.local import IterableSource, ListSink, LocalEngine
from headrace.metrics import Metrics, MetricsSettings


@pytest.fixture
def measured(collector):
    """Runs an agent, its metrics exported; gives the last of each name: (unit, points)."""

    def measured(agent, *inputs, **more):
        plan = AgentPlan.from_agent(agent)
        config = plan.config.model_copy(update={"metrics": MetricsSettings(export="otel")})
        engine = LocalEngine(
            plan.model_copy(update={"config": config}),
            key=lambda value: value["do"] if isinstance(value, dict) else value,
            output=ListSink(),
            **more,
        )
        engine.run(IterableSource(inputs))
        return found(collector.metrics[-1]) if collector.metrics else {}

    return measured


def found(request):
    made = {}
    for group in request.resource_metrics:
        for scope in group.scope_metrics:
            for one in scope.metrics:
                kind = one.WhichOneof("data")
                points = getattr(one, kind).data_points
                made[one.name] = (kind, one.unit, [(attributes(point), point) for point in points])
    return made


def attributes(point):
    return {one.key: one.value.string_value for one in point.attributes}


def test_tokens_and_durations_of_models_have_the_conventions_names_and_attributes(measured):
    metrics = measured(LogDesk(), {"do": "lamp"})
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "custom",
        "gen_ai.request.model": "clerk",
        "headrace.agent": "LogDesk",
        "headrace.action": "order",
        "headrace.model": "clerk",
    }
    kind, unit, points = metrics["gen_ai.client.token.usage"]
    assert (kind, unit) == ("histogram", "{token}")
    assert [(one, point.count, point.sum) for one, point in points] == [
        ({**common, "gen_ai.token.type": "input"}, 2, 20),
        ({**common, "gen_ai.token.type": "output"}, 2, 4),
    ]
    kind, unit, [(one, point)] = metrics["gen_ai.client.operation.duration"]
    assert (kind, unit) == ("histogram", "s")
    assert one == common
    assert point.count == sum(point.bucket_counts) == 2
    assert 0 < point.sum < 60


def test_durations_of_those_that_failed_are_apart_by_the_error_s_type(measured):
    metrics = measured(LogDesk(), {"do": "lamp"}, {"do": "down"})
    points = metrics["gen_ai.client.operation.duration"][2]

    # The lamp asks twice; a refusal is not tried again.
    assert {one.get("error.type"): point.count for one, point in points} == {
        None: 2,
        "ModelError": 1,
    }


def test_the_runtime_s_own_have_the_names_that_prometheus_makes_ours_of(measured):
    metrics = measured(LogDesk(), {"do": "lamp"}, {"do": "down"})

    kind, unit, points = metrics["headrace.runs"]
    assert (kind, unit) == ("sum", "1")
    outcomes = {one["outcome"]: point.as_double for one, point in points}
    assert outcomes == {"finished": 1, "dead_letter": 1}
    assert metrics["headrace.run"][:2] == ("histogram", "s")
    assert metrics["headrace.in_flight"][0] == "gauge"
    assert "headrace.model_call" not in metrics  # it has the conventions' name


def test_they_are_those_of_the_registry_that_somebody_else_reads_too(measured):
    registry = Metrics()
    metrics = measured(Keeper(), "pears", metrics=registry)

    [(_, point)] = metrics["headrace.runs"][2]
    assert point.as_double == registry.value("headrace_runs_total") == 1


def test_they_say_which_worker_they_are_of(measured, collector):
    measured(Keeper(), "pears")
    [group] = collector.metrics[-1].resource_metrics
    resource = {one.key: one.value.string_value for one in group.resource.attributes}

    assert resource["service.name"] == "Keeper"
    assert resource["headrace.task"] == "local"


def test_a_collector_that_never_answers_is_told_of_and_holds_nothing_up_for_long(
    measured, collector, caplog
):
    collector.held.clear()
    measured(Keeper(), "pears")

    said = [one.getMessage() for one in caplog.records if one.name == "headrace.metrics"]
    assert any("not exported" in one for one in said)


def test_a_plugin_that_is_not_there_is_told_of(caplog):
    plan = AgentPlan.from_agent(Keeper())
    config = plan.config.model_copy(update={"metrics": MetricsSettings(export="nobody")})
    outputs = ListSink()
    LocalEngine(plan.model_copy(update={"config": config}), output=outputs).run(
        IterableSource(["pears"])
    )

    assert outputs.values == ["there are five"]
    assert any("nobody" in one.getMessage() for one in caplog.records)
