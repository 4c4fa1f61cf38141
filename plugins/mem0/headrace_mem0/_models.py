"""The agent's own models in the form that mem0 asks: mem0 waits in a thread, they run on the loop.

mem0 swallows most of what goes wrong in an embedder, and wraps the rest; so the first failure is
kept where the caller finds it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from concurrent.futures import Future

    from headrace.interfaces import ChatModel, EmbeddingModel

__all__ = ["Bridge", "Embedder", "Extractor", "Given", "answer_object"]

T = TypeVar("T")


class Bridge:
    """From a thread to the event loop and back, for one call of mem0's."""

    __slots__ = ("_cancelled", "_lock", "_loop", "_pending", "failure")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending: Future[Any] | None = None
        self._cancelled = False
        self._lock = threading.Lock()
        self.failure: BaseException | None = None
        """The first that a model raised."""

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the loop; called in mem0's thread."""
        # The loop may cancel as soon as the coroutine runs, before this thread has its future.
        with self._lock:
            if self._cancelled:
                coroutine.close()
                raise RuntimeError("cancelled")
            pending = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self._pending = pending
        try:
            return pending.result()
        except BaseException as error:
            self.failure = self.failure or error
            raise

    def cancel(self) -> None:
        """Ends what is waited for, and all that would be; called on the loop."""
        with self._lock:
            self._cancelled = True
            if self._pending is not None:
                self._pending.cancel()


class Embedder:
    """What mem0 calls an embedder. The one that its factory makes knows nothing."""

    def __init__(self, config: Any = None) -> None:
        self.config = config
        self._model: EmbeddingModel | None = None
        self._bridge: Bridge | None = None

    @classmethod
    def of(cls, model: EmbeddingModel, bridge: Bridge) -> Embedder:
        """One that asks a model."""
        made = cls()
        made._model, made._bridge = model, bridge
        return made

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """The vector of a text, or, to search by it, of a question."""
        model, bridge = self._ready()
        if memory_action == "search":
            return bridge.wait(_coroutine(model.embed_query(text)))
        [vector] = self.embed_batch([text])
        return vector

    def embed_batch(self, texts: Sequence[str], memory_action: str = "add") -> list[list[float]]:
        """The vectors of texts."""
        del memory_action
        model, bridge = self._ready()
        return bridge.wait(_coroutine(model.embed(list(texts))))

    def _ready(self) -> tuple[EmbeddingModel, Bridge]:
        if self._model is None or self._bridge is None:
            raise RuntimeError("this embedder is only there because mem0 asks for one")
        return self._model, self._bridge


class Given:
    """An embedder for a call whose vectors were made before it: nothing waits in the thread."""

    def __init__(self, vectors: Mapping[str, Sequence[float]]) -> None:
        self._vectors = vectors

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """The vector of a text."""
        del memory_action
        return list(self._vectors[text])


class Extractor:
    """What mem0 calls an LLM. The one that its factory makes knows nothing."""

    def __init__(self, config: Any = None) -> None:
        self.config = config
        self._model: ChatModel | None = None
        self._bridge: Bridge | None = None

    @classmethod
    def of(cls, model: ChatModel, bridge: Bridge) -> Extractor:
        """One that asks a model."""
        made = cls()
        made._model, made._bridge = model, bridge
        return made

    def generate_response(self, messages: Sequence[Mapping[str, str]], **_: Any) -> str:
        """The memories that a model finds, as mem0 asks for them."""
        if self._model is None or self._bridge is None:
            raise RuntimeError("this model is only there because mem0 asks for one")
        return self._bridge.wait(self._extract(self._model, messages))

    @staticmethod
    async def _extract(model: ChatModel, messages: Sequence[Mapping[str, str]]) -> str:
        prompt = tuple(Message.model_validate(dict(message)) for message in messages)
        response = await model.chat(ChatRequest(messages=prompt))
        memories = answer_object(response.text).get("memory")
        # mem0 takes an answer that it cannot read for one without memories.
        if not isinstance(memories, list) or not all(isinstance(one, dict) for one in memories):
            raise ModelError("the model gave no list of memories", code="bad_response")
        return json.dumps({"memory": memories})


def answer_object(text: str) -> dict[str, Any]:
    """The JSON object of an answer, also where the model set marks of code around it.

    Raises:
        ModelError: There is none.
    """
    begin, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[begin : end + 1], strict=False)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError("the model did not answer with a JSON object", code="bad_response")
    return found


async def _coroutine(awaitable: Any) -> Any:
    return await awaitable
