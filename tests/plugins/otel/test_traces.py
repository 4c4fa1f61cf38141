"""A run is one trace: what it did are its spans, with the names of the GenAI conventions."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from log_agents import LogDesk, Silent
from otel_agents import Boss, Keeper, Outer, Several

from headrace import AgentPlan
from headrace.eventlog._opening import models_of
from headrace.plugins import Kind, discover, load
from headrace_otel._shapes import shape_of

INTERNAL, CLIENT = 1, 3
UNSET, ERROR = 0, 2
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def lamp(run, collector):
    """The spans of a run in which a model calls a tool and an event leads on."""
    run(LogDesk(), {"do": "lamp"})
    return collector


def tree(spans):
    """Names of spans below the names of what they are in."""
    by_id = {one.id: one.name for one in spans}
    return sorted((one.name, by_id.get(one.parent, one.parent)) for one in spans)


def test_a_run_is_one_trace_with_what_it_did_in_it(lamp):
    [spans] = lamp.traces.values()

    assert tree(spans) == [
        ("action order", "invoke_agent LogDesk"),
        ("action tell", "invoke_agent LogDesk"),
        ("call log_agents:stamped", "action tell"),
        ("chat clerk", "action order"),
        ("chat clerk", "action order"),
        ("execute_tool price", "action order"),
        ("invoke_agent LogDesk", ""),
    ]


def test_spans_last_as_long_as_what_they_tell_of_and_lie_within_what_they_are_in(lamp):
    by_id = {one.id: one for one in lamp.spans}
    slack = 5_000  # nanoseconds: the log has microseconds, of the start and of the end

    for one in lamp.spans:
        assert one.start <= one.end
        if one.parent:
            around = by_id[one.parent]
            assert around.start - slack <= one.start
            assert one.end <= around.end + slack


def test_a_request_of_a_model_has_the_conventions_attributes(lamp):
    first, _ = lamp.named("chat clerk")

    assert first.kind == CLIENT
    wanted = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "custom",
        "gen_ai.request.model": "clerk",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
        "headrace.cost": 0.5,
    }
    assert wanted.items() <= first.attributes.items()


@pytest.mark.parametrize(
    ("plugin", "provider"),
    [("openai", "openai"), ("bedrock", "aws.bedrock"), ("gemini", "gcp.gemini"), ("mill", "mill")],
)
def test_a_model_is_named_by_what_was_asked_for_and_its_provider_as_the_conventions_do(
    plugin, provider
):
    record = {
        "kind": "model",
        "what": "finished",
        "name": "llm",
        "id": "0.0/chat:llm|a|0",
        "cause": "0.0",
        "run": "r",
        "duration": 1.0,
        "data": {"model": "m-2026-01-01"},
    }
    shape = shape_of(record, {"llm": {"plugin": plugin, "model": "m"}})

    assert shape.name == "chat m"
    assert shape.attributes["gen_ai.provider.name"] == provider
    assert shape.attributes["gen_ai.request.model"] == "m"
    assert shape.attributes["gen_ai.response.model"] == "m-2026-01-01"


def test_what_a_model_of_the_plan_asks_for_is_known_of_sub_agents_models_too():
    assert models_of(AgentPlan.from_agent(Several())) == {
        "llm": {"plugin": "openai", "model": "large"},
        "small": {"plugin": "ollama", "model": "s"},
        "clerk": {"plugin": "scripted", "model": ""},
    }


def test_a_call_of_a_tool_and_an_agent_have_the_conventions_attributes(lamp):
    [called], [agent] = lamp.named("execute_tool price"), lamp.named("invoke_agent LogDesk")

    assert called.kind == agent.kind == INTERNAL
    assert called.attributes["gen_ai.operation.name"] == "execute_tool"
    assert called.attributes["gen_ai.tool.name"] == "price"
    assert agent.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert agent.attributes["gen_ai.agent.name"] == "LogDesk"
    assert agent.attributes["headrace.run.outcome"] == "finished"
    assert agent.attributes["headrace.key"] == "lamp"


def test_what_takes_no_time_is_an_event_of_what_it_belongs_to(lamp):
    [order], [agent] = lamp.named("action order"), lamp.named("invoke_agent LogDesk")

    assert [name for name, _ in order.events] == ["headrace.parse", "headrace.event.sent"]
    assert order.events[1][1]["headrace.name"] == "log_agents:Priced"
    assert [name for name, _ in agent.events] == ["headrace.memory.written"]


def test_nothing_of_what_was_said_is_in_a_trace(lamp):
    told = repr(lamp.spans).replace("'headrace.key': 'lamp'", "")

    assert "lamp" not in told
    assert "total" not in told


def test_content_is_there_where_it_is_asked_for_as_the_conventions_write_it(run, collector):
    run(LogDesk(), {"do": "lamp"}, content=True)
    first, last = (one.attributes for one in collector.named("chat clerk"))
    [called] = collector.named("execute_tool price")
    [agent] = collector.named("invoke_agent LogDesk")

    assert json.loads(first["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "lamp"}]}
    ]
    assert json.loads(first["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "id": "1", "name": "price", "arguments": {"order": "lamp"}}
            ],
        }
    ]
    [said] = json.loads(last["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": '{"total": 4}'}]
    assert json.loads(called.attributes["gen_ai.tool.call.arguments"]) == {"order": "lamp"}
    assert called.attributes["gen_ai.tool.call.result"] == "4"
    assert json.loads(agent.attributes["headrace.input"]) == {"do": "lamp"}


def test_the_conventions_own_variable_asks_for_content_too(run, collector, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    run(LogDesk(), {"do": "lamp"})

    assert "gen_ai.input.messages" in collector.named("chat clerk")[0].attributes


def test_content_is_without_secrets_as_in_the_event_log(run, collector, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "hunter-two-two")
    given = {"do": "lamp", "api_key": "a", "card": "4111", "note": "it is hunter-two-two"}
    run(LogDesk(), given, content=True, log={"redact": ("card",)})
    [agent] = collector.named("invoke_agent LogDesk")

    assert json.loads(agent.attributes["headrace.input"]) == {
        "do": "lamp",
        "api_key": "[redacted]",
        "card": "[redacted]",
        "note": "it is [redacted]",
    }


def test_a_failure_is_an_error_of_its_span_and_of_those_around_it(run, collector):
    run(LogDesk(), {"do": "down"})

    assert {one.status for one in collector.spans} == {ERROR}
    [asked] = collector.named("chat clerk")
    assert asked.attributes["error.type"] == "ModelError"
    assert asked.attributes["headrace.fault"] == "model"
    [agent] = collector.named("invoke_agent LogDesk")
    assert agent.attributes["headrace.run.outcome"] == "dead_letter"


def test_each_attempt_is_a_span_and_that_it_was_tried_again_an_event(run, collector):
    run(LogDesk(), {"do": "action"})
    first, second = collector.named("action order")
    [agent] = collector.named("invoke_agent LogDesk")

    assert (first.status, second.status) == (ERROR, UNSET)
    assert first.id != second.id
    assert second.attributes["headrace.attempt"] == 2
    name, told = agent.events[0]
    assert name == "headrace.retry"
    assert told["headrace.name"] == "order"
    assert told["headrace.wait"] > 0


def test_a_call_that_a_further_attempt_finds_recorded_is_marked_and_no_second_span(run, collector):
    run(LogDesk(), {"do": "tool"})
    first, second = collector.named("action order")
    marks = [told for name, told in second.events if name == "headrace.reused"]

    [asked, *_] = [one for one in collector.named("chat clerk") if one.parent == first.id]
    assert [told["headrace.kind"] for told in marks] == ["model"]
    assert [told["headrace.span_id"] for told in marks] == [asked.id]
    assert sum(one.parent == first.id for one in collector.named("chat clerk")) == 3
    assert sum(one.parent == second.id for one in collector.named("chat clerk")) == 2


def test_a_run_goes_on_with_the_trace_that_its_input_brings(run, collector):
    run(LogDesk(), {"do": "lamp", "traceparent": f"00-{TRACE}-{CALLER}-01"})

    assert collector.traces.keys() == {TRACE}
    assert collector.named("invoke_agent LogDesk")[0].parent == CALLER


def test_the_field_that_brings_it_is_a_setting(run, collector):
    run(Silent(), {"do": "x", "from": f"00-{TRACE}-{CALLER}-01"}, parent="from")

    assert collector.traces.keys() == {TRACE}


@pytest.mark.parametrize(
    "brought", ["", "00-x-y-01", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE}-{'0' * 16}-01", 7, "é"]
)
def test_one_that_is_none_is_left_alone(run, collector, brought):
    run(Silent(), {"do": "x", "traceparent": brought})

    [span] = collector.named("invoke_agent Silent")
    assert span.trace != TRACE
    assert span.parent == ""


def test_two_runs_within_one_trace_have_spans_of_their_own(run, collector):
    brings = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    run(LogDesk(), {"do": "a", **brings}, {"do": "b", **brings})

    ids = [one.id for one in collector.spans]
    assert len(ids) == len(set(ids)) == 14


def test_the_resource_says_which_job_and_worker_it_was(lamp):
    resource = lamp.spans[0].resource

    assert resource["service.name"] == "LogDesk"
    assert resource["headrace.job"] == "LogDesk"
    assert resource["headrace.task"] == "local"
    assert "service.instance.id" in resource


def test_the_variables_of_the_sdk_say_where_to_and_by_which_name(run, collector, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "desk")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    run(Silent(), {"do": "x"})

    assert collector.spans[0].resource["service.name"] == "desk"
    assert collector.spans[0].resource["deployment.environment.name"] == "test"
    assert collector.headers[0]["authorization"] == "Bearer abc"
    assert collector.headers[0]["content-encoding"] == "gzip"


def test_a_skill_is_a_span_of_what_used_it_and_what_else_resources_tell_an_event(run, collector):
    run(Keeper(), "pears")
    [called], [skill] = collector.named("execute_tool lookup"), collector.named("skill stocktaking")

    assert skill.parent == called.id
    assert skill.attributes["headrace.skill.use"] == "loaded"
    assert [name for name, _ in called.events] == ["headrace.resource.searched"]


def test_a_call_within_a_tool_is_in_the_tool_s_span(run, collector):
    run(Outer(), {"do": "pears"})

    assert ("call otel_agents:weighed", "execute_tool scales") in tree(collector.spans)


def test_what_a_sub_agent_does_is_in_its_span(run, collector):
    run(Boss(), {"do": "pears"})

    assert tree(collector.spans) == [
        ("action keeper.keep", "invoke_agent keeper"),
        ("action order", "invoke_agent Boss"),
        ("call otel_agents:weighed", "action keeper.keep"),
        ("chat scripted (no model: rules from the plan)", "action keeper.keep"),
        ("chat scripted (no model: rules from the plan)", "action keeper.keep"),
        ("execute_tool lookup", "action keeper.keep"),
        ("invoke_agent Boss", ""),
        ("invoke_agent keeper", "action order"),
        ("skill stocktaking", "execute_tool lookup"),
    ]


def test_the_command_line_loads_the_plugin_without_the_sdk():
    program = (
        "import sys; from headrace.plugins import Kind, discover, load\n"
        "load(discover().get(Kind.HOOKS, 'otel'))\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert load(discover().get(Kind.HOOKS, "otel")).__name__ == "OpenTelemetry"
