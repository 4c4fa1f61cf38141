"""Ready agents of the semantic suite, and the small parts that they use."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatDelta,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    EmbeddingModel,
    InputEvent,
    MemoryBackend,
    MemoryItem,
    Message,
    ModelError,
    OutputEvent,
    RuntimeConfig,
    ToolCall,
    ToolError,
    Usage,
    VectorItem,
    VectorStore,
    action,
    tool,
    use,
)
from headrace.agents import ChatAgent, ReActAgent, Recall
from headrace.events import RetrievalRequestEvent, RetrievalResponseEvent
from headrace.filters import matches
from headrace.history import History
from headrace.vectors import Change, Row, VectorQuery

ASKED: list[ChatRequest] = []
"""The requests that models of this process were asked."""
CALLS: Counter[str] = Counter()
"""How often something was done in this process."""


# ---------------------------------------------------------------- models
class Mirror(ChatModel):
    """Does what the user's message says, and else shows what it was asked: no intelligence.

    ``call look a; look b > look c`` calls tools, in one round and then the next; ``say TEXT`` says
    the text; ``fail`` fails; a conversation to be summarised is answered with its length in turns.
    """

    structured = True

    async def chat(self, request: ChatRequest) -> ChatResponse:
        ASKED.append(request)
        told = request.messages
        at = max(n for n, message in enumerate(told) if message.role == "user")
        text, since = told[at].content, told[at + 1 :]
        if text.startswith("fail"):
            raise ModelError("not now", code="refused")
        if text.startswith("<conversation>"):
            said = re.findall(r"^user: (?!Notes)(.*)", text, re.MULTILINE)
            earlier = re.findall(r"notes of (.*)", text)
            return _answered(f"notes of {' '.join(earlier + said)}")
        if text.startswith("call "):
            rounds = text.removeprefix("call ").split(" > ")
            number = sum(message.role == "assistant" for message in since)
            if number < len(rounds):
                wanted = [each.split() for each in rounds[number].split("; ")]
                takes = {
                    spec.name: next(iter(spec.parameters["required"])) for spec in request.tools
                }
                calls = tuple(
                    ToolCall(id=f"{number}.{n}", name=name, arguments={takes[name]: what})
                    for n, (name, what) in enumerate(wanted)
                )
                return _answered("", tool_calls=calls)
            return _answered(" | ".join(m.content for m in since if m.role == "tool"))
        if text.startswith("say "):
            return _answered(text.removeprefix("say "))
        shown = {
            "messages": [[message.role, message.content] for message in told],
            "tools": [spec.name for spec in request.tools],
            "options": {"max_tokens": request.max_tokens, **request.options},
        }
        return _answered(json.dumps(shown))


def _answered(content: str, **more: Any) -> ChatResponse:
    usage = Usage(input_tokens=10, output_tokens=1)
    message = Message(role="assistant", content=content, reasoning="hm", **more)
    return ChatResponse(message=message, usage=usage, model="mirror")


class Notebook(MemoryBackend):
    """Long-term memory in a dict; it finds what shares a word. It learns what follows "I ..."."""

    def __init__(self) -> None:
        self._texts: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def _of(self, scope: Mapping[str, str]) -> dict[str, str]:
        return self._texts.setdefault(tuple(sorted(scope.items())), {})

    async def add(self, scope, item_id, text, metadata, *, expires=None, topic=None) -> None:
        self._of(scope).setdefault(item_id, text)

    async def search(self, scope, query, limit, *, where=None) -> list[MemoryItem]:
        words = set(re.findall(r"\w+", query.lower()))
        found = [
            MemoryItem(id=name, text=text, score=1.0 if "tide" in text else 0.5)
            for name, text in self._of(scope).items()
            if words & set(re.findall(r"\w+", text.lower()))
        ]
        return found[:limit]

    async def learn(self, scope, item_id, messages) -> list[MemoryItem]:
        facts = re.findall(r"\bI [^.]*", " ".join(m.content for m in messages if m.role == "user"))
        for fact in facts:
            self._of(scope)[f"{item_id} {fact}"] = fact
        return [MemoryItem(id=item_id, text=fact) for fact in facts]

    async def get(self, scope, item_id): ...
    async def update(self, scope, item_id, text): ...
    async def delete(self, scope, item_id): ...
    def export(self, scope): ...
    async def erase(self, scope): ...


# ---------------------------------------------------------------- ready agents
class Verdict(BaseModel):
    """A form."""

    ok: bool
    why: str = "no reason"


Mood = Literal["glad", "sad"]


def look(what: str) -> str:
    """Looks at something."""
    return f"{what} seen"


@tool(name="weigh", description="Weighs.")
async def weight_of(what: str) -> str:
    """Its name for models is another one."""
    if what == "nothing":
        raise ToolError("it has no weight")
    return f"{what} weighed"


class Clerk(ReActAgent):
    """Looks and weighs."""

    config = RuntimeConfig(failure=DEAD_LETTER, max_tool_rounds=3)
    model = use("chat_models", Mirror)
    instructions = "You are a clerk."
    tools = (look, weight_of)
    include = ("usage", "key")


class Judge(ChatAgent):
    """Answers in a form."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    model = use("chat_models", Mirror)
    output = Verdict


