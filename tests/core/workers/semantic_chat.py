"""Agents of the semantic suite that use all of chats and of long-term memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

from pydantic import BaseModel

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatDelta,
    ChatDeltaEvent,
    ChatModel,
    ChatRequest,
    ChatRequestEvent,
    ChatResponse,
    ChatResponseEvent,
    Context,
    InputEvent,
    MemoryBackend,
    Message,
    ModelError,
    OutputEvent,
    RuntimeConfig,
    ToolCall,
    ToolResult,
    Usage,
    action,
    retry,
    tool,
    use,
)
from headrace.chat import Image

ASKED: Counter[str] = Counter()
"""How often a model was asked in this worker, by a name that the test chose."""
HEARD: dict[str, list[str]] = {}
"""What happened in this worker, in order, by a name that the test chose."""
DOT = Image.from_bytes(b"\x89PNG\r\n\x1a\n")
"""A picture, as far as its first bytes go."""


def said(text: str, **usage: int) -> ChatResponse:
    """An answer."""
    return ChatResponse(message=Message(role="assistant", content=text), usage=Usage(**usage))


def calling(name: str, **usage: int) -> ChatResponse:
    """An answer that calls a tool."""
    call = ToolCall(id="1", name=name)
    return ChatResponse(message=Message(role="assistant", tool_calls=(call,)), usage=Usage(**usage))


class Mirror(ChatModel):
    """Says what it was asked: no intelligence. ``call NAME`` it answers by a tool's call first."""

    async def chat(self, request: ChatRequest) -> ChatResponse:
        last = request.messages[-1]
        if last.role == "user" and last.content.startswith("call "):
            return calling(last.content.removeprefix("call "))
        return said(request.model_dump_json(exclude_defaults=True))


class Former(ChatModel):
    """Gives a form in the end: at the second time, or never. It has no intelligence.

    Its answer holds how it was told the form, so that a test sees it.
    """

    def __init__(self, *, structured: bool) -> None:
        self.structured = structured

    async def chat(self, request: ChatRequest) -> ChatResponse:
        told = request.messages[-1].content
        first = next(each.content for each in request.messages if each.role == "user")
        usage = {"input_tokens": len(request.messages), "output_tokens": 1}
        if first == "never" or (first == "second" and not told.startswith("That answer")):
            return said('{"total": "many"}', **usage)
        how = "asked" if request.output is not None else request.messages[0].role
        return said(json.dumps({"total": 3, "how": how, "told": told}), **usage)


class Restless(ChatModel):
    """Calls a tool for ever, and uses so many tokens each time."""

    def __init__(self, tokens: int = 0) -> None:
        self._tokens = tokens

    async def chat(self, request: ChatRequest) -> ChatResponse:
        return calling("nothing", input_tokens=self._tokens)


class Moody(ChatModel):
    """Fails so many times with a code, and then answers with how often it was asked."""

    def __init__(self, name: str, failures: int, code: str = "overloaded") -> None:
        self._name = name
        self._failures = failures
        self._code = code

    async def chat(self, request: ChatRequest) -> ChatResponse:
        ASKED[self._name] += 1
        if ASKED[self._name] <= self._failures:
            raise ModelError("not in the mood", code=self._code)
        return said(f"asked {ASKED[self._name]}", input_tokens=1000, output_tokens=100)


