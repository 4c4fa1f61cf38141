"""An agent of the semantic suite whose models are asked by prompts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import BaseModel

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatModel,
    ChatRequest,
    ChatRequestEvent,
    ChatResponse,
    ChatResponseEvent,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    Prompt,
    RuntimeConfig,
    ToolCall,
    action,
    tool,
    use,
)
from headrace.agents import ChatAgent
from headrace.history import History
from headrace.interfaces import PromptSource

FILLED: list[dict[str, str]] = []
"""What the server's prompt was filled with in this worker."""


class Mirror(ChatModel):
    """Shows all requests of its conversation: no intelligence. ``call NAME`` calls a tool first.

    It finds out what it was shown before by the ids of the calls that it made.
    """

    def __init__(self) -> None:
        self._shown: dict[str, list[Any]] = {}

    async def chat(self, request: ChatRequest) -> ChatResponse:
        told = [[message.role, message.content] for message in request.messages]
        last = request.messages[-1]
        if last.role == "tool":
            shown = [*self._shown.pop(str(last.tool_call_id)), told]
            return _said(json.dumps(shown))
        if last.role == "user" and "call " in last.content:
            name = last.content.rpartition("call ")[2]
            number = f"{len(self._shown)}.{name}"
            self._shown[number] = [told]
            return _said("", tool_calls=(ToolCall(id=number, name=name),))
        return _said(json.dumps([told]))


def _said(text: str, **more: Any) -> ChatResponse:
    return ChatResponse(message=Message(role="assistant", content=text, **more))


class Elsewhere(PromptSource):
    """A prompt that is filled elsewhere, and not by the operator."""

    fields = frozenset({"city"})

    async def fill(self, fields: Any) -> list[Message]:
        FILLED.append(dict(fields))
        return [Message(role="user", content=f"There is {fields.get('city', 'nowhere')}.")]


class Letter(BaseModel):
    """A structured input."""

    sender: str
    text: str = "nothing"


def closing(word: str) -> Prompt:
    """A prompt of the project, made by a function."""
    return Prompt(f"{word}, {{sender}}")


