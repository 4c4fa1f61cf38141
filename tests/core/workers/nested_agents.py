"""Agents that ask other agents: importable by name on every worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from pydantic import BaseModel

from headrace import (
    DEAD_LETTER,
    Agent,
    AgentBuilder,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    NonRetryableError,
    OutputEvent,
    RuntimeConfig,
    SubAgentError,
    ToolCall,
    action,
    retry,
    sub_agent,
    use,
)
from headrace.teams import Team, route

TRIED: Counter[str] = Counter()
"""How often something was tried in this process."""


class Caller(ChatModel):
    """Calls every tool that it is offered, once and with what it was asked; then tells what came.

    No intelligence.
    """

    async def chat(self, request: ChatRequest) -> ChatResponse:
        told = [message for message in request.messages if message.role == "tool"]
        if told or not request.tools:
            text = " + ".join(message.content for message in told) or request.messages[-1].content
            return ChatResponse(message=Message(role="assistant", content=text))
        asked = request.messages[-1].content
        calls = tuple(
            ToolCall(id=str(number), name=spec.name, arguments={"input": asked})
            for number, spec in enumerate(request.tools)
        )
        return ChatResponse(message=Message(role="assistant", tool_calls=calls))


class Reader(Agent):
    """Reads, and counts what it has read."""

    sign: str = "r"

    @action(InputEvent)
    async def read(self, event: InputEvent, ctx: Context) -> None:
        if event.input == "burn":
            raise ValueError("it burns")
        ctx.short_term["read"] = number = ctx.short_term.get("read", 0) + 1
        ctx.sensory["read"] = ctx.sensory.get("read", 0) + 1
        read = {"text": f"{self.sign}:{event.input}", "read": number, "now": ctx.sensory["read"]}
        ctx.send(OutputEvent(output=read))


class Researcher(Agent):
    """Has a reader of its own."""

    reader = sub_agent(Reader(sign="in"))

    @action(InputEvent)
    async def research(self, event: InputEvent, ctx: Context) -> None:
        read = await ctx.agent("reader", event.input)
        ctx.short_term["read"] = ctx.short_term.get("read", 0) + 100
        ctx.send(OutputEvent(output={"found": read, "read": ctx.short_term["read"]}))


class Slow(Agent):
    """Never ends."""

    @action(InputEvent)
    async def wait(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.get_running_loop().create_future()


class Talker(Agent):
    """Asks its model again and again."""

    config = RuntimeConfig(failure=retry(3, 0))
    model = use("chat_models", Caller)

    @action(InputEvent)
    async def talk(self, event: InputEvent, ctx: Context) -> None:
        for number in range(10):
            await ctx.chat("model", f"{event.input} {number}")


class Flaky(Agent):
    """Works at the second attempt, by its own policy."""

    config = RuntimeConfig(failure=retry(2, 0))

    @action(InputEvent)
    async def try_it(self, event: InputEvent, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise ValueError("not yet")
        ctx.send(OutputEvent(output=f"attempt {ctx.attempt}"))


class Several(Agent):
    """Puts out as many values as it is asked for."""

    @action(InputEvent)
    async def put(self, event: InputEvent, ctx: Context) -> None:
        for number in range(event.input):
            ctx.send(OutputEvent(output=number))


class Upper(Agent):
    """A member of a team."""

    @action(InputEvent)
    async def upper(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=str(event.input).upper()))


class Question(BaseModel):
    """The form of a sub-agent's inputs."""

    topic: str
    pages: int = 1


def blocking_ask(event: InputEvent, ctx: Any) -> None:
    ctx.send(OutputEvent(output=ctx.agent("reader", event.input)))


def reader_tool(text: str) -> str:
    """Reads."""
    return text


