"""Agents whose metrics are looked at."""

from __future__ import annotations

import asyncio

from headrace import (
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    ModelError,
    OutputEvent,
    Prices,
    ToolCall,
    Usage,
    action,
    retry,
    tool,
    use,
)
from headrace.records import tell_skill

__all__ = ["Chatting", "Shop"]


async def price(of: str) -> int:
    """What something costs."""
    return len(of)


class Shop(Agent):
    """Sells; what it cannot sell it tries again, and puts aside."""

    @action(InputEvent, on_failure=retry(2, backoff=0.01, then="dead_letter"))
    async def sell(self, event: InputEvent, ctx: Context) -> None:
        asked = event.input
        ctx.metrics.counter("orders", region=asked["region"]).inc()
        ctx.metrics.meter("clicks").mark(3)
        ctx.metrics.gauge("stock").set(asked["n"])
        ctx.metrics.histogram("basket", buckets=(1, 10)).observe(asked["n"])
        cost = await ctx.call(price, asked["region"])
        if asked.get("do") == "wait":
            await asyncio.sleep(0.01)
        if asked.get("do") == "never":
            raise ValueError("sold out")
        ctx.send(OutputEvent(output={**asked, "cost": cost}))


class Writer(ChatModel):
    """A fake of a model's intelligence: it calls a tool once, and is overloaded once."""

    def __init__(self) -> None:
        self.overloaded = False

    async def chat(self, request: ChatRequest) -> ChatResponse:
        asked = request.messages[0].content
        usage = Usage(input_tokens=100, output_tokens=10, cached_tokens=20)
        calls: tuple[ToolCall, ...] = ()
        if request.messages[-1].role == "user" and asked != "plain":
            name = "look" if asked == "look" else "wished-for"
            calls = (ToolCall(id="1", name=name, arguments={}),)
        elif asked == "plain" and not self.overloaded:
            self.overloaded = True
            raise ModelError("later", code="overloaded")
        message = Message(role="assistant", content="so", tool_calls=calls)
        return ChatResponse(message=message, usage=usage, model="writer-1")


class Chatting(Agent):
    """Asks a model that has a tool."""

    writer = use("chat_models", Writer).with_policy(
        retry=retry(2, backoff=0.01), prices=Prices(input=2, output=10, cached=0)
    )

    @tool()
    async def look(self) -> str:
        """Looks."""
        tell_skill("loaded", "pdf")
        return "seen"

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        await ctx.chat("writer", event.input, tools=["look"])
