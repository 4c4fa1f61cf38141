"""Whole agents with the models: compiled, run by the local engine, and answered over HTTP."""

from __future__ import annotations

import json

from pydantic import BaseModel

from headrace import Agent, AgentPlan, InputEvent, OutputEvent, action, run_local, tool, use


class Place(BaseModel):
    """A place on the map."""

    city: str
    country: str = "CH"


class Reporter(Agent):
    """Tells the weather with a tool."""

    url: str

    def resources(self):
        return {
            "model": use(
                "chat_models", "ollama", model="llama-test", host=self.url, temperature=0.0
            ),
            "embedder": use("embedding_models", "ollama", model="embed-test", host=self.url),
        }

    @tool()
    def weather(self, place: Place) -> dict:
        """Tells the weather.

        Args:
            place: Where.
        """
        return {"city": place.city, "sky": "rain"}

    @action(InputEvent)
    async def report(self, event, ctx):
        response = await ctx.chat("model", event.input, tools=["weather"], options={"seed": 1})
        ctx.send(OutputEvent(output=response.text))


class Finder(Reporter):
    """Embeds what comes."""

    @action(InputEvent, name="report")
    async def report(self, event, ctx):
        embedder = await ctx.resource("embedding_models", "embedder")
        ctx.send(OutputEvent(output=len(await embedder.embed_query(event.input))))


def call(city: str) -> dict[str, object]:
    return {"function": {"name": "weather", "arguments": {"place": {"city": city}}}}


def test_agent_calls_its_tools_and_answers(provider):
    provider.says(
        {"role": "assistant", "content": "", "tool_calls": [call("Zürich"), call("Bern")]}
    )
    provider.says({"role": "assistant", "content": "Rain in both."})

    outputs = run_local(Reporter(url=provider.url), ["Weather?"])

    assert list(outputs) == ["Rain in both."]
    first, second = provider.bodies
    assert first["options"] == {"temperature": 0.0, "seed": 1}
    told = [message for message in second["messages"] if message["role"] == "tool"]
    assert [json.loads(message["content"])["city"] for message in told] == ["Zürich", "Bern"]


def test_fields_of_a_tools_argument_reach_the_model(provider):
    provider.says({"role": "assistant", "content": "Rain."})

    run_local(Reporter(url=provider.url), ["Weather?"])

    parameters = provider.bodies[0]["tools"][0]["function"]["parameters"]
    assert '"city":{' in parameters["properties"]["place"]["description"]


def test_agent_embeds(provider):
    assert list(run_local(Finder(url=provider.url), ["Weather?"])) == [32]


def test_plan_is_made_without_a_server():
    plan = AgentPlan.from_agent(Reporter(url="http://ollama.invalid"))

    assert "llama-test" in plan.model_dump_json()