class Desk(Agent):
    """Asks its sub-agents what its inputs say."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    model = use("chat_models", Caller)
    reader = sub_agent(Reader())
    queued = sub_agent(Reader(sign="q"), one_at_a_time=True)
    researcher = sub_agent(Researcher(), description="Finds things out.")
    slow = sub_agent(Slow, timeout=0.05)
    talker = sub_agent(Talker(), budget={"calls": 2})
    flaky = sub_agent(Flaky())
    several = sub_agent(Several(), many=True)
    single = sub_agent(Several())
    team = sub_agent(
        Team("shouting", reader=Reader(), upper=Upper(), routes=[route("reader", "upper")])
    )

    @action(InputEvent)
    async def serve(self, event: InputEvent, ctx: Context) -> None:
        case = event.input["case"]
        ctx.short_term["read"] = -1
        found = await getattr(self, f"_{case}")(ctx, event.input.get("text", "x"))
        ctx.send(OutputEvent(output={"case": case, "found": found}))

    async def _one(self, ctx: Context, text: str) -> Any:
        return await ctx.agent("reader", text)

    async def _nested(self, ctx: Context, text: str) -> Any:
        return await ctx.agent("researcher", text)

    async def _gather(self, ctx: Context, text: str) -> Any:
        asked = (("reader", text), ("researcher", text))
        return await asyncio.gather(*(ctx.agent(name, value) for name, value in asked))

    async def _conflict(self, ctx: Context, text: str) -> Any:
        try:
            await asyncio.gather(ctx.agent("researcher", "a"), ctx.agent("researcher", "b"))
            # Both read one more: the counts are equal, so there is nothing to choose between.
            await asyncio.gather(ctx.agent("reader", "a"), ctx.agent("several", 0))
            first, second = ctx.agent("reader", "a"), ctx.agent("reader", "b")
            await first
            await ctx.agent("reader", "c")
            await second
        except Exception as error:  # noqa: BLE001 - what it is, is what is asked
            return type(error).__name__
        return "no conflict"

    async def _queue(self, ctx: Context, text: str) -> Any:
        return await asyncio.gather(*(ctx.agent("queued", each) for each in "abc"))

    async def _failure(self, ctx: Context, text: str) -> Any:
        try:
            await ctx.agent("researcher", "burn")
        except SubAgentError as error:
            return [error.agent, error.retryable, str(error)]

    async def _time(self, ctx: Context, text: str) -> Any:
        try:
            await ctx.agent("slow", "x")
        except SubAgentError as error:
            return str(error)

    async def _budget(self, ctx: Context, text: str) -> Any:
        try:
            await ctx.agent("talker", "x")
        except SubAgentError as error:
            return [error.retryable, str(error)]

    async def _flaky(self, ctx: Context, text: str) -> Any:
        return await ctx.agent("flaky")

    async def _many(self, ctx: Context, text: str) -> Any:
        return [await ctx.agent("several", number) for number in (0, 1, 3)]

    async def _single(self, ctx: Context, text: str) -> Any:
        try:
            none = await ctx.agent("single", 0)
            await ctx.agent("single", 2)
        except SubAgentError as error:
            return [none, str(error)]

    async def _team(self, ctx: Context, text: str) -> Any:
        return await ctx.agent("team", text)

    async def _model(self, ctx: Context, text: str) -> Any:
        return (await ctx.chat("model", text, tools=["researcher", "reader"])).text

    async def _tool(self, ctx: Context, text: str) -> Any:
        return await ctx.tool("reader", input=text)

    async def _lost(self, ctx: Context, text: str) -> Any:
        await ctx.agent("reader", "x")
        raise NonRetryableError("lost")

    async def _memory(self, ctx: Context, text: str) -> Any:
        return ctx.short_term["read"]


def blocking_desk() -> AgentBuilder:
    """The same from an action in a thread, written by calls."""
    return (
        AgentBuilder("blocking-desk")
        .resource("reader", sub_agent(AgentBuilder(Reader, sign="b")))
        .action(blocking_ask, InputEvent, blocking=True)
    )


async def tried(what: str) -> str:
    """Counts a durable call."""
    TRIED[what] += 1
    return what


async def hung() -> str:
    """Never ends."""
    TRIED["hung"] += 1
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def failed() -> str:
    """Fails the first time."""
    TRIED["failed"] += 1
    if TRIED["failed"] == 1:
        raise ValueError("once")
    return "failed once"


class Inner(Agent):
    """Does one thing, by its field."""

    config = RuntimeConfig(failure=retry(1))
    way: str
    hang: bool = True

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        if self.way == "count":
            await ctx.call(tried, "counted")
            ctx.short_term["count"] = number = ctx.short_term.get("count", 0) + 1
            ctx.send(OutputEvent(output=f"count {number}"))
        elif self.way == "hang":
            await ctx.call(tried, "before hanging")
            if self.hang:
                await ctx.call(hung)
            ctx.send(OutputEvent(output="hang over"))
        else:
            await ctx.call(tried, "before")
            ctx.send(OutputEvent(output=await ctx.call(failed)))


class Thrice(Agent):
    """Works at the fourth attempt of all."""

    config = RuntimeConfig(failure=retry(2, 0))

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        TRIED["thrice"] += 1
        if TRIED["thrice"] < 4:
            raise ValueError("again")
        ctx.send(OutputEvent(output=str(TRIED["thrice"])))


class Outer(Agent):
    """Asks its sub-agents in turn."""

    config = RuntimeConfig(failure=retry(2, 0))
    hang: bool = True

    def resources(self) -> dict[str, Any]:
        ways = {"count": "count", "hang": "hang", "fail_once": "fail"}
        made = {name: sub_agent(Inner(way=way, hang=self.hang)) for name, way in ways.items()}
        return {**made, "fail_thrice": sub_agent(Thrice())}

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        found = [await ctx.agent(name.replace(" ", "_"), None) for name in event.input]
        ctx.send(OutputEvent(output=found))


class Spender(Agent):
    """Lets a sub-agent spend more than the run may."""

    config = RuntimeConfig(budget={"calls": 3})
    talker = sub_agent(Talker(), budget={"calls": 5})

    @action(InputEvent)
    async def spend(self, event: InputEvent, ctx: Context) -> None:
        await ctx.agent("talker", event.input)


class Endless(Agent):
    """Declares itself."""

    def resources(self) -> dict[str, Any]:
        return {"endless": sub_agent(Endless())}

    @action(InputEvent)
    def do(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=None))
