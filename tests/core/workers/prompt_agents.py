"""Agents and prompts that are compiled, and parts that workers import."""

from __future__ import annotations

import json
from typing import Any

from headrace import (
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    Prompt,
    Toolset,
    action,
    use,
)
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
