"""Models that go over one connection: they tell with what they were built, and how many are busy.

No intelligence: an answer is what the model was built with.
"""

from __future__ import annotations

import asyncio
from typing import Any

from headrace import (
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    EmbeddingModel,
    InputEvent,
    Message,
    ModelError,
    OutputEvent,
    action,
    use,
)


class Line(ChatModel):
    """Says where it is and what it is called; counts how many requests are under way at once."""

    busy = 0
    most = 0

    def __init__(self, model: str, address: str = "nowhere", *, fails: bool = False) -> None:
        self._told = f"{model} at {address}"
        self._fails = fails

    async def chat(self, request: ChatRequest) -> ChatResponse:
        Line.busy += 1
        Line.most = max(Line.most, Line.busy)
        try:
            for _ in range(20):
                await asyncio.sleep(0)
            if self._fails:
                raise ModelError("out of order", code="overloaded")
        finally:
            Line.busy -= 1
        return ChatResponse(message=Message(role="assistant", content=self._told))


class Texts(EmbeddingModel):
    """An embedder of the same provider."""

    def __init__(self, model: str, address: str = "nowhere") -> None:
        self._told = f"{model} at {address}"

    async def embed(self, texts: Any) -> list[list[float]]:
        return [[1.0] for _ in texts]


async def ask(event: InputEvent, ctx: Context) -> None:
    """Asks both models at the same time, again and again."""
    Line.most = 0
    requests = [ctx.chat(name, "say") for name in ("large", "small") * 3]
    answers = await asyncio.gather(*requests)
    told = sorted({answer.text for answer in answers})
    ctx.send(OutputEvent(output=[told, Line.most]))


class Caller(Agent):
    """Asks two models over one connection."""

    line = use("connections", Line, address="the mill").with_policy(concurrency=1, timeout=9)
    large = use("chat_models", Line, connection="line", model="large")
    small = use("chat_models", Line, connection="line", model="small").with_policy(timeout=5)
    texts = use("embedding_models", Texts, connection="line", model="texts")
    ask = staticmethod(action(InputEvent)(ask))


class Careful(Agent):
    """What fails in one model of a connection keeps the other from being asked."""

    line = use("connections", Line, address="the mill").with_policy(
        breaker={"failures": 1, "seconds": 3600}, retry={"attempts": 1}
    )
    broken = use("chat_models", Line, connection="line", model="broken", fails=True)
    sound = use("chat_models", Line, connection="line", model="sound")

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        told = []
        for name in ("sound", "broken", "sound"):
            try:
                told.append((await ctx.chat(name, "say")).text)
            except ModelError as error:
                told.append(error.code)
        ctx.send(OutputEvent(output=told))
