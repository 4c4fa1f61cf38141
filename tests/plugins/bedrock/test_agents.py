"""Whole agents with the models: compiled, run by the local engine, and answered over HTTP."""

from __future__ import annotations

import json

from pydantic import BaseModel

from headrace import Agent, AgentPlan, InputEvent, OutputEvent, action, run_local, tool, use


class Sky(BaseModel):
    """What the sky does."""

    rains: bool


class Reporter(Agent):
    """Tells the weather with a tool."""

    url: str

    def resources(self):
        aws = use("connections", "bedrock", region="eu-west-1", base_url=self.url)
        return {
            "aws": aws,
            "model": use("chat_models", "bedrock", connection="aws", model="m", structured=True),
            "embedder": use(
                "embedding_models", "bedrock", connection="aws", model="amazon.titan-embed-x"
            ),
        }

    @tool()
    def weather(self, city: str) -> dict:
        """Tells the weather.

        Args:
            city: Where.
        """
        return {"city": city, "sky": "rain"}

    @action(InputEvent)
    async def report(self, event, ctx):
        response = await ctx.chat(
            "model", event.input, tools=["weather"], output=Sky, options={"topP": 0.5}
        )
        ctx.send(OutputEvent(output=response.output.rains))


class Finder(Reporter):
    """Embeds what comes."""

    @action(InputEvent, name="report")
    async def report(self, event, ctx):
        embedder = await ctx.resource("embedding_models", "embedder")
        ctx.send(OutputEvent(output=len(await embedder.embed_query(event.input))))


def test_agent_calls_its_tools_and_answers_in_its_form(provider):
    calls = [provider.call(name, "weather", city=name) for name in ("Basel", "Bern")]
    provider.says(provider.thought("Two towns."), *calls)
    provider.says('{"rains": true}')

    assert list(run_local(Reporter(url=provider.url), ["Weather?"])) == [True]
    asked, again = provider.bodies
    assert asked["inferenceConfig"] == {"topP": 0.5}
    form = json.loads(asked["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
    assert list(form["properties"]) == ["rains"]
    assert again["messages"][1]["content"] == [provider.thought("Two towns."), *calls]
    told = [block["toolResult"]["content"][0] for block in again["messages"][2]["content"]]
    assert ["Basel" in str(told[0]), "Bern" in str(told[1])] == [True, True]


def test_agent_embeds(provider):
    assert list(run_local(Finder(url=provider.url), ["Weather?"])) == [32]


def test_plan_is_made_without_a_server_and_holds_no_secret(secret):
    plan = AgentPlan.from_agent(Reporter(url="http://bedrock.invalid")).model_dump_json()

    assert "eu-west-1" in plan
    assert secret not in plan
