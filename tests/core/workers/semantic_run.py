"""Agents of the semantic suite: what goes on inside one run."""

from __future__ import annotations

import asyncio
from typing import Any

import chat
from semantic_agents import Flaw, meet
from semantic_served import Oracle

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatRequest,
    ChatRequestEvent,
    ChatResponseEvent,
    Context,
    Event,
    InputEvent,
    JoinRequestEvent,
    JoinResponseEvent,
    Message,
    NamedEvent,
    OutputEvent,
    RuntimeConfig,
    ToolRequestEvent,
    ToolResponseEvent,
    action,
    tool,
    use,
)

ENDED: list[str] = []
"""What was ended before it was over, in this worker."""


class Mark(Event, type="semantic.mark"):
    """A base of events."""

    n: int


class OwnMark(Mark, type="semantic.own_mark"):
    """One of them."""


class Anything(Event):
    """Holds whatever is put in."""

    content: Any


async def waits(name: str) -> str:
    """Waits for what never comes."""
    try:
        await asyncio.Event().wait()
    finally:
        ENDED.append(name)
    return "never"


async def fails() -> None:
    """Fails, after it has let others begin."""
    await asyncio.sleep(0)
    raise Flaw("the one that fails")


async def gives(value: int) -> int:
    """Gives a value that an action may forget to send."""
    return value


