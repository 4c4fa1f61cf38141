"""Whole agents with the models: compiled, run by the local engine, and answered over HTTP."""

from __future__ import annotations

from pydantic import BaseModel

from headrace import Agent, AgentPlan, InputEvent, OutputEvent, action, run_local, tool, use


class Place(BaseModel):
    """A place on the map."""

    city: str
    country: str = "CH"


class Sky(BaseModel):
    """What the sky does."""

    rains: bool


class Reporter(Agent):
    """Tells the weather with a tool."""

    url: str

    def resources(self):
        return {
            "model": use("chat_models", "gemini", model="gemini-3-test", base_url=self.url),
            "embedder": use("embedding_models", "gemini", model="embed-test", base_url=self.url),
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
        response = await ctx.chat(
            "model", event.input, tools=["weather"], output=Sky, options={"seed": 1}
        )
        ctx.send(OutputEvent(output=response.output.rains))


class Finder(Reporter):
    """Embeds what comes."""

    @action(InputEvent, name="report")
    async def report(self, event, ctx):
        embedder = await ctx.resource("embedding_models", "embedder")
        ctx.send(OutputEvent(output=len(await embedder.embed_query(event.input))))


def test_agent_calls_its_tools_and_answers_in_its_form(provider):
    first = {**provider.call("weather", place={"city": "Basel"}), "thoughtSignature": "c2ln"}
    provider.says(first, provider.call("weather", place={"city": "Bern"}))
    provider.says('{"rains": true}')

    assert list(run_local(Reporter(url=provider.url), ["Weather?"])) == [True]
    asked, again = provider.bodies
    assert asked["generationConfig"]["seed"] == 1
    assert "rains" in asked["generationConfig"]["responseJsonSchema"]["properties"]
    assert again["contents"][1]["parts"][0] == first
    told = [part["functionResponse"]["response"] for part in again["contents"][2]["parts"]]
    assert ["Basel" in str(told[0]), "Bern" in str(told[1])] == [True, True]


def test_agent_embeds(provider):
    assert list(run_local(Finder(url=provider.url), ["Weather?"])) == [32]


def test_plan_is_made_without_a_server_and_holds_no_key(key):
    plan = AgentPlan.from_agent(Reporter(url="http://gemini.invalid")).model_dump_json()

    assert "gemini-3-test" in plan
    assert key not in plan
