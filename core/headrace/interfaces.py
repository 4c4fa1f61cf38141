"""What plugins implement: one small base class for each kind of resource.

That of vector stores has a home of its own: ``headrace.vectors``.

A plugin's class is built on the worker with the arguments that the plan holds, at its first use,
once for each worker, and closed at the end. It may be used by many runs at a time, all on one event
loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse, Message, ToolSpec

__all__ = [
    "CALLER",
    "Caller",
    "ChatModel",
    "EmbeddingModel",
    "MemoryBackend",
    "MemoryItem",
    "PromptSource",
    "Resource",
    "Toolset",
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call a resource serves just now."""

    agent: str
    """The job's identity: the setting ``job``, or the agent's name."""
    key_id: str
    """The stream's key, as a text (``headrace.values.key_id``)."""
    run: str
    """The run's id."""


CALLER: ContextVar[Caller | None] = ContextVar("headrace-caller", default=None)
"""Set while a toolset is called for a run, for those that keep something for each key."""


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

    structured: bool = False
    """Whether it keeps to ``request.output`` itself; looked at after ``open``.

    Where it does not, the runtime tells the model the form in words, and ``output`` is ``None``.
    """

    @abstractmethod
    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: The model did not answer; its ``code`` says why.
        """

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of the parts of the answer while it is being written.

        What it returns is the whole answer, the same as ``chat`` would give. A model that cannot
        stream need not override it: then there is one part.

        Args:
            request: What is asked.
            on_delta: Told of each part, on the event loop.

        Raises:
            ModelError: As ``chat``; also where the stream broke off.
        """
        from headrace.chat import ChatDelta

        response = await self.chat(request)
        on_delta(ChatDelta(text=response.text, reasoning=response.message.reasoning))
        return response


class EmbeddingModel(Resource, ABC):
    """Kind ``embedding_models``: turns texts into vectors."""

    @abstractmethod
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order, all of one length; an empty list for no text.

        Raises:
            ModelError: There are no vectors; its ``code`` says why.
        """

    async def embed_query(self, text: str) -> list[float]:
        """The vector of a question, for models that treat those unlike the texts to be found."""
        [vector] = await self.embed([text])
        return vector


class Toolset(Resource, ABC):
    """Kind ``tools``: one tool or several, with what the model should know of them."""

    selective: bool = False
    """Whether ``suggestions`` has something to say; looked at after ``open``."""
    pinned: Mapping[str, Any] | None = None
    """What ``pin`` gave when the job was built; set before ``open``."""

    @abstractmethod
    def specs(self) -> Sequence[ToolSpec]:
        """The tools that it has."""

    @abstractmethod
    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Calls a tool.

        Raises:
            ToolError: The tool failed; the error's text is what the model is told.
        """

    async def pin(self) -> dict[str, Any] | None:
        """What it offers, as JSON for the plan, where somebody else decides on that (a server).

        It is asked where a job is built, of an object that is not open and need not be closed.
        ``None``: there is nothing to pin.
        """
        return None

    @property
    def signs_in(self) -> bool:
        """Whether a person has to have signed in where it runs, once (``agents login``)."""
        return False

    async def sign_in(
        self, show: Callable[[str, str], None], *, port: int = 0, seconds: float = 300.0
    ) -> str:
        """Lets a person sign in to what the tools are had from; asked of one that ``signs_in``.

        The object is not open and need not be closed. What comes of it is kept on this machine,
        outside of plans, projects and logs.

        Args:
            show: Shows the person who asks for the sign-in, and the address to open in a browser.
            port: The port of this machine that the browser comes back to; 0: any.
            seconds: How long the person may take.

        Returns:
            Where it is kept.

        Raises:
            ResourceError: Nothing came of it; the text says why.
            ToolError: What the tools are had from is not to be had now.
        """
        del show, port, seconds
        raise ResourceError("these tools need nobody to sign in")

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


