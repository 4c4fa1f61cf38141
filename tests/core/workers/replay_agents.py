"""Agents whose runs are recorded and run again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    Event,
    InputEvent,
    Message,
    OutputEvent,
    RuntimeConfig,
    ToolCall,
    ToolError,
    Usage,
    action,
    retry,
    tool,
    use,
)
from headrace.approvals import Approval
from headrace.chat import ToolSpec
from headrace.interfaces import CALLER, MemoryBackend, MemoryItem, Toolset

CALLS: list[Any] = []
"""What was really called in this process."""
RELIES: dict[str, Any] = {}
"""What a tool that looks outside finds there."""


@dataclass
class Order:
    """An input with a type of its own."""

    number: int
    lines: tuple[str, ...] = ()


class Clerk(ChatModel):
    """Looks up what is asked for, then says it in the way of its system prompt; it is no model."""

    def __init__(self, greeting: str = "Hello") -> None:
        self._greeting = greeting

    async def open(self) -> None:
        CALLS.append("model opened")

    async def chat(self, request: ChatRequest) -> ChatResponse:
        CALLS.append("model asked")
        last = request.messages[-1]
        used = Usage(input_tokens=len(request.messages), output_tokens=1, cost=0.5)
        if last.role == "user" and request.tools:
            name, _, argument = last.content.partition(" ")
            call = ToolCall(id=f"id-{len(CALLS)}", name=name, arguments={"what": argument})
            asked = Message(role="assistant", tool_calls=(call,))
            return ChatResponse(message=asked, usage=used, finish_reason="tool_calls")
        said = f"{self._greeting}, {request.messages[0].content} {last.content}"
        return ChatResponse(message=Message(role="assistant", content=said), usage=used)


class Other(Clerk):
    """Another model."""


class Asked(Event):
    """A step inside the agent."""

    what: str


class Remote(Toolset):
    """A toolset whose tools a server decides on; to ask it is to be online."""

    async def open(self) -> None:
        if self.pinned is None:
            CALLS.append("server asked")

    async def pin(self) -> dict[str, Any] | None:
        CALLS.append("server asked")
        return {"tools": ["remote"]}

    def specs(self) -> list[ToolSpec]:
        return [ToolSpec(name="remote")]

    async def call(self, name: str, arguments: Any) -> Any:
        CALLS.append(name)
        assert CALLER.get() is not None
        return "from afar"


class Attic(MemoryBackend):
    """Keeps nothing and finds one thing."""

    async def add(self, scope: Any, item_id: str, text: str, metadata: Any, **more: Any) -> None:
        CALLS.append("memory added")

    async def search(self, scope: Any, query: str, limit: int, **more: Any) -> list[MemoryItem]:
        CALLS.append("memory searched")
        return [MemoryItem(id="1", text=f"about {query}", score=1.0)]

    async def get(self, scope: Any, item_id: str) -> MemoryItem | None:
        return None

    async def update(self, scope: Any, item_id: str, text: str) -> None: ...

    async def delete(self, scope: Any, item_id: str) -> None: ...

    async def export(self, scope: Any) -> Any:
        for item in ():
            yield item

    async def erase(self, scope: Any) -> int:
        return 0


async def fetched(what: str, naps: int = 0) -> str:
    """Looks something up."""
    CALLS.append(what)
    for _ in range(naps):
        await asyncio.sleep(0)
    return what.upper()


def read(what: str) -> str:
    """The same, in a thread."""
    CALLS.append(what)
    return what.upper()


async def refused(what: str) -> str:
    """Fails, in a way that has details."""
    CALLS.append(what)
    raise ToolError(f"no {what}")


async def at_second_try(what: str) -> str:
    """Fails when it is first called."""
    CALLS.append(what)
    if CALLS.count(what) == 1:
        raise ConnectionError("not yet")
    return what.upper()


async def endless() -> None:
    """Never ends."""
    CALLS.append("endless")
    await asyncio.Event().wait()


class Desk(Agent):
    """Does what the input says."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    name: str = "desk"
    tone: str = "Be kind."
    inner: str = "Find"
    instead: str = ""
    bonus: int = 0
    llm = use("chat_models", Clerk)
    remote = use("tools", Remote)
    attic = use("memory", Attic)

    @tool()
    async def look(self, what: str) -> str:
        """Looks something up."""
        CALLS.append(f"look {what}")
        return RELIES.get(what, what[::-1])

    @tool()
    async def note(self, what: str, ctx: Context) -> int:
        """Keeps a note."""
        CALLS.append(f"note {what}")
        ctx.short_term["notes"] = notes = [*ctx.short_term.get("notes", ()), what]
        ctx.send(OutputEvent(output=f"noted {what}"))
        return len(notes)

    @tool()
    async def research(self, what: str, ctx: Context) -> str:
        """Asks a model of its own accord."""
        found = await ctx.call(fetched, what)
        return (await ctx.chat("llm", f"{self.inner} {found}")).text

    @tool(approval=Approval(timeout=3600))
    async def pay(self, what: str) -> str:
        """Pays."""
        CALLS.append(f"pay {what}")
        return f"paid {what}"

    @action(InputEvent, when="!has(event.input.block)")
    async def work(self, event: InputEvent, ctx: Context) -> None:
        way, *more = event.input["do"].split(" ", 1)
        said = await getattr(self, f"do_{way}")(ctx, *more)
        ctx.send(OutputEvent(output={"do": event.input["do"], "said": said}))

    @action(InputEvent, when="has(event.input.block)", blocking=True)
    def block(self, event: InputEvent, ctx: Any) -> None:
        said = [ctx.call(read, "thread" * (1 + self.bonus)), ctx.tool("look", what="thread")]
        ctx.short_term["blocked"] = said
        ctx.send(OutputEvent(output=said))

    @action(Asked)
    async def asked(self, event: Asked, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.call(fetched, event.what)))

    # ------------------------------------------------------------ ways
    async def do_chat(self, ctx: Context, what: str) -> Any:
        system = Message(role="system", content=self.tone)
        user = Message(role="user", content=self.instead or what)
        ctx.short_term["chats"] = ctx.short_term.get("chats", 0) + 1 + self.bonus
        tools = ["look", "note", "research", "pay", "remote"]
        return (await ctx.chat("llm", [system, user], tools=tools)).text

    async def do_parallel(self, ctx: Context) -> Any:
        calls = [ctx.call(fetched, name, naps) for name, naps in (("a", 9), ("b", 0), ("c", 4))]
        return await asyncio.gather(*calls, ctx.tool("look", what="x"), ctx.tool("look", what="x"))

    async def do_notes(self, ctx: Context) -> Any:
        both = await asyncio.gather(ctx.tool("note", what="one"), ctx.tool("note", what="two"))
        return [both, ctx.short_term["notes"]]

    async def do_steps(self, ctx: Context) -> Any:
        ctx.send(Asked(what="first"))
        ctx.send(Asked(what="second"))

    async def do_fails(self, ctx: Context) -> Any:
        try:
            await ctx.call(refused, "luck")
        except ToolError as error:
            return str(error)

    async def do_gives_up(self, ctx: Context) -> Any:
        await ctx.call(refused, "hope")

    async def do_raises(self, ctx: Context) -> Any:
        ctx.short_term["lost"] = True
        raise ValueError("boom")

    async def do_cut_off(self, ctx: Context) -> Any:
        try:
            await asyncio.wait_for(ctx.call(endless, timeout=None), 0.01)
        except asyncio.TimeoutError:
            return "too long"

    async def do_expires(self, ctx: Context) -> Any:
        ctx.short_term.set("soon gone", 1, ttl=0.02)
        while "soon gone" in ctx.short_term:  # noqa: ASYNC110 - memory tells nobody
            await asyncio.sleep(0.01)
        return "gone"

    async def do_remember(self, ctx: Context) -> Any:
        await ctx.long_term.add("a thing")
        return [item["text"] for item in await ctx.long_term.search("things")]

    async def do_pay(self, ctx: Context) -> Any:
        try:
            return await ctx.tool("pay", what="ten")
        except ToolError as error:
            return str(error)

    async def do_hides(self, ctx: Context) -> Any:
        """Holds up whatever goes wrong in a call."""
        try:
            return (await ctx.chat("llm", self.tone)).text
        except Exception:  # noqa: BLE001
            return "hidden"

    async def do_waits(self, ctx: Context) -> Any:
        if self.bonus:
            await asyncio.Event().wait()

    async def do_order(self, ctx: Context) -> Any:
        return await ctx.call(ordered, Order(7, ("x",)))