class Speaker(ChatModel):
    """Streams the words that it is told; ``!`` breaks the stream off, the first time."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def chat(self, request: ChatRequest) -> ChatResponse:
        raise AssertionError("it is to be streamed")

    async def stream(self, request: ChatRequest, on_delta: Any) -> ChatResponse:
        words = request.messages[-1].content.split()
        for word in words:
            if word != "!":
                on_delta(ChatDelta(text=word))
                HEARD.setdefault(self._name, []).append(f"told {word}")
                continue
            ASKED[self._name] += 1
            if ASKED[self._name] == 1:
                raise ModelError("the line broke", code="connection")
        return said("".join(word for word in words if word != "!"))


class Ledger(MemoryBackend):
    """Long-term memory that keeps what it is asked, and finds its last call."""

    def __init__(self) -> None:
        self._calls: list[Any] = []

    async def add(
        self,
        scope: Any,
        item_id: str,
        text: str,
        metadata: Any,
        *,
        expires: float | None = None,
        topic: str | None = None,
    ) -> None:
        lasts = None if expires is None else 3500 < expires - time.time() <= 3600
        self._calls.append(["add", dict(scope), text, dict(metadata), lasts, topic])

    async def search(self, scope: Any, query: str, limit: int, *, where: Any = None) -> list[Any]:
        self._calls.append(["search", dict(scope), query, limit, where])
        return [self._item(call) for call in self._calls[:limit]]

    async def get(self, scope: Any, item_id: str) -> Any:
        return None

    async def update(self, scope: Any, item_id: str, text: str) -> None:
        raise NotImplementedError

    async def delete(self, scope: Any, item_id: str) -> None:
        raise NotImplementedError

    async def export(self, scope: Any) -> Any:
        self._calls.append(["export", dict(scope)])
        for call in self._calls:
            yield self._item(call)

    async def erase(self, scope: Any) -> int:
        self._calls.append(["erase", dict(scope)])
        return len(self._calls)

    def _item(self, call: Any) -> dict[str, Any]:
        return {"id": "1", "text": call[0], "metadata": {"call": call}}


class Order(BaseModel):
    """The form of an answer."""

    total: int
    how: str
    told: str


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"total": {"type": "integer"}},
    "required": ["total"],
}


class Converser(Agent):
    """Chats, as the input says."""

    config = RuntimeConfig(
        failure=DEAD_LETTER,
        max_tool_result=256,
        max_tool_rounds=100,
        prices={"models": {"*": {}}},  # type: ignore[arg-type]
        budget={"calls": 6, "tokens": 5000, "cost": 0.5},  # type: ignore[arg-type]
    )
    name: str
    mirror = use("chat_models", Mirror)
    former = use("chat_models", Former, structured=True)
    plain = use("chat_models", Former, structured=False)
    restless = use("chat_models", Restless)
    thirsty = use("chat_models", Restless, tokens=2000)
    dear = use("chat_models", Restless, tokens=100).with_policy(prices={"input": 2500})
    moody = use("chat_models", Moody, name="moody", failures=2).with_policy(
        retry={"attempts": 3, "backoff": 0.001}
    )
    gloomy = use("chat_models", Moody, name="gloomy", failures=10**9).with_policy(
        retry={"attempts": 3, "backoff": 0.001}, fallback="spare", prices={"input": 1000}
    )
    spare = use("chat_models", Moody, name="spare", failures=0).with_policy(
        prices={"input": 10, "output": 100}
    )
    speaker = use("chat_models", Speaker, name="speaker").with_policy(
        retry={"attempts": 2, "backoff": 0.001}
    )
    listened = use("chat_models", Speaker, name="listened")
    ledger = use("memory", Ledger)

    @tool()
    def lengthy(self) -> str:
        """Gives more than a model is told."""
        return "x" * 300 + "y"

    @tool()
    def camera(self) -> ToolResult:
        """Gives a picture."""
        return ToolResult(text="a dot", images=(DOT,))

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        do = event.input["do"]
        if hasattr(type(self), f"do_{do}"):
            saw = await getattr(self, f"do_{do}")(ctx)
            ctx.send(OutputEvent(output={"do": do, "saw": saw}))

    # ------------------------------------------------------------ forms
    async def do_form(self, ctx: Context) -> Any:
        response = await ctx.chat("former", "first", output=Order)
        assert isinstance(response.output, Order)
        return response.output.model_dump()

    async def do_form_in_words(self, ctx: Context) -> Any:
        return (await ctx.chat("plain", "first", output=Order)).output.how

    async def do_repaired(self, ctx: Context) -> Any:
        response = await ctx.chat("former", "second", output=Order)
        return [response.output.told, response.usage.input_tokens]

    async def do_repaired_schema(self, ctx: Context) -> Any:
        return (await ctx.chat("plain", "second", output=SCHEMA)).output["total"]

    async def do_never(self, ctx: Context) -> Any:
        try:
            await ctx.chat("former", "never", output=Order)
        except ModelError as error:
            return [error.code, str(error)]

    async def do_no_form(self, ctx: Context) -> Any:
        await ctx.chat("former", "first", output=object())

    # ------------------------------------------------------------ what a model is told
    async def _told(self, ctx: Context, text: str, **more: Any) -> Any:
        return json.loads((await ctx.chat("mirror", text, **more)).text)

    async def do_options(self, ctx: Context) -> Any:
        options = {"max_tokens": 7, "temperature": 0.5, "stop": "END", "seed": 42}
        told = await self._told(ctx, "hi", options=options)
        del told["messages"]
        return told

    async def do_stops(self, ctx: Context) -> Any:
        return (await self._told(ctx, "hi", options={"stop": ["A", "B"]}))["stop"]

    async def do_tool_choice(self, ctx: Context) -> Any:
        told = await self._told(
            ctx, "call camera", tools=["camera"], options={"tool_choice": "required"}
        )
        return told.get("tool_choice", "dropped")

    async def do_tool_choice_first(self, ctx: Context) -> Any:
        options = {"tool_choice": "camera"}
        return (await self._told(ctx, "hi", tools=["camera"], options=options))["tool_choice"]

    async def do_no_tools(self, ctx: Context) -> Any:
        told = await self._told(
            ctx, "call camera", tools=["camera"], options={"tool_choice": "none"}
        )
        return told["tool_choice"]

    async def do_cut(self, ctx: Context) -> Any:
        told = await self._told(ctx, "call lengthy", tools=["lengthy"])
        return told["messages"][-1]["content"]

    async def do_picture(self, ctx: Context) -> Any:
        message = (await self._told(ctx, "call camera", tools=["camera"]))["messages"][-1]
        return [message["role"], message["content"], message["images"]]

    # ------------------------------------------------------------ policies
    async def do_runaway(self, ctx: Context) -> Any:
        await ctx.chat("restless", "go")

    async def do_thirst(self, ctx: Context) -> Any:
        await ctx.chat("thirsty", "go")

    async def do_dear(self, ctx: Context) -> Any:
        await ctx.chat("dear", "go")

    async def do_within_budget(self, ctx: Context) -> Any:
        return [(await ctx.chat("former", f"{n}")).usage.tokens for n in range(6)]

    async def do_retried(self, ctx: Context) -> Any:
        response = await ctx.chat("moody", "hi")
        return [response.text, ASKED["moody"]]

    async def do_fallback(self, ctx: Context) -> Any:
        response = await ctx.chat("gloomy", "hi")
        return [response.text, float(response.usage.cost), ASKED["gloomy"]]

    # ------------------------------------------------------------ parts of answers
    async def do_listened(self, ctx: Context) -> Any:
        heard = HEARD.setdefault("listened", [])
        response = await ctx.chat(
            "listened", "a b", on_delta=lambda delta: heard.append(f"heard {delta.text}")
        )
        return [heard, response.text]

    async def do_not_streamed(self, ctx: Context) -> Any:
        heard: list[str] = []
        await ctx.chat("former", "first", on_delta=lambda delta: heard.append(delta.text[:8]))
        return heard

    @action(InputEvent, when="event.input.do == 'parts'")
    async def ask_in_parts(self, event: InputEvent, ctx: Context) -> None:
        for text in ("a b c", "d ! e"):
            request = ChatRequest(messages=(Message(role="user", content=text),))
            event = ChatRequestEvent(model="speaker", request=request, tag=text, stream=True)
            ctx.send(event)

    @action(InputEvent, when="event.input.do == 'by_event'")
    async def ask_by_event(self, event: InputEvent, ctx: Context) -> None:
        asked = {"call lengthy": {"tools": ["lengthy"]}, "second": {"output": Order}}
        for text, more in asked.items():
            request = ChatRequest(messages=(Message(role="user", content=text),), max_tokens=9)
            model = "mirror" if "tools" in more else "former"
            ctx.send(ChatRequestEvent(model=model, request=request, tag="by_event", **more))

    @action(ChatDeltaEvent)
    async def part(self, event: ChatDeltaEvent, ctx: Context) -> None:
        ctx.send(
            OutputEvent(output={"do": "parts", "saw": [event.tag, event.number, event.delta.text]})
        )

    @action(ChatResponseEvent)
    async def whole(self, event: ChatResponseEvent, ctx: Context) -> None:
        if event.tag == "by_event":
            saw = event.response.output or json.loads(event.response.text)
            ctx.send(OutputEvent(output={"do": "by_event", "saw": saw}))
            return
        ctx.send(OutputEvent(output={"do": "parts", "saw": [event.tag, event.response.text]}))

    # ------------------------------------------------------------ long-term memory
    async def do_remember(self, ctx: Context) -> Any:
        memory = ctx.long_term
        await memory.add("a", topic="mill", ttl=3600, colour="red")
        await memory.add("b", user="u-1")
        await memory.search("c", limit=9, where={"colour": ["red"]})
        found = await memory.search("d", limit=9, user="u-1", all_keys=True)
        return [item["metadata"]["call"] for item in found]

    async def do_export(self, ctx: Context) -> Any:
        memory = ctx.long_term
        await memory.export(user="u-1", all_keys=True)
        return [item["metadata"]["call"] for item in await memory.export()][-2:]

    async def do_erase(self, ctx: Context) -> Any:
        memory = ctx.long_term
        first = await memory.erase()
        second = await memory.erase(user="u-1", all_keys=True)
        calls = [item["metadata"]["call"] for item in await memory.export()]
        return [second - first, calls[-3:-1]]

    async def do_learn(self, ctx: Context) -> Any:
        await ctx.long_term.learn("I moved to Bern.")

    async def do_no_filter(self, ctx: Context) -> Any:
        return len(await ctx.long_term.search("a", limit=1, where={}))


class Thrifty(Agent):
    """Chats in the way that the test says, within a budget."""

    config = RuntimeConfig(
        failure=retry(2, backoff=0.0, then="dead_letter"),
        budget={"calls": 3},  # type: ignore[arg-type]
    )
    way: str
    model = use("chat_models", Moody, name="thrifty", failures=0).with_policy(
        prices={"input": 1000}
    )
    speaker = use("chat_models", Speaker, name="thrifty speaker")

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        heard: list[str] = []
        for step in self.way.split():
            if step == "stop":
                await stopped()
            elif step == "stream":
                await ctx.chat("speaker", "a b", on_delta=lambda delta: heard.append(delta.text))
            else:
                heard.append((await ctx.chat("model", step)).text)
        ctx.send(OutputEvent(output=heard))


async def stopped() -> None:
    """Never ends."""
    await asyncio.Event().wait()
