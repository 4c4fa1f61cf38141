"""Agents and prompts that are compiled, and parts that workers import."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from headrace import (
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    Event,
    InputEvent,
    Message,
    OutputEvent,
    Prompt,
    Toolset,
    action,
    use,
)
from headrace.agents import ChatAgent
from headrace.interfaces import PromptSource

HELLO = Prompt("Hello {name}")
TEXT = "Only {text}"
NUMBER = 7


class Mirror(ChatModel):
    """Shows what it was asked: no intelligence."""

    async def chat(self, request: ChatRequest) -> ChatResponse:
        shown = json.dumps([[message.role, message.content] for message in request.messages])
        return ChatResponse(message=Message(role="assistant", content=shown))


class NoTools(Toolset):
    def specs(self) -> list[Any]:
        return []

    async def call(self, name: str, arguments: Any) -> Any:
        raise AssertionError("there is none")


class Elsewhere(PromptSource):
    def __init__(self, city: str) -> None:
        self._city = city

    async def fill(self, fields: Any) -> list[Message]:
        return [Message(role="user", content=self._city)]


def greeting(word: str = "Hello") -> Prompt:
    return Prompt(f"{word} {{name}}")


async def answered(event: InputEvent, ctx: Context) -> None:
    ctx.send(OutputEvent(output=(await ctx.chat("model", event.input)).text))


class Opened(Event, type="opened"):
    cluster: str


ASK = Prompt("{cluster}: {severity}?")


class Filling(Agent):
    """A base for agents whose actions fill prompts."""

    model = use("chat_models", Mirror).with_prompt("tone")
    plain = use("chat_models", Mirror)
    tone = Prompt("You speak {language} to {name}.")
    ask = Prompt("Look at {cluster}.")
    made = use("prompts", Elsewhere, city="Bern")


class Complete(Filling):
    """Gives all fields, or in ways of which nothing can be told."""

    @action(InputEvent)
    async def fill(self, event: InputEvent, ctx: Context) -> None:
        fields = {"language": "Latin", "name": "Ada"}
        await ctx.chat("model", language="Latin", name="Ada")
        await ctx.chat("model", **fields)
        await ctx.chat("model", event.input)
        await ctx.chat("model", input=event.input, name="Ada")
        await ctx.chat("plain", "hello")
        await ctx.chat("model", "hello", prompt="")
        await ctx.chat("model", prompt="ask", cluster="a")
        await ctx.chat("model", prompt="made", city="Bern")
        await ctx.chat("plain", ASK, **fields)
        await ctx.chat("plain", ctx.prompt("ask", cluster="a"))
        ctx.send(Opened(cluster="a"))

    @action(Opened)
    async def opened(self, event: Opened, ctx: Context) -> None:
        ctx.prompt("ask", input=event)
        await ctx.chat("plain", event, prompt="ask")
        await ctx.chat("plain", ASK, input=event, severity=3)


class Incomplete(Filling):
    @action(InputEvent)
    async def fill(self, event: InputEvent, ctx: Context) -> None:
        await ctx.chat("model", "hello", langage="Latin")
        await ctx.chat("model", [], language="Latin")
        await ctx.chat("model", prompt="aks", cluster="a")
        ctx.prompt("tone", language="Latin")
        ctx.prompt("tune", language="Latin")
        ctx.send(Opened(cluster="a"))

    @action(Opened)
    async def opened(self, event: Opened, ctx: Context) -> None:
        await ctx.chat("plain", ASK, input=event)


class Letter(BaseModel):
    sender: str
    text: str = "nothing"


class Loose(BaseModel, extra="allow"):
    sender: str


class Reader(ChatAgent):
    model = use("chat_models", Mirror)
    input = Letter
    language: str = "Latin"
    instructions = "You speak {language}."
    prompt = "{sender}: {text} {input}"


class Writer(Agent):
    model = use("chat_models", Mirror).with_prompt("tone")
    tone = Prompt(
        messages=[
            {"role": "system", "content": "You speak {language}."},
            {
                "role": "user",
                "content": "What is this?",
                "images": [{"url": "https://example.org/{id}.png"}],
            },
        ]
    )
    made = use("prompts", "prompt_agents:HELLO")

    @action(InputEvent)
    async def write(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=(await ctx.chat("model", event.input)).text))
