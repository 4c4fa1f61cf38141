"""Whole agents with the model: compiled, run by the local engine, and answered over HTTP."""

from __future__ import annotations

import json

import pytest

from headrace import Agent, AgentPlan, InputEvent, OutputEvent, action, retry, run_local, tool, use
from headrace.errors import JobFailedError
from headrace.policy import DEAD_LETTER


class Reporter(Agent):
    """Tells the weather with a tool."""

    url: str

    def resources(self):
        return {
            "model": use(
                "chat_models",
                "anthropic",
                model="claude-test",
                base_url=self.url,
                thinking={"type": "adaptive"},
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
        response = await ctx.chat("model", event.input, tools=["weather"])
        ctx.send(OutputEvent(output=response.text))


class Patient(Reporter):
    """The same, with a policy that tries again."""

    @action(InputEvent, on_failure=retry(2, 0.01), name="report")
    async def report(self, event, ctx):
        response = await ctx.chat("model", event.input)
        ctx.send(OutputEvent(output=response.text))


def test_agent_calls_its_tools_and_answers(provider):
    cities = [provider.call("a", "weather", city="Zürich"), provider.call("b", "weather", city="B")]
    provider.answer(provider.thought("Both."), *cities)
    provider.answer("Rain in both.")

    outputs = run_local(Reporter(url=provider.url), ["Weather?"])

    assert list(outputs) == ["Rain in both."]
    told = provider.bodies[1]["messages"][2]["content"]
    assert [(b["tool_use_id"], json.loads(b["content"][0]["text"])["city"]) for b in told] == [
        ("a", "Zürich"),
        ("b", "B"),
    ]


def test_thinking_goes_back_with_the_calls_that_it_led_to(provider):
    blocks = [provider.thought("Hm."), provider.call("a", "weather", city="Zürich")]
    provider.answer(*blocks)
    provider.answer("Rain.")

    run_local(Reporter(url=provider.url), ["Weather?"])

    assert provider.bodies[1]["messages"][1]["content"] == blocks


def test_plan_holds_the_name_of_the_keys_variable_and_not_the_key(provider, key):
    plan = AgentPlan.from_agent(Reporter(url=provider.url))

    assert key not in plan.model_dump_json()


def test_runtime_tries_again_what_may_pass(provider):
    provider.fail(529, "Overloaded", "overloaded_error")
    provider.answer("done")

    outputs = run_local(Patient(url=provider.url), ["x"])

    assert list(outputs) == ["done"]


def test_runtime_does_not_try_again_what_will_not_pass(provider):
    provider.fail(401, "no", "authentication_error")

    with pytest.raises(JobFailedError, match="answered 401"):
        run_local(Patient(url=provider.url), ["x"])


def test_failure_goes_to_the_dead_letters_without_the_key(provider, key):
    provider.fail(400, f"your key {key} is fine, your request is not", "invalid_request_error")

    letter = json.dumps(run_local(Reporter(url=provider.url), ["x"]).dead_letters, default=str)

    assert "your request is not" in letter
    assert key not in letter
