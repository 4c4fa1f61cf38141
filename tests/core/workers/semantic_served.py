"""Agents of the semantic suite that use steps, models, tools, prompts, conditions and calls."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

from semantic_agents import Flaw, meet

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatModel,
    ChatRequest,
    ChatRequestEvent,
    ChatResponse,
    ChatResponseEvent,
    Context,
    Event,
    InputEvent,
    MemoryBackend,
    Message,
    ModelError,
    NamedEvent,
    OutputEvent,
    Prompt,
    RuntimeConfig,
    ToolCall,
    ToolError,
    ToolRequestEvent,
    ToolResponseEvent,
    Usage,
    action,
    prompt,
    retry,
    tool,
    use,
)

CALLS: Counter[str] = Counter()
"""How often a function was called in this worker, by a name that the test chose."""


class Oracle(ChatModel):
    """Answers by what it is told: no intelligence."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    async def chat(self, request: ChatRequest) -> ChatResponse:
        last = request.messages[-1]
        usage = Usage(input_tokens=len(request.messages), output_tokens=1)
        if last.content.startswith("slow "):
            await asyncio.sleep(0.02)
        if last.content == "fail":
            raise ModelError("not that", code="refused")
        if last.role == "user" and last.content.startswith("tools:"):
            calls = tuple(
                ToolCall(id=str(number), name=name, arguments={"n": number})
                for number, name in enumerate(last.content.removeprefix("tools:").split())
            )
            return ChatResponse(message=Message(role="assistant", tool_calls=calls), usage=usage)
        if last.role == "tool":
            results = [
                f"{m.tool_call_id}={m.content}" for m in request.messages if m.role == "tool"
            ]
            answer = " ".join(results)
        else:
            answer = self._prefix + " / ".join(m.content for m in request.messages)
        return ChatResponse(message=Message(role="assistant", content=answer), usage=usage)


class Shelf(MemoryBackend):
    """Long-term memory in a dict."""

    def __init__(self) -> None:
        self._texts: dict[tuple[tuple[str, str], ...], dict[str, dict[str, Any]]] = {}

    def _of(self, scope: Any) -> dict[str, dict[str, Any]]:
        return self._texts.setdefault(tuple(sorted(scope.items())), {})

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
        item = {"id": item_id, "text": text, "score": 1.0, "metadata": dict(metadata)}
        self._of(scope).setdefault(item_id, item)

    async def search(self, scope: Any, query: str, limit: int, *, where: Any = None) -> list[Any]:
        return [item for item in self._of(scope).values() if query in item["text"]][:limit]

    async def get(self, scope: Any, item_id: str) -> Any:
        return self._of(scope).get(item_id)

    async def update(self, scope: Any, item_id: str, text: str) -> None:
        self._of(scope)[item_id]["text"] = text

    async def delete(self, scope: Any, item_id: str) -> None:
        self._of(scope).pop(item_id, None)

    async def export(self, scope: Any) -> Any:
        for item in list(self._of(scope).values()):
            yield item

    async def erase(self, scope: Any) -> int:
        count = len(self._of(scope))
        self._of(scope).clear()
        return count


class Found(Event):
    """A base of events."""

    what: str


class FoundGold(Found):
    """A subclass, with a field of its own."""

    weight: int


class Shared(Event):
    """Holds something that could be changed."""

    items: list[str]