class Talker(ChatAgent):
    """Remembers what was said with a key."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    model = use("chat_models", Mirror)
    prompt = "{text}"
    history = History(max_messages=4)

    def output_of(self, response: ChatResponse, value: Any, ctx: Context) -> Any:
        return {"text": value["text"], "answer": response.text}


class Chronicler(ChatAgent):
    """Folds what is older into notes."""

    model = use("chat_models", Mirror)
    history = History(max_messages=6, summarise_with="model", keep_last=1)


# ---------------------------------------------------------------- stores
class WordEmbedder(EmbeddingModel):
    """Counts words into a few places: texts that share words are near. No intelligence."""

    def __init__(self, size: int = 64) -> None:
        self._size = size

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        CALLS["embed"] += 1
        CALLS["embedded"] += len(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self._size
        vector[0] = 0.01
        for word in re.findall(r"\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % self._size] += 1.0
        return vector


class DictStore(VectorStore):
    """A vector store in a dict."""

    def __init__(self, items: Sequence[Mapping[str, Any]] = ()) -> None:
        self._given = items
        self._rows: dict[str, dict[str, Row]] = {}

    @property
    def items(self) -> dict[str, VectorItem]:
        """What the store's own collection holds."""
        return {name: _item(row) for name, row in self._rows.get(self.collection, {}).items()}

    async def open(self) -> None:
        if self._given:
            embedder = WordEmbedder()
            vectors = await embedder.embed([item["text"] for item in self._given])
            await self.add(
                [VectorItem({**i, "vector": v}) for i, v in zip(self._given, vectors, strict=True)]
            )

    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        CALLS["kept"] += len(rows)
        self._rows.setdefault(collection, {}).update({row.id: row for row in rows})

    async def _change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        there = self._rows.get(collection, {})
        found = [change for change in changes if change.id in there]
        for change in found:
            given = {name: part for name, part in change._asdict().items() if part is not None}
            there[change.id] = there[change.id]._replace(**given)
        return [change.id for change in found]

    async def _nearest(
        self, collection: str, vector: Sequence[float], query: VectorQuery
    ) -> list[VectorItem]:
        CALLS["search"] += 1
        found = [
            _item(row, score=_cosine(vector, row.vector))
            for row in self._rows.get(collection, {}).values()
            if matches(query.where, json.loads(row.json))
        ]
        return sorted(found, key=lambda item: -item["score"])[: query.limit]

    async def _get(self, collection: str, ids: Sequence[str]) -> list[VectorItem]:
        there = self._rows.get(collection, {})
        return [_item(there[name]) for name in ids if name in there]

    async def _delete(self, collection: str, ids: Sequence[str]) -> None:
        for name in ids:
            self._rows.get(collection, {}).pop(name, None)

    async def _count(self, collection: str) -> int:
        return len(self._rows.get(collection, {}))

    async def _collections(self) -> list[str]:
        return list(self._rows)

    async def _create(self, collection: str, dimensions: int) -> int:
        self._rows.setdefault(collection, {})
        return dimensions

    async def _drop(self, collection: str) -> None:
        self._rows.pop(collection, None)