async def ordered(order: Order) -> Order:
    """Gives a value with a type of its own."""
    return Order(order.number + 1, order.lines)


class Warm(Desk):
    """The same with another model."""

    llm = use("chat_models", Other)


class Lost(Remote):
    """Its server does not say what it offers."""

    async def pin(self) -> dict[str, Any] | None:
        raise ToolError("nobody answers")


class Lonely(Desk):
    """The same without that server."""

    remote = use("tools", Lost)


class Loud(Desk):
    """The same with another description of a tool."""

    @tool()
    async def look(self, what: str) -> str:
        """LOOKS SOMETHING UP."""
        CALLS.append(f"look {what}")
        return RELIES.get(what, what[::-1])


class Persistent(Agent):
    """Tries again."""

    config = RuntimeConfig(failure=retry(2, backoff=0.0, then="dead_letter"))
    name: str = "persistent"

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        kept = await ctx.call(fetched, "kept")
        again = await ctx.call(at_second_try, "again")
        ctx.send(OutputEvent(output=[ctx.attempt, kept, again]))


class Patient(Persistent):
    """Tries again after ten minutes."""

    config = RuntimeConfig(failure=retry(2, backoff=600.0, jitter=0, then="dead_letter"))


class Counter(Agent):
    """Counts, and calls nothing."""

    name: str = "counter"
    step: int = 1

    @action(InputEvent)
    def count(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + self.step
        ctx.send(OutputEvent(output={"n": ctx.short_term["n"], "of": event.input}))


class Fatal(Agent):
    """Fails its job."""

    name: str = "fatal"

    @action(InputEvent)
    def fail(self, event: InputEvent, ctx: Context) -> None:
        raise ValueError("boom")
