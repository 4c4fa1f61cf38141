"""Whole agents with the model: compiled, run by the local engine, and answered over HTTP."""

from __future__ import annotations

import json
from importlib.metadata import entry_points

import pytest

from headrace import Agent, AgentPlan, InputEvent, OutputEvent, action, retry, run_local, tool, use
from headrace.errors import JobFailedError
from headrace.policy import DEAD_LETTER

from .replies import Completion, Responded, called, said, thought


class Reporter(Agent):
    """Tells the weather with a tool."""

    url: str

    def resources(self):
        return {
            "model": use(
                "chat_models", "openai", model="gpt-test", base_url=self.url, temperature=0.0
            )
        }

    @tool()
    def weather(self, city: str) -> dict:
        """Tells the weather.

        Args:
            city: The city's name.
        """
        return {"city": city, "sky": "rain"}

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def report(self, event, ctx):
        response = await ctx.chat("model", event.input, tools=["weather"], options={"seed": 1})
        ctx.send(OutputEvent(output=[response.text, response.usage.input_tokens]))


class Thinker(Reporter):
    """The same, with the responses interface."""

    def resources(self):
        return {
            "model": use("chat_models", "openai-responses", model="gpt-test", base_url=self.url)
        }

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def report(self, event, ctx):
        response = await ctx.chat("model", event.input, tools=["weather"])
        ctx.send(OutputEvent(output=[response.text, response.usage.input_tokens]))


class Patient(Reporter):
    """The same, with a policy that tries again."""

    @action(InputEvent, on_failure=retry(2, 0.01), name="report")
    async def report(self, event, ctx):
        response = await ctx.chat("model", event.input)
        ctx.send(OutputEvent(output=response.text))


def call(call_id: str, city: str) -> dict[str, object]:
    arguments = json.dumps({"city": city})
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": "weather", "arguments": arguments},
    }


def test_agent_calls_its_tools_and_answers(provider):
    calls = [call("a", "Zürich"), call("b", "Bern")]
    provider.answer({"tool_calls": calls, "finish_reason": "tool_calls"})
    provider.answer({"content": "Rain in both."})

    outputs = run_local(Reporter(url=provider.url), ["Weather?"])

    assert list(outputs) == [["Rain in both.", 22]]
    first, second = provider.bodies
    assert first["tools"][0]["function"]["parameters"]["required"] == ["city"]
    assert (first["temperature"], first["seed"]) == (0.0, 1)
    told = [message for message in second["messages"] if message["role"] == "tool"]
    assert [(m["tool_call_id"], json.loads(m["content"])["city"]) for m in told] == [
        ("a", "Zürich"),
        ("b", "Bern"),
    ]


@pytest.mark.skipif(
    not entry_points(group="headrace.chat_models", name="openai-responses"),
    reason="the plugin was installed before it had this model",
)
def test_reasoning_goes_along_from_turn_to_turn(provider):
    first = (thought("Clouds?"), called("a", "weather", '{"city":"Bern"}'))
    provider.reply(Responded(*first), Responded(said("Rain.")))

    outputs = run_local(Thinker(url=provider.url), ["Weather?"])

    assert list(outputs) == [["Rain.", 22]]
    _, reasoning, call_made, result = provider.bodies[1]["input"]
    assert [reasoning, call_made] == list(first)
    assert (result["call_id"], json.loads(result["output"])["city"]) == ("a", "Bern")


def test_plan_holds_the_name_of_the_keys_variable_and_not_the_key(provider, key):
    plan = AgentPlan.from_agent(Reporter(url=provider.url))
    assert key not in plan.model_dump_json()


def test_runtime_tries_again_what_may_pass(provider):
    provider.fail(503, "overloaded")
    provider.answer({"content": "done"})
    assert list(run_local(Patient(url=provider.url), ["x"])) == ["done"]
    assert len(provider.bodies) == 2


def test_runtime_does_not_try_again_what_will_not_pass(provider):
    provider.fail(401, "no")
    with pytest.raises(JobFailedError, match="answered 401"):
        run_local(Patient(url=provider.url), ["x"])


def test_failure_goes_to_the_dead_letters_without_the_key(provider, key):
    provider.fail(400, f"your key {key} is fine, your request is not")
    outputs = run_local(Reporter(url=provider.url), ["x"])
    (letter,) = outputs.dead_letters
    assert "your request is not" in json.dumps(letter, default=str)
    assert key not in json.dumps(letter, default=str)


def test_missing_key_is_named(provider, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    outputs = run_local(Reporter(url=provider.url), ["x"])
    assert "OPENAI_API_KEY" in json.dumps(outputs.dead_letters, default=str)
    assert provider.bodies == []


class Gated(Agent):
    """Asks two models over one connection."""

    url: str

    def resources(self):
        return {
            "gate": use("connections", "openai", base_url=self.url, headers={"X-Gate": "mill"}),
            "large": use("chat_models", "openai", connection="gate", model="gpt-large"),
            "small": use("chat_models", "openai-responses", connection="gate", model="gpt-small"),
        }

    @action(InputEvent)
    async def ask(self, event, ctx):
        answers = [await ctx.chat(name, event.input) for name in ("large", "small")]
        ctx.send(OutputEvent(output=[answer.text for answer in answers]))


def test_models_over_one_connection_ask_its_server_with_its_headers(provider):
    provider.reply(Completion({"content": "a lot"}), Responded(said("little")))

    outputs = run_local(Gated(url=provider.url), ["How much?"])

    assert list(outputs) == [["a lot", "little"]]
    assert [request["model"] for request in provider.bodies] == ["gpt-large", "gpt-small"]
    assert [headers["x-gate"] for headers in provider.headers] == ["mill", "mill"]