def _item(row: Row, **more: float) -> VectorItem:
    return VectorItem(id=row.id, text=row.text, metadata=json.loads(row.json), **more)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / (math.hypot(*one) * math.hypot(*other))


HARBOURS = [
    {"id": "h1", "text": "The tide turns at noon in the harbour", "metadata": {"lang": "en"}},
    {"id": "h2", "text": "Bread is baked in the morning", "metadata": {"lang": "en"}},
    {"id": "h3", "text": "The tide of the harbour, in German", "metadata": {"lang": "de"}},
]


class Librarian(Agent):
    """Asks the runtime for passages by events."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    books = use("vector_stores", DictStore, items=HARBOURS)
    words = use("embedding_models", WordEmbedder)

    @action(InputEvent)
    def ask(self, event: InputEvent, ctx: Context) -> None:
        value = event.input
        ctx.sensory["asked"] = ctx.send(
            RetrievalRequestEvent(
                store=value.get("store", "books"),
                embedder="words",
                query=value["query"],
                limit=value.get("limit", 1),
                where=value.get("where"),
                tag=value.get("tag"),
            )
        )

    @action(RetrievalResponseEvent)
    def found(self, event: RetrievalResponseEvent, ctx: Context) -> None:
        ids = [item["id"] for item in event.items]
        known = event.request_id == ctx.sensory["asked"]
        ctx.send(OutputEvent(output={"ids": ids, "tag": event.tag, "known": known}))


class Zoned(ChatAgent):
    """Has a field and a tool of its own."""

    model = use("chat_models", Mirror)
    instructions = "You are for {zone}; {input} and {left} stay, {more} too."
    zone: str = "eu"
    more: str = "more"

    @tool()
    def own(self, what: str) -> str:
        """Its own."""
        return f"{what} in {self.zone}"


class Asking(ChatAgent):
    """Asks by itself, for an event of another kind of input."""

    model = use("chat_models", Mirror)

    @action(InputEvent, when="event.input == 'twice'", name="again")
    async def again(self, event: InputEvent, ctx: Context) -> None:
        response = await self.ask("say again", ctx)
        ctx.send(OutputEvent(output=response.text))


class Streaming(Mirror):
    """Tells its answer in two parts."""

    async def stream(self, request, on_delta):
        response = await self.chat(request)
        on_delta(ChatDelta(text=response.text[:2]))
        on_delta(ChatDelta(text=response.text[2:]))
        return response


class Chatter(Agent):
    """An agent of one's own with a history: the system prompt and tool calls are part of it."""

    model = use("chat_models", Mirror)
    history: History = History(max_messages=5)

    @action(InputEvent)
    async def answer(self, event: InputEvent, ctx: Context) -> None:
        if event.input == "forget":
            self.history.clear(ctx)
            return
        before = self.history.load(ctx) or [Message(role="system", content="Be kind.")]
        messages = [*before, Message(role="user", content=event.input)]
        response = await ctx.chat("model", messages)
        await self.history.save(ctx, [*messages, response.message])
        ctx.send(OutputEvent(output=response.text))


class Whole(ReActAgent):
    """Uses all that a ready agent has."""

    model = use("chat_models", Mirror)
    notebook = use("memory", Notebook)
    tools = (look, weight_of)
    memory = Recall(keep="learn")
    history = History(max_messages=4, summarise_with="model", keep_last=1)