class PromptSource(Resource, ABC):
    """Kind ``prompts``: a prompt that somebody else fills, such as a server.

    One that is a text or messages needs no class: a plugin gives a ``Prompt``, or a function that
    returns one.
    """

    fields: frozenset[str] | None = None
    """The names that it takes; looked at after ``open``. ``None``: whatever there is."""

    @abstractmethod
    async def fill(self, fields: Mapping[str, str]) -> Sequence[Message]:
        """The messages, filled: a durable call, so a replay does not ask again.

        Args:
            fields: What the action gave, as texts, by name; of ``fields`` those that there are.

        Raises:
            PromptError: It cannot be filled with these.
            ToolError: Whoever fills it is not to be had now.
        """


class MemoryItem(dict[str, Any]):
    """A memory.

    ``id``, ``text``, ``metadata`` (JSON), ``scope`` (its ``agent``, ``key`` and ``user``, and its
    ``set`` where it is in a named one), ``created`` and ``updated`` (seconds since the epoch),
    ``expires`` (the same, or ``None``), and for what was found ``score`` (0 to 1, best 1).
    """


class MemoryBackend(Resource, ABC):
    """Kind ``memory``: long-term memory, in scopes that never see each other.

    A whole ``scope`` has four texts: ``agent``, ``key``, ``user`` (empty where the memory is
    nobody's in particular), and ``set`` (empty, or left out, where it is in no named set). What is
    about one memory, and learning, take a whole one. Searching, exporting and erasing also take a
    part of one, which stands for every scope with those values: ``{"user": "u-17"}`` is all that
    is known of a person, from every agent, key and set.

    Calls may come many at a time. Each is idempotent, because a replay makes it again.
    """

    @abstractmethod
    async def add(
        self,
        scope: Mapping[str, str],
        item_id: str,
        text: str,
        metadata: Mapping[str, Any],
        *,
        expires: float | None = None,
        topic: str | None = None,
    ) -> None:
        """Keeps a text. Adding the same ``item_id`` again changes nothing, also after ``update``.

        Args:
            scope: Whose it is.
            item_id: Its id, unique among all scopes.
            text: What is to be remembered.
            metadata: JSON that search may be narrowed by.
            expires: When it is to be forgotten, in seconds since the epoch; ``None``: never.
            topic: What it is about. A memory supersedes the scope's older one of the same topic,
                which is not found any more (and is gone).
        """

    @abstractmethod
    async def search(
        self,
        scope: Mapping[str, str],
        query: str,
        limit: int,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[MemoryItem]:
        """The memories nearest to a query, best first; expired ones are never among them.

        Args:
            scope: A scope, or a part of one.
            query: What is looked for.
            limit: How many at most.
            where: Conditions on the metadata (``headrace.filters``).
        """

    @abstractmethod
    async def get(self, scope: Mapping[str, str], item_id: str) -> MemoryItem | None:
        """The memory of an id, or ``None`` where the scope has none."""

    @abstractmethod
    async def update(self, scope: Mapping[str, str], item_id: str, text: str) -> None:
        """Gives a memory another text; nothing happens where the scope has none."""

    @abstractmethod
    async def delete(self, scope: Mapping[str, str], item_id: str) -> None:
        """Forgets a memory; nothing happens where the scope has none."""

    @abstractmethod
    def export(self, scope: Mapping[str, str]) -> AsyncIterator[MemoryItem]:
        """All memories of a scope or of a part of one, oldest first."""

    @abstractmethod
    async def erase(self, scope: Mapping[str, str]) -> int:
        """Forgets all memories of a scope or of a part of one, for good; says how many there were.

        Raises:
            ValueError: The scope is empty: that would be everything.
        """

    async def learn(
        self, scope: Mapping[str, str], item_id: str, messages: Sequence[Message]
    ) -> list[MemoryItem]:
        """Takes out of a conversation what is worth keeping, and puts right what has changed.

        That needs a model; a backend without one refuses. Learning the same ``item_id`` again
        changes nothing and gives the same.

        Raises:
            ResourceError: It cannot, or no model is set up.
        """
        del scope, item_id, messages
        raise ResourceError(
            f"{type(self).__name__} keeps texts as they are and has no model to learn with: use add"
        )