class Inside(Agent):
    """Does what its input says."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    name: str
    oracle = use("chat_models", Oracle)

    @tool()
    async def pair(self, n: int) -> str:
        """Ends when two of it run at the same time."""
        await meet(f"{self.name}/inside", 2)
        return f"pair {n}"

    @tool()
    async def broken(self) -> str:
        """Fails."""
        raise Flaw("broken")

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        do = getattr(self, f"do_{event.input['do']}", None)
        if do is not None:
            saw = await do(ctx)
            ctx.send(OutputEvent(output={"do": event.input["do"], "saw": saw}))

    # ------------------------------------------------------------ several calls
    async def do_gather(self, ctx: Context) -> Any:
        first, answer, second = await ctx.gather(
            ctx.tool("pair", n=1), ctx.chat("oracle", "slow hi"), ctx.tool("pair", n=2)
        )
        return [first, answer.text, second]

    async def do_gather_fails(self, ctx: Context) -> Any:
        name = f"{self.name}/gather"
        try:
            await ctx.gather(ctx.call(waits, name), ctx.call(fails))
        except Flaw as error:
            return [str(error), ENDED.count(name)]

    async def do_gather_values(self, ctx: Context) -> Any:
        return await ctx.gather(ctx.tool("pair", n=1), "a value")  # type: ignore[arg-type]

    async def do_chat_module(self, ctx: Context) -> Any:
        return await ctx.call(chat.answer, "me")

    # ------------------------------------------------------------ a join
    @action(InputEvent, when="event.input.do == 'join'")
    def ask(self, event: InputEvent, ctx: Context) -> None:
        hello = ChatRequest(messages=(Message(role="user", content="slow hi"),))
        asked = ctx.send(
            JoinRequestEvent(
                requests=(
                    ToolRequestEvent(tool="pair", arguments={"n": 1}, tag="first"),
                    ChatRequestEvent(model="oracle", request=hello),
                    ToolRequestEvent(tool="pair", arguments={"n": 2}),
                    ToolRequestEvent(tool="broken"),
                ),
                tag="all",
            )
        )
        ctx.sensory["asked"] = asked

    @action(JoinResponseEvent)
    def joined(self, event: JoinResponseEvent, ctx: Context) -> None:
        first, said, second, broken = event.responses
        assert isinstance(said, ChatResponseEvent)
        saw = {
            "of": event.request_id == ctx.sensory["asked"],
            "tags": [event.tag, first.tag],
            "results": [first.result, said.response.text, second.result],
            "broken": [broken.failed, broken.result],
            "ids": len({one.request_id for one in event.responses}),
        }
        ctx.send(OutputEvent(output={"do": "join", "saw": saw}))

    # ------------------------------------------------------------ events
    @action(InputEvent, when="event.input.do == 'ids'")
    def send(self, event: InputEvent, ctx: Context) -> None:
        ctx.sensory["sent"] = [ctx.send(OwnMark(n=1)), ctx.send(OwnMark(n=1))]

    @action(Mark)
    def as_base(self, event: Mark, ctx: Context) -> None:
        saw = ["base", ctx.event_id in ctx.sensory["sent"], ctx.event_id]
        ctx.send(OutputEvent(output={"do": "ids", "saw": saw}))

    @action(OwnMark)
    def as_own(self, event: OwnMark, ctx: Context) -> None:
        saw = ["own", ctx.event_id in ctx.sensory["sent"], ctx.event_id]
        ctx.send(OutputEvent(output={"do": "ids", "saw": saw}))

    async def do_unsendable_event(self, ctx: Context) -> Any:
        ctx.send(Anything(content={"rows": [1, {"lock": asyncio.Lock()}]}))

    async def do_unsendable_named(self, ctx: Context) -> Any:
        ctx.send(NamedEvent(type="semantic.any", data={"rows": [object()]}))

    async def do_unsendable_output(self, ctx: Context) -> Any:
        ctx.send(OutputEvent(output={"rows": [1, 2, object()]}))

    @action(Anything, "semantic.any")
    def take(self, event: Event, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "taken"}))

    # ------------------------------------------------------------ lost
    @action(InputEvent, when="event.input.do == 'returns'")
    async def returning(self, event: InputEvent, ctx: Context) -> None:
        return await gives(1)  # type: ignore[return-value]

    @action(InputEvent, when="event.input.do == 'returns plainly'")
    def returning_plainly(self, event: InputEvent, ctx: Context) -> None:
        return dict(a=1)  # type: ignore[return-value]  # noqa: C408 - a literal is told earlier

    @action(InputEvent, when="event.input.do == 'returns from a thread'", blocking=True)
    def returning_from_a_thread(self, event: InputEvent, ctx: Context) -> None:
        return str(1)  # type: ignore[return-value]

    @action(InputEvent, when="event.input.do == 'gathers in a thread'", blocking=True)
    def gathering_in_a_thread(self, event: InputEvent, ctx: Context) -> None:
        saw: Any = ctx.gather(ctx.call(gives, 1), ctx.call(gives, 2))
        ctx.send(OutputEvent(output={"do": event.input["do"], "saw": saw}))


class Apart(Agent):
    """Sends requests by themselves, and joins them by the ids that sending gave."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    name: str
    oracle = use("chat_models", Oracle)

    @tool()
    async def pair(self, n: int) -> str:
        """Ends when two of it run at the same time."""
        await meet(f"{self.name}/apart", 2)
        return f"pair {n}"

    @tool()
    def single(self, n: int) -> str:
        """Waits for nobody."""
        return f"single {n}"

    @action(InputEvent)
    def ask(self, event: InputEvent, ctx: Context) -> None:
        hello = ChatRequest(messages=(Message(role="user", content="slow hi"),))
        said = ctx.send(ChatRequestEvent(model="oracle", request=hello, tag="said"))
        match event.input["do"]:
            case "at once":
                one = ctx.send(ToolRequestEvent(tool="pair", arguments={"n": 1}, tag="one"))
                beside = ToolRequestEvent(tool="pair", arguments={"n": 2})
                ctx.send(JoinRequestEvent(requests=(one, said, beside), tag="at once"))
            case "later":
                one = ctx.send(ToolRequestEvent(tool="single", arguments={"n": 1}, tag="one"))
                ctx.sensory["asked"] = [one, said]
                ctx.send(NamedEvent(type="apart.later"))
            case "of a join":
                joined = ctx.send(JoinRequestEvent(requests=(said,), tag="inner"))
                ctx.send(JoinRequestEvent(requests=(joined, said), tag="of a join"))
            case "of nothing":
                ctx.send(JoinRequestEvent(requests=(said, "nothing")))

    @action("apart.later")
    def join(self, event: NamedEvent, ctx: Context) -> None:
        ctx.send(JoinRequestEvent(requests=tuple(ctx.sensory["asked"]), tag="later"))

    @action(ToolResponseEvent)
    def alone(self, event: ToolResponseEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "alone", "saw": event.result}))

    @action(JoinResponseEvent, when="event.tag != 'inner'")
    def joined(self, event: JoinResponseEvent, ctx: Context) -> None:
        saw = [[one.tag, answer_of(one)] for one in event.responses]
        ctx.send(OutputEvent(output={"do": event.tag, "saw": saw}))


def answer_of(event: Any) -> Any:
    """What a response holds."""
    if isinstance(event, JoinResponseEvent):
        return [answer_of(one) for one in event.responses]
    return event.response.text if isinstance(event, ChatResponseEvent) else event.result
