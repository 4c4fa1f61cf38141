"""Agents whose event log is looked at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

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
    ModelError,
    OutputEvent,
    ToolCall,
    Usage,
    action,
    tool,
    use,
)
from headrace.policy import FailurePolicy

if TYPE_CHECKING:
    from collections.abc import Callable


class Priced(Event):
    """An order has its price."""

    price: int


class Sum(BaseModel):
    """A form of answers."""

    total: int


class Clerk(ChatModel):
    """Calls the tool ``price``, then says what it was told; it has no intelligence."""

    async def chat(self, request: ChatRequest) -> ChatResponse:
        asked = next(one.content for one in request.messages if one.role == "user")
        usage = Usage(input_tokens=10, output_tokens=2, cost=0.5)
        if asked == "down":
            raise ModelError("no answer", code="refused")
        if asked == "no form":
            return ChatResponse(message=Message(role="assistant", content="many"), usage=usage)
        told = [one.content for one in request.messages if one.role == "tool"]
        if told:
            text = f'{{"total": {told[-1]}}}'
            return ChatResponse(message=Message(role="assistant", content=text), usage=usage)
        call = ToolCall(id="1", name="price", arguments={"order": asked})
        return ChatResponse(message=Message(role="assistant", tool_calls=(call,)), usage=usage)


async def stamped(order: str) -> str:
    """A function that is called durably."""
    return f"{order}!"


class LogDesk(Agent):
    """Asks a model for a price, in a form; fails as it is told to."""

    clerk = use("chat_models", Clerk)

    @tool()
    async def price(self, order: str) -> int:
        """The price of an order."""
        if order == "tool":
            raise RuntimeError("the till is empty")
        return len(order)

    @action(InputEvent, on_failure=FailurePolicy(attempts=2, backoff=0.001, then="dead_letter"))
    async def order(self, event: InputEvent, ctx: Context) -> None:
        """Asks."""
        do = event.input["do"]
        if do == "action" and ctx.attempt == 1:
            raise ValueError("not at once")
        answer = await ctx.chat("clerk", do, tools=["price"], output=Sum)
        ctx.short_term["seen"] = ctx.short_term.get("seen", 0) + 1
        ctx.send(Priced(price=answer.output.total))

    @action(Priced)
    async def tell(self, event: Priced, ctx: Context) -> None:
        """Tells."""
        await ctx.call(stamped, "order")
        ctx.send(OutputEvent(output={"key": ctx.key, "price": event.price}))


HOLD_TRY: dict[int, Callable[[], None]] = {}
"""What is done in which try of ``shaky``, which then waits for ever."""
FAILED: dict[str, int] = {}
"""How often ``shaky`` failed, by what it was asked."""


async def shaky(order: str) -> str:
    """Fails twice, or always."""
    FAILED[order] = FAILED.get(order, 0) + 1
    if hold := HOLD_TRY.get(FAILED[order]):
        hold()
        await asyncio.get_running_loop().create_future()
    if FAILED[order] <= 2 or order == "never":
        raise ConnectionError(f"no line ({FAILED[order]})")
    return order


class Trying(Agent):
    """Makes a call that is tried three times."""

    @action(InputEvent, on_failure=FailurePolicy(then="skip"))
    async def go(self, event: InputEvent, ctx: Context) -> None:
        """Calls."""
        policy = FailurePolicy(attempts=3, backoff=0.01, jitter=0)
        said = await ctx.call(shaky, event.input["do"], retry=policy)
        for hold in HOLD:
            hold()
            await asyncio.get_running_loop().create_future()
        ctx.send(OutputEvent(output=said))


HOLD: list[Callable[[], None]] = []
"""What is done after the call of ``Waiting``, which then waits for ever; nothing where empty."""


class Waiting(Agent):
    """Makes a call."""

    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        """Calls."""
        said = await ctx.call(stamped, event.input["do"])
        for hold in HOLD:
            hold()
            await asyncio.get_running_loop().create_future()
        ctx.send(OutputEvent(output=said))


class Silent(Agent):
    """Asks for no id of its run, so the log has to make it."""

    @action(InputEvent)
    def go(self, event: InputEvent, ctx: Context) -> None:
        """Does nothing."""


def once(value: Any) -> Any:
    """The input's ``do``, as the key."""
    return value["do"]


__all__ = [
    "HOLD",
    "Clerk",
    "LogDesk",
    "Priced",
    "Silent",
    "Sum",
    "Trying",
    "Waiting",
    "once",
    "shaky",
    "stamped",
]
