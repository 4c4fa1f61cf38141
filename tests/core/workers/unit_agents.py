"""Agents for the tests of single parts."""

from __future__ import annotations

import asyncio
import importlib
import threading
from typing import Any

from headrace import (
    DEAD_LETTER,
    SKIP,
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
    tool,
    use,
)
from headrace.values import to_jsonable

STARTED = threading.Event()
"""Set when a patient run has begun."""
CALLS: list[Any] = []
"""What was called."""


class Counting(Agent):
    """Counts the inputs of a key."""

    @action(InputEvent)
    def count(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + 1
        ctx.send(OutputEvent(output=ctx.short_term["n"]))


class Other(Counting):
    """Another agent."""


class Renamed(Counting):
    """The agent Counting under another name, by the setting that says so."""

    config = RuntimeConfig(job="Counting")


class Patient(Agent):
    """Waits for ever on the inputs that say so, unless it is told not to."""

    config = RuntimeConfig(max_in_flight=1)
    wait: bool = True

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        if self.wait and event.input == "wait":
            STARTED.set()
            await asyncio.Event().wait()
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + 1
        ctx.send(OutputEvent(output=[event.input, ctx.short_term["n"]]))


class Expiring(Agent):
    """Keeps names for ten seconds."""

    config = RuntimeConfig(short_term_ttl=10)

    @action(InputEvent)
    def work(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=sorted(ctx.short_term)))
        ctx.short_term[event.input["name"]] = 1


class Late(ChatModel):
    """Takes its time to open; the first user does not wait for it."""

    opened = 0
    closed = 0

    async def open(self) -> None:
        await asyncio.sleep(0.1)
        type(self).opened += 1

    async def close(self) -> None:
        type(self).closed += 1

    async def chat(self, request: ChatRequest) -> ChatResponse:
        return ChatResponse(message=Message(role="assistant", content="here"))


class Impatient(Agent):
    """Two kinds of users of one model: one gives up while it is being built."""

    late = use("chat_models", Late)

    @action(InputEvent, when="event.input == 'impatient'", timeout=0.03, on_failure=SKIP)
    async def impatient(self, event: InputEvent, ctx: Context) -> None:
        await ctx.chat("late", "hi")

    @action(InputEvent, when="event.input == 'patient'")
    async def patient(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=(await ctx.chat("late", "hi")).text))


async def called(name: str) -> str:
    """Notes that it was called."""
    CALLS.append(name)
    await asyncio.sleep(0)
    return name


async def found(name: str) -> str:
    """A reconciler that knows the outcome."""
    return f"reconciled {name}"


class Steps(Agent):
    """Makes calls, in the way that the test says."""

    way: str

    @tool()
    async def outer(self, name: str, ctx: Context) -> str:
        """A tool that makes a call of its own."""
        return await ctx.call(called, name)

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        results: list[Any] = []
        for step in self.way.split():
            kind, _, name = step.partition(":")
            if kind == "call":
                results.append(await ctx.call(called, name))
            elif kind == "reconcile":
                results.append(await ctx.call(called, name, reconcile=found))
            elif kind == "once":
                results.append(await ctx.call(called, name, if_unknown="fail"))
            elif kind == "tool":
                results.append(await ctx.tool("outer", name=name))
            elif kind == "stop":
                await asyncio.Event().wait()
        ctx.send(OutputEvent(output=results))


class Churn(Agent):
    """Uses a bit of everything."""

    config = RuntimeConfig(failure=DEAD_LETTER, blocking_threads=2)
    late = use("chat_models", Late)

    @action(InputEvent, on_failure=retry(2, backoff=0.0))
    async def work(self, event: InputEvent, ctx: Context) -> None:
        await ctx.call(called, str(event.input))
        if ctx.attempt == 1 and event.input % 3 == 0:
            raise ValueError("once")
        ctx.short_term["n"] = event.input
        ctx.send(OutputEvent(output=event.input))

    @action(InputEvent, blocking=True)
    def thread(self, event: InputEvent, ctx: Context) -> None:
        ctx.sensory["n"] = event.input


class Keeper(Agent):
    """Keeps an order of the version of ``orders`` that is there, and reads it back."""

    config = RuntimeConfig(failure=DEAD_LETTER)

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        if event.input["do"] == "keep":
            order = importlib.import_module("orders").Order(total=event.input["total"])
            ctx.short_term["orders", "first"] = order
            ctx.short_term["n"] = event.input["total"]
        read = (
            ctx.short_term["n"]
            if event.input["do"] == "number"
            else ctx.short_term["orders", "first"]
        )
        ctx.send(OutputEvent(output=[ctx.key, to_jsonable(read)]))