class Reader(ChatAgent):
    """A ready agent whose model has a prompt, and whose inputs have a form."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    model = use("chat_models", Mirror).with_prompt("letter")
    letter = Prompt(
        messages=[
            Message(role="system", content="You speak {language}."),
            Message(role="user", content="{sender} wrote: {text}"),
        ]
    )
    input = Letter
    language: str = "Latin"
    instructions = "Be {language}."


class Remembering(Reader):
    history = True


SYSTEM = Prompt(messages=[Message(role="system", content="You know {sender}; {unknown} stays.")])


class Waiting(Agent):
    """Asks by a prompt from elsewhere, changes its field in between, and may wait for ever then."""

    model = use("chat_models", Mirror).with_prompt("elsewhere")
    elsewhere = use("prompts", Elsewhere)
    stops: bool = False
    changes: bool = False

    @tool()
    def look(self, ctx: Context) -> str:
        """Counts how often it is called."""
        ctx.short_term["count"] = ctx.short_term.get("count", 0) + 1
        return "looked"

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        def city() -> str:
            return f"Bern {ctx.short_term.get('count', 0)}" if self.changes else "Bern"

        answer = await ctx.chat("model", "call look", tools=["look"], city=city)
        if self.stops:
            await asyncio.Event().wait()
        shown = [request[0][1] for request in json.loads(answer.text)]
        ctx.send(OutputEvent(output=shown))


class Prompted(Agent):
    """Asks as the input says, and shows the requests that models saw."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    plain = use("chat_models", Mirror)
    bound = use("chat_models", Mirror).with_prompt("greeting")
    system = use("chat_models", Mirror).with_prompt("system_prompt")
    remote = use("chat_models", Mirror).with_prompt("elsewhere")
    counting = use("chat_models", Mirror).with_prompt("counted")
    greeting = Prompt("{sender} wrote: {text}")
    system_prompt = SYSTEM
    counted = Prompt(messages=[Message(role="system", content="{count} seen.")])
    elsewhere = use("prompts", Elsewhere)
    closing = use("prompts", "semantic_prompts:closing", word="Yours")

    @tool()
    def look(self, ctx: Context) -> str:
        """Counts how often it is called."""
        ctx.short_term["count"] = ctx.short_term.get("count", 0) + 1
        return "looked"

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        do = event.input["do"]
        answer = await getattr(self, f"do_{do}")(ctx)
        if answer is not None:
            ctx.send(OutputEvent(output={"do": do, "saw": json.loads(answer.text)}))

    @action(ChatResponseEvent)
    def answered(self, event: ChatResponseEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": event.tag, "saw": json.loads(event.response.text)}))

    # ------------------------------------------------------------ inputs
    async def do_text(self, ctx: Context) -> Any:
        return await ctx.chat("plain", input="hello")

    async def do_number(self, ctx: Context) -> Any:
        return await ctx.chat("plain", 17)

    async def do_mapping(self, ctx: Context) -> Any:
        return await ctx.chat("bound", {"sender": "Ada", "text": "{sender}"})

    async def do_model(self, ctx: Context) -> Any:
        return await ctx.chat("bound", input=Letter(sender="Ada", text="hi"))

    async def do_over(self, ctx: Context) -> Any:
        return await ctx.chat("bound", input=Letter(sender="Ada", text="hi"), sender="Bob")

    async def do_whole(self, ctx: Context) -> Any:
        return await ctx.chat("plain", Prompt("See {input}"), input=Letter(sender="Ö", text="hi"))

    async def do_structured(self, ctx: Context) -> Any:
        return await ctx.chat("plain", Letter(sender="Ada", text="hi"))

    async def do_unused(self, ctx: Context) -> Any:
        return await ctx.chat("bound", {"city": "Bern"})

    async def do_fields_of_nothing(self, ctx: Context) -> Any:
        return await ctx.chat("plain", "hello", sender="Ada")

    async def do_nothing(self, ctx: Context) -> Any:
        return await ctx.chat("plain")

    async def do_only_system(self, ctx: Context) -> Any:
        return await ctx.chat("system", {"sender": "Ada"})

    # ------------------------------------------------------------ bound prompts
    async def do_after(self, ctx: Context) -> Any:
        return await ctx.chat("system", "Who am I?", sender="Ada")

    async def do_messages(self, ctx: Context) -> Any:
        said = [Message(role="user", content="{sender}?"), Message(role="assistant", content="Yes")]
        asked = [*said, Message(role="user", content="And now?")]
        return await ctx.chat("system", asked, sender="Ada")

    async def do_rounds(self, ctx: Context) -> Any:
        return await ctx.chat("system", "call look", tools=["look"], sender="Ada")

    async def do_refilled(self, ctx: Context) -> Any:
        return await ctx.chat(
            "counting", "call look", tools=["look"], count=lambda: ctx.short_term.get("count", 0)
        )

    async def do_since(self, ctx: Context) -> Any:
        answer = await ctx.chat("system", "call look", tools=["look"], sender="Ada")
        said = [[message.role, message.content] for message in answer.messages[:-1]]
        ctx.send(OutputEvent(output={"do": "since", "saw": said}))

    async def do_named(self, ctx: Context) -> Any:
        return await ctx.chat("system", prompt="greeting", input={"sender": "Ada", "text": "hi"})

    async def do_none(self, ctx: Context) -> Any:
        return await ctx.chat("system", "hello", prompt="")

    async def do_both(self, ctx: Context) -> Any:
        return await ctx.chat("system", Prompt("Greet {sender}"), sender="Ada")

    async def do_made(self, ctx: Context) -> Any:
        return await ctx.chat("plain", ctx.prompt("closing", sender="Ada"))

    async def do_history(self, ctx: Context) -> Any:
        history = History(max_messages=3, keep_last=1, summarise_with="system")
        said = [Message(role=role, content="hm") for role in ("user", "assistant") * 2]
        await history.save(ctx, said)
        notes = history.load(ctx)[0].content
        shown = [part for part in ("<conversation>", "You know") if part in notes]
        ctx.send(OutputEvent(output={"do": "history", "saw": shown}))

    # ------------------------------------------------------------ a prompt from elsewhere
    async def do_remote(self, ctx: Context) -> Any:
        return await ctx.chat("remote", "call look", tools=["look"], city="Bern", other="x")

    async def do_remote_at_once(self, ctx: Context) -> Any:
        ctx.prompt("elsewhere", city="Bern")

    # ------------------------------------------------------------ events
    async def do_event(self, ctx: Context) -> Any:
        letter = {"sender": "Ada", "text": "hi"}
        ctx.send(ChatRequestEvent(model="bound", fields={"input": letter}, tag="event"))

    async def do_event_after(self, ctx: Context) -> Any:
        request = ChatRequest(messages=(Message(role="user", content="Who am I?"),))
        ctx.send(
            ChatRequestEvent(
                model="system", request=request, fields={"sender": "Ada"}, tag="event_after"
            )
        )

    async def do_event_rounds(self, ctx: Context) -> Any:
        fields = {"input": "call look", "sender": "Ada"}
        ctx.send(
            ChatRequestEvent(model="system", fields=fields, tools=["look"], tag="event_rounds")
        )

    async def do_event_named(self, ctx: Context) -> Any:
        fields = {"sender": "Ada", "text": "hi"}
        ctx.send(
            ChatRequestEvent(model="plain", prompt="greeting", fields=fields, tag="event_named")
        )
