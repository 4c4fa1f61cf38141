"""What plugins implement: one small base class for each kind of resource.

A plugin's class is built on the worker with the arguments that the plan holds, at its first use,
once for each worker, and closed at the end. It may be used by many runs at a time, all on one event
loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.chat import ChatRequest, ChatResponse, ToolSpec

__all__ = ["ChatModel", "EmbeddingModel", "MemoryBackend", "MemoryItem", "Resource", "Toolset"]


class Resource:
    """The base of all that a worker builds and closes."""

    resource_lookup: Callable[[str, str], Awaitable[Any]] | None = None
    """Set by the worker before ``open``; ask by ``resource``."""

    async def resource(self, kind: str, name: str) -> Any:
        """Another resource of the agent, such as the embedder that a toolset searches with.

        Raises:
            ResourceError: The agent declares none of that name, or no agent uses this one.
        """
        if self.resource_lookup is None:
            raise ResourceError(f"no agent uses this {type(self).__name__}: it was built by hand")
        return await self.resource_lookup(kind, name)

    async def open(self) -> None:
        """Gets ready; called once, on the event loop, before the first use."""

    async def close(self) -> None:
        """Gives back what it holds; called once, on the event loop."""


class ChatModel(Resource, ABC):
    """Kind ``chat_models``: answers chat requests.

    Retries, time-outs and limits are the runtime's business: switch off those of the client.
    """

    @abstractmethod
    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: The model did not answer; its ``code`` says why.
        """


class EmbeddingModel(Resource, ABC):
    """Kind ``embedding_models``: turns texts into vectors."""

    @abstractmethod
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order."""


class Toolset(Resource, ABC):
    """Kind ``tools``: one tool or several, with what the model should know of them."""

    selective: bool = False
    """Whether ``suggestions`` has something to say; looked at after ``open``."""

    @abstractmethod
    def specs(self) -> Sequence[ToolSpec]:
        """The tools that it has."""

    @abstractmethod
    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Calls a tool.

        Raises:
            ToolError: The tool failed; the error's text is what the model is told.
        """

    def instructions(self) -> str:
        """Text for the system prompt; the same each time, so that providers can cache it."""
        return ""

    async def suggestions(self, request: str) -> str:
        """Text for one conversation, put after all that is the same each time.

        A ``selective`` toolset is asked once for each chat, and the answer is recorded: a replay
        is told the same.

        Args:
            request: The last message of the user.
        """
        del request
        return ""


class MemoryItem(dict[str, Any]):
    """A memory that was found: ``id``, ``text``, ``score`` (0 to 1, best 1) and ``metadata``."""


class MemoryBackend(Resource, ABC):
    """Kind ``memory``: long-term memory, in scopes that never see each other.

    ``scope`` holds ``agent`` and ``key`` (texts), and ``user`` where the agent gave one.
    """

    @abstractmethod
    async def add(
        self, scope: Mapping[str, str], item_id: str, text: str, metadata: Mapping[str, Any]
    ) -> None:
        """Keeps a text. Adding the same ``item_id`` again changes nothing."""

    @abstractmethod
    async def search(self, scope: Mapping[str, str], query: str, limit: int) -> list[MemoryItem]:
        """The memories nearest to a query, best first."""

    @abstractmethod
    async def get(self, scope: Mapping[str, str], item_id: str) -> MemoryItem | None:
        """The memory of an id, or ``None``."""

    @abstractmethod
    async def update(self, scope: Mapping[str, str], item_id: str, text: str) -> None:
        """Gives a memory another text."""

    @abstractmethod
    async def delete(self, scope: Mapping[str, str], item_id: str) -> None:
        """Forgets a memory; nothing happens where there is none."""