class Servant(Agent):
    """Uses what the runtime serves, as the input says."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    name: str
    greeting: str = "Hello"
    oracle = use("chat_models", Oracle)
    echo = use("chat_models", Oracle, prefix="> ")
    shelf = use("memory", Shelf)
    fixed = Prompt("Fixed {what} and {{literal}} and {unknown}")

    @prompt
    def greet(self) -> str:
        return f"{self.greeting}, {{name}}"

    # ------------------------------------------------------------ tools
    @tool()
    async def pair(self, n: int) -> str:
        """Ends when two of it run at the same time."""
        await meet(f"{self.name}/pair", 2)
        return f"pair {n}"

    @tool()
    def double(self, n: int) -> int:
        """Doubles."""
        return n * 2

    @tool()
    async def broken(self, n: int) -> str:
        """Fails."""
        raise ToolError(f"no tool for {n}")

    @tool()
    async def crashing(self, n: int) -> str:
        """Fails as programs do."""
        raise ZeroDivisionError("by zero")

    @tool()
    def remembering(self, n: int, ctx: Context) -> str:
        """Sees the run's context."""
        return f"{n} for {ctx.key}"

    @tool(timeout=0.05)
    async def sleepy(self, n: int) -> str:
        """Takes too long."""
        await asyncio.Event().wait()
        return "never"

    # ------------------------------------------------------------ direct use
    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        do = event.input["do"]
        if hasattr(type(self), f"do_{do}"):
            saw = await getattr(self, f"do_{do}")(ctx)
            ctx.send(OutputEvent(output={"do": do, "saw": saw}))

    async def do_chat(self, ctx: Context) -> Any:
        response = await ctx.chat("echo", "hi")
        return response.text

    async def do_chat_filled(self, ctx: Context) -> Any:
        response = await ctx.chat("oracle", self.fixed, what="{unknown}")
        return response.text

    async def do_prompt(self, ctx: Context) -> Any:
        return [message.content for message in ctx.prompt("greet", name="Ada")]

    async def do_unknown_model(self, ctx: Context) -> Any:
        return (await ctx.chat("nobody", "hi")).text

    async def do_refused(self, ctx: Context) -> Any:
        try:
            await ctx.chat("oracle", "fail")
        except ModelError as error:
            return error.code

    async def do_rounds(self, ctx: Context) -> Any:
        response = await ctx.chat("oracle", "tools:pair pair", tools=["pair"])
        return {"text": response.text, "tokens": response.usage.input_tokens}

    async def do_failing_tools(self, ctx: Context) -> Any:
        tools = ["broken", "crashing", "double"]
        response = await ctx.chat("oracle", "tools:broken crashing nothing double", tools=tools)
        return response.text

    async def do_tool(self, ctx: Context) -> Any:
        return await ctx.tool("double", n=21)

    async def do_context_tool(self, ctx: Context) -> Any:
        return await ctx.tool("remembering", n=1)

    async def _tool_error(self, ctx: Context, name: str, **arguments: Any) -> Any:
        try:
            return await ctx.tool(name, **arguments)
        except ToolError as error:
            return str(error)

    async def do_wrong_arguments(self, ctx: Context) -> Any:
        return await self._tool_error(ctx, "double", n="many", m=1)

    async def do_no_such_tool(self, ctx: Context) -> Any:
        return await self._tool_error(ctx, "nothing")

    async def do_sleepy(self, ctx: Context) -> Any:
        return await self._tool_error(ctx, "sleepy", n=1)

    async def do_long_term(self, ctx: Context) -> Any:
        first = await ctx.long_term.add("the red mill", colour="red")
        await ctx.long_term.add("the blue mill", user="someone else")
        await ctx.long_term.update(first, "the redder mill")
        second = await ctx.long_term.add("a mill to forget")
        await ctx.long_term.delete(second)
        found = await ctx.long_term.search("mill")
        item = await ctx.long_term.get(first)
        assert item is not None
        return {"found": [each["text"] for each in found], "kept": item["metadata"]}

    async def do_long_term_elsewhere(self, ctx: Context) -> Any:
        return await ctx.long_term.search("mill")

    # ------------------------------------------------------------ by events
    @action(InputEvent, when="event.input.do == 'events'")
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        asked: dict[str, str] = {}
        for text in ("slow one", "two"):
            request = ChatRequest(messages=(Message(role="user", content=text),))
            asked[ctx.send(ChatRequestEvent(model="oracle", request=request, tag=text))] = text
        asked[ctx.send(ToolRequestEvent(tool="double", arguments={"n": 4}, tag="tool"))] = "tool"
        asked[ctx.send(ToolRequestEvent(tool="broken", arguments={"n": 4}))] = "broken"
        ctx.sensory["asked"] = asked

    @action(ChatResponseEvent)
    async def answered(self, event: ChatResponseEvent, ctx: Context) -> None:
        asked = ctx.sensory["asked"][event.request_id]
        saw = [asked, event.tag, event.response.text]
        ctx.send(OutputEvent(output={"do": "chat response", "saw": saw}))

    @action(ToolResponseEvent)
    async def done(self, event: ToolResponseEvent, ctx: Context) -> None:
        asked = ctx.sensory["asked"][event.request_id]
        saw = [asked, event.tag, event.result, event.failed]
        ctx.send(OutputEvent(output={"do": "tool response", "saw": saw}))

    # ------------------------------------------------------------ steps
    @action(InputEvent, when="event.input.do == 'steps'")
    async def slow_writer(self, event: InputEvent, ctx: Context) -> None:
        before = dict(ctx.short_term)
        ctx.short_term["slow"] = 1
        await asyncio.sleep(0.01)
        ctx.send(OutputEvent(output={"do": "steps", "saw": ["slow", before, dict(ctx.short_term)]}))
        ctx.send(NamedEvent(type="step.two", data={"from": "slow"}))

    @action(InputEvent, when="event.input.do == 'steps'")
    async def quick_writer(self, event: InputEvent, ctx: Context) -> None:
        before = dict(ctx.short_term)
        ctx.short_term["quick"] = 1
        ctx.send(
            OutputEvent(output={"do": "steps", "saw": ["quick", before, dict(ctx.short_term)]})
        )
        ctx.send(NamedEvent(type="step.two", data={"from": "quick"}))

    @action("step.two")
    async def next_step(self, event: NamedEvent, ctx: Context) -> None:
        saw = ["next", event.data["from"], sorted(ctx.short_term)]
        ctx.send(OutputEvent(output={"do": "steps", "saw": saw}))

    @action(InputEvent, when="event.input.do == 'share'")
    async def share(self, event: InputEvent, ctx: Context) -> None:
        items = ["sent"]
        ctx.send(Shared(items=items))
        items.append("changed after it was sent")

    @action(Shared, on_failure=retry(2, backoff=0.001))
    async def first_reader(self, event: Shared, ctx: Context) -> None:
        saw = list(event.items)
        event.items.append("changed by the first reader")
        if ctx.attempt == 1:
            raise Flaw("again")
        ctx.send(OutputEvent(output={"do": "share", "saw": saw}))

    @action(Shared)
    async def second_reader(self, event: Shared, ctx: Context) -> None:
        await asyncio.sleep(0.005)
        ctx.send(OutputEvent(output={"do": "share", "saw": list(event.items)}))

    # ------------------------------------------------------------ triggers
    @action(InputEvent, when="event.input.do == 'found'")
    def find(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(FoundGold(what="nugget", weight=event.input["weight"]))

    @action(Found)
    def any_find(self, event: Found, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "found", "saw": ["any", event.what]}))

    @action(FoundGold, when="event.weight > 10 && key.startsWith('found')")
    def heavy(self, event: FoundGold, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "found", "saw": ["heavy", event.weight]}))

    @action(FoundGold, when="event.what == 'dust'")
    def dust(self, event: FoundGold, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "found", "saw": ["dust"]}))

    @action(InputEvent, when="event.input.do == 'condition' && event.input.missing > 1")
    def unreachable(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "condition", "saw": "reached"}))

    @action(InputEvent, when="event.input.do == 'unhandled'")
    def unhandled(self, event: InputEvent, ctx: Context) -> None:
        name = "nobody listens"
        ctx.send(NamedEvent(type=name))

    # ------------------------------------------------------------ threads
    @action(InputEvent, when="event.input.do == 'blocking'", blocking=True)
    def blocking(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = 1
        called = ctx.call(add, 1, 2)
        chatted = ctx.chat("echo", "from a thread").text
        tooled = ctx.tool("double", n=2)
        here = threading.current_thread().name.startswith("headrace-blocking")
        saw = [called, chatted, tooled, here, ctx.short_term["n"]]
        ctx.send(OutputEvent(output={"do": "blocking", "saw": saw}))

    @action(InputEvent, when="event.input.do == 'blocking_long_term'", blocking=True)
    def blocking_long_term(self, event: InputEvent, ctx: Context) -> None:
        ctx.long_term.add("kept from a thread")
        found = ctx.long_term.search("thread")
        saw = [item["text"] for item in found]
        ctx.send(OutputEvent(output={"do": "blocking_long_term", "saw": saw}))


async def add(a: int, b: int) -> int:
    """Adds."""
    await asyncio.sleep(0)
    return a + b


# ---------------------------------------------------------------- durable calls
async def counted(name: str) -> int:
    """How often it was called."""
    CALLS[name] += 1
    await asyncio.sleep(0)
    return CALLS[name]


async def at_the_second_time(name: str) -> int:
    """Fails the first time."""
    CALLS[name] += 1
    if CALLS[name] == 1:
        raise Flaw("the first time")
    return CALLS[name]


def plain(name: str) -> int:
    """A function that may block."""
    CALLS[name] += 1
    return CALLS[name]


async def gives_live_object() -> object:
    """Gives what cannot be recorded."""
    return object()


async def gives_list() -> list[int]:
    """Gives something that can be changed."""
    return [1]


class Caller(Agent):
    """Makes durable calls."""

    config = RuntimeConfig(failure=retry(3, backoff=0.001, then="dead_letter"))
    name: str

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        saw = await getattr(self, event.input)(ctx)
        ctx.send(OutputEvent(output={"do": event.input, "saw": saw}))

    async def again(self, ctx: Context) -> Any:
        done = await ctx.call(counted, f"{self.name}/done")
        failed = await ctx.call(at_the_second_time, f"{self.name}/failed")
        if ctx.attempt < 3:
            raise Flaw("once more")
        return {"done": done, "failed": failed, "attempt": ctx.attempt}

    async def twice(self, ctx: Context) -> Any:
        name = f"{self.name}/twice"
        return [await ctx.call(counted, name), await ctx.call(counted, name)]

    async def together(self, ctx: Context) -> Any:
        names = [f"{self.name}/together {n}" for n in range(3)]
        return await asyncio.gather(*(ctx.call(counted, name) for name in names))

    async def sync_function(self, ctx: Context) -> Any:
        return await ctx.call(plain, f"{self.name}/plain")

    async def policy_of_the_call(self, ctx: Context) -> Any:
        policy = retry(3, backoff=0.001)
        made = await ctx.call(at_the_second_time, f"{self.name}/policy", retry=policy)
        return {"made": made, "attempt": ctx.attempt}

    async def never_awaited(self, ctx: Context) -> Any:
        ctx.call(counted, f"{self.name}/never")

    async def not_recordable(self, ctx: Context) -> Any:
        return str(await ctx.call(gives_live_object))

    async def not_recordable_argument(self, ctx: Context) -> Any:
        return await ctx.call(counted, threading.Lock())  # type: ignore[arg-type]

    async def changed_result(self, ctx: Context) -> Any:
        result = await ctx.call(gives_list)
        result.append(2)
        if ctx.attempt == 1:
            raise Flaw("once more")
        return result


class Narrow(Agent):
    """Actions in threads that call models, tools and functions, with one thread in the pool."""

    config = RuntimeConfig(blocking_threads=1, call_timeout=5, failure=DEAD_LETTER)
    oracle = use("chat_models", Oracle)

    @tool()
    def nested(self, n: int, ctx: Context) -> int:
        """Calls a plain function."""
        return ctx.call(plain_double, n)  # type: ignore[return-value]

    @action(InputEvent, blocking=True)
    def work(self, event: InputEvent, ctx: Context) -> None:
        tooled = ctx.tool("nested", n=event.input)
        chatted = ctx.chat("oracle", "hi").text
        ctx.send(OutputEvent(output=[tooled, chatted]))


def plain_double(n: int) -> int:
    """Doubles."""
    return 2 * n
