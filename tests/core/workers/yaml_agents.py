"""Functions that agents in YAML name, and the same agents as classes."""

from __future__ import annotations

from connection_agents import Line

from headrace import Agent, AgentBuilder, Context, InputEvent, OutputEvent, action, use
from headrace.agents import ReActAgent
from headrace.prompts import Prompt
from headrace.sub_agents import sub_agent
from headrace.teams import Team, route


async def answer(event: InputEvent, ctx: Context) -> None:
    """Answers an input."""
    ctx.send(OutputEvent(output=(await ctx.chat("llm", event.input)).text))


def greet(event: InputEvent, ctx: Context) -> None:
    """Greets."""
    ctx.send(OutputEvent(output=f"{ctx.config.get('greeting', 'Hello')}, {event.input}"))


def look(name: str) -> str:
    """Looks something up.

    Args:
        name: What to look up.
    """
    return name


class Answering(Agent):
    """Answers."""

    agent_name = "answering"
    gate = use("connections", Line, address="the mill").with_policy(concurrency=2)
    llm = use("chat_models", Line, connection="gate", model="large")
    rules = Prompt("Be short.")
    answer = staticmethod(action(InputEvent)(answer))


def clerk() -> AgentBuilder:
    """The clerk of the file."""
    gate = use("connections", Line, address="the mill").with_policy(concurrency=2)
    named = {"name": "clerk", "description": "Looks things up."}
    return (
        AgentBuilder(ReActAgent, instructions="Look things up.", **named)
        .resource("gate", gate)
        .resource("model", use("chat_models", Line, connection="gate", model="large"))
        .tool(look)
    )


def desk() -> AgentBuilder:
    """Asks the clerk of the file."""
    gate = use("connections", Line, address="the mill").with_policy(concurrency=2)
    return (
        AgentBuilder(ReActAgent, name="desk", description="Asks the clerk.")
        .resource("gate", gate)
        .resource("model", use("chat_models", Line, connection="gate", model="large"))
        .resource("helper", sub_agent(clerk(), timeout=9, max_tool_rounds=3))
    )


class Sized(Agent):
    """Has parameters."""

    zone: str = "eu"
    limit: int = 1

    @action(InputEvent)
    def tell(self, event: InputEvent, ctx: Context) -> None:
        """Tells its parameters."""
        ctx.send(OutputEvent(output=[self.zone, self.limit]))


def reviews() -> Team:
    """The team of the file."""
    return Team(
        "reviews",
        description="Answers, twice.",
        first=Answering(),
        second=Answering(),
        routes=[route("first", "second", when="rounds < 1")],
    )
