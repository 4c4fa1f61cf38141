"""What an action may do: the abstract ``Context`` that every action is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from headrace.chat import ChatDelta, ChatResponse, Message, Usage
    from headrace.events import Event, OutputEvent
    from headrace.interfaces import (
        ChatModel,
        EmbeddingModel,
        MemoryBackend,
        MemoryItem,
        Toolset,
    )
    from headrace.memory import Memory
    from headrace.memory_refs import MemoryRef
    from headrace.metrics import ActionMetrics
    from headrace.policy import FailurePolicy
    from headrace.prompts import Prompt
    from headrace.settings import Config
    from headrace.vectors import VectorStore

__all__ = ["DEFAULT", "RETRY", "Context", "Default", "Learned", "LongTermMemory", "Retry"]

T = TypeVar("T")


class Retry:
    """A reconciler's answer: the call was not made, make it (again)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "RETRY"


class Default:
    """The mark of an argument that was not given, where ``None`` means something."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DEFAULT"


RETRY: Final = Retry()
"""A reconciler's answer: the call was not made, make it (again)."""
DEFAULT: Final = Default()


class Learned(list["MemoryItem"]):
    """The memories that were taken out of a conversation.

    Attributes:
        usage: What the backend's model has cost; that of its embedder is not known.
    """

    def __init__(self, items: Iterable[MemoryItem], usage: Usage) -> None:
        super().__init__(items)
        self.usage = usage


class LongTermMemory(ABC):
    """The long-term memory of this key, through the agent's ``memory`` resource.

    Every call is durable: a replay does not make it again.
    """

    __slots__ = ()

    @abstractmethod
    def of(self, name: str, /) -> LongTermMemory:
        """A named set of memories (``ctx.long_term.of("facts")``), apart from all others.

        Raises:
            ValueError: The name is empty.
        """

    @abstractmethod
    async def add(
        self,
        text: str,
        *,
        user: str | None = None,
        topic: str | None = None,
        ttl: float | None = None,
        **metadata: Any,
    ) -> str:
        """Keeps a text; gives its id.

        Args:
            text: What is to be remembered.
            user: Whose memory it is, where a key serves several people.
            topic: What it is about: it takes the place of an older memory of the same topic.
            ttl: Seconds until it is forgotten; ``None``: never.
            **metadata: JSON that a search may be narrowed by.
        """

    @abstractmethod
    async def learn(self, messages: str | Sequence[Message], *, user: str | None = None) -> Learned:
        """Takes out of a conversation what is worth keeping, and gives what it kept.

        What the backend's model costs counts into the run's budget, and is the result's ``usage``.

        Raises:
            BudgetExceededError: The run's models have cost what they may.
            ResourceError: The backend has no model to do so.
        """

    @abstractmethod
    async def search(
        self,
        query: str,
        *,
        limit: int = 5,
        user: str | None = None,
        where: Mapping[str, Any] | None = None,
        all_keys: bool = False,
        all_sets: bool = False,
    ) -> list[MemoryItem]:
        """The memories nearest to a query, best first.

        Args:
            query: What is looked for.
            limit: How many at most.
            user: Whose memories; ``None``: those that were added without a user.
            where: Conditions on the metadata (``headrace.filters``).
            all_keys: Whether to look into the memories of the agent's other keys too.
            all_sets: Whether to look into all sets, the named ones and the one without a name.
        """

    @abstractmethod
    async def get(self, item_id: str, *, user: str | None = None) -> MemoryItem | None:
        """The memory of an id, or ``None``."""

    @abstractmethod
    async def update(self, item_id: str, text: str, *, user: str | None = None) -> None:
        """Gives a memory another text."""

    @abstractmethod
    async def delete(self, item_id: str, *, user: str | None = None) -> None:
        """Forgets a memory."""

    @abstractmethod
    async def export(
        self, *, user: str | None = None, all_keys: bool = False, all_sets: bool = False
    ) -> list[MemoryItem]:
        """All memories of the key (all keys, all sets) that are the user's, oldest first."""

    @abstractmethod
    async def erase(
        self, *, user: str | None = None, all_keys: bool = False, all_sets: bool = False
    ) -> int:
        """Forgets them all, for good; says how many there were."""


class Context(ABC):
    """One action's view of its run.

    Attributes:
        key: The stream's key of this run.
        config: Values of the project's own.
        short_term: Memory of the key, kept in the engine's state.
        sensory: Memory of this run, gone when it ends.
        run_id: Names the run; the same when it is run again after a crash.
        event_id: Names the event that triggered the action.
        attempt: The number of this attempt, from 1.
        timestamp: The input's event time in milliseconds since the epoch, where it has one.
    """

    __slots__ = ()

    key: Any
    run_id: str
    event_id: str
    attempt: int
    timestamp: int | None

    @property
    @abstractmethod
    def config(self) -> Config:
        """Values of the project's own, and before them those of this action's own ``settings``.

        They are part of the plan, so a replay sees the same. See ``Agent.values`` for how they are
        declared, and ``[tool.agents.values]`` and ``--set values.NAME=...`` for how they are said.
        """

    @property
    @abstractmethod
    def short_term(self) -> Memory:
        """Memory of the key, kept in the engine's state."""

    @property
    @abstractmethod
    def sensory(self) -> Memory:
        """Memory of this run, gone when it ends."""

    @property
    @abstractmethod
    def long_term(self) -> LongTermMemory:
        """Memory that outlives the job, through the agent's ``memory`` resource."""

    @property
    @abstractmethod
    def metrics(self) -> ActionMetrics:
        """Metrics of your own: ``ctx.metrics.counter("orders", region="eu").inc()``.

        They count when the run finishes, once: what an attempt measured that failed is dropped.
        """

    @abstractmethod
    def resolve(self, ref: MemoryRef, default: Any = ...) -> Any:
        """The value that a reference stands for, made by ``ref`` of one of the two memories.

        Args:
            ref: The reference, of this run or (short-term memory) an earlier one of the key.
            default: What is given where the value is gone.

        Raises:
            MemoryReferenceError: The value is gone, or (a pinned one) has changed, and there is no
                ``default``; or the reference is into another memory.
        """

    @overload
    def send(self, event: OutputEvent) -> None: ...  # type: ignore[overload-overlap]
    @overload
    def send(self, event: Event) -> str: ...
    @abstractmethod
    def send(self, event: Event) -> str | None:
        """Sends an event: outputs leave when the run commits, others trigger actions next step.

        Returns:
            The event's id, unique and the same under replay; ``None`` for outputs.

        Raises:
            ValueError: No action is triggered by such an event.
            MemoryValueError: It holds a value that cannot be sent.
        """

    @abstractmethod
    def after_commit(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        key: str | None = None,
        retry: FailurePolicy | None = None,
        reconcile: Callable[..., Any] | None = None,
        timeout: float | Default | None = DEFAULT,
        expires: float | None = None,
        **kwargs: Any,
    ) -> str:
        """Has something done once this run can not be undone any more; it is not awaited.

        ::

            ctx.after_commit(send_mail, to, text)

        On the local engine that is when its state file has the run, on Flink when a checkpoint
        that has it is complete. A run that fails asks for nothing. The effects of a key are done
        in order, one after the other; each is tried until it is done or its policy gives up: then
        it is a dead letter. It may be done more than once, always with the same idempotency key.

        Args:
            function: A function of a module or a method of the agent's class, ``async`` or not
                (then it runs in a thread). One with a parameter ``idempotency_key`` is given that.
            *args: Its arguments: data that can be kept, as in memory.
            key: The idempotency key; ``None``: one that is made of the run, the action and a
                number.
            retry: How it is tried again; ``None``: by the setting ``outbox``. Its ``then`` may be
                ``skip``: then it is dropped instead of being a dead letter. It never fails the job.
            reconcile: Asked, with the same arguments, before a further try, and after a restart:
                ``RETRY`` says that it was not done, anything else that it was.
            timeout: Seconds that one try may take; ``None``: for ever.
            expires: Seconds after which it is too late, and no try is begun.
            **kwargs: Its keyword arguments.

        Returns:
            The idempotency key.

        Raises:
            NonRetryableError: The function could not be found again by another process.
            TypeError: The arguments are not the function's.
            MemoryValueError: An argument cannot be kept; the message names the nested place.
        """

    @abstractmethod
    def call(
        self,
        function: Callable[..., Awaitable[T]] | Callable[..., T],
        /,
        *args: Any,
        key: str | None = None,
        reconcile: Callable[..., Any] | None = None,
        timeout: float | Default | None = DEFAULT,
        retry: FailurePolicy | None = None,
        if_unknown: Literal["retry", "fail"] = "retry",
        **kwargs: Any,
    ) -> Awaitable[T]:
        """Makes a durable call: its outcome is recorded, and a replay returns what was recorded.

        Args:
            function: A function of a module, ``async`` or not (then it runs in a pool thread).
            *args: Its arguments; they are part of the call's identity.
            key: An idempotency key, stable across attempts; it takes the arguments' place in the
                call's identity.
            reconcile: Asked, with the same arguments, when the call was begun and its end is not
                recorded: returns the outcome, raises it, or returns ``RETRY``.
            timeout: Seconds that one attempt may take; ``None``: for ever.
            retry: How a failed call is tried again, before its failure is recorded.
            if_unknown: Without a reconciler, what to do with a call that was begun and whose end
                is not recorded: make it again, or fail.
            **kwargs: Its keyword arguments.

        Raises:
            NonDeterminismError: When awaited: the journal of this run holds another call here.
        """

    @abstractmethod
    def chat(
        self,
        model: str,
        messages: str | Prompt | Sequence[Message] | Any = None,
        /,
        *,
        prompt: str | None = None,
        tools: Sequence[str] = (),
        output: Any = None,
        on_delta: Callable[[ChatDelta], None] | None = None,
        options: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Awaitable[ChatResponse]:
        """Asks a chat model, and calls the tools that it asks for, until it answers.

        Args:
            model: The name of one of the agent's ``chat_models``.
            messages: What comes after the prompt that is bound to the model: messages, or a
                ``Prompt``. Everything else is the input, as if it were given as ``input=...``:
                where no prompt has a field for it, a text is the user's message.
            prompt: The name of a prompt of the agent that takes the place of the model's; empty:
                none.
            tools: Names of the agent's tools that the model may call.
            output: The form of the answer: a pydantic model, another type, or a JSON schema. The
                answer is checked, and ``response.output`` is what was asked for. A model whose
                answer does not fit is told what is wrong, and asked once more.
            on_delta: Told of the parts of answers while they are written, for somebody who
                watches. It is not part of what is recorded: a replay tells nothing.
            options: ``max_tokens``, ``temperature``, ``stop`` and ``tool_choice``, which every
                provider has, and the provider's own.
            **fields: Values for the prompts' fields; ``input`` gives its own fields too. A
                function without arguments is asked anew for each request, so that the prompt tells
                what tools have changed.

        Raises:
            PromptError: When awaited: nothing is asked, or no prompt says how an input with parts
                (a mapping, a model, a list) is told.
            ModelError: When awaited: the model did not answer, or not in the form.
            BudgetExceededError: When awaited: the run's models have cost what they may.
        """

    @abstractmethod
    def tool(self, name: str, /, **arguments: Any) -> Awaitable[Any]:
        """Calls one of the agent's tools, as a durable call.

        Raises:
            ToolError: When awaited: the arguments do not fit, or the tool failed.
        """

    @abstractmethod
    def agent(self, name: str, value: Any = None, /) -> Awaitable[Any]:
        """Asks a sub-agent (``headrace.sub_agent``), within this run.

        It goes its own steps, with its own settings, resources and memory. It is one durable call:
        once it has finished, a replay takes what it gave.

        Args:
            name: The name that it is declared by.
            value: Its input.

        Returns:
            What it put out; ``None`` where that was nothing. A list, where it is declared with
            ``many=True``.

        Raises:
            ResourceError: There is no sub-agent of that name.
            SubAgentError: When awaited: it failed, or took longer than it may.
        """

    @abstractmethod
    def gather(self, *calls: Awaitable[Any]) -> Awaitable[list[Any]]:
        """Makes several calls side by side; gives their results, in order.

        ::

            weather, news = await ctx.gather(ctx.tool("weather"), ctx.chat("llm", "What is new?"))

        Where one fails, the others are ended, and its error is raised.
        """

    @overload
    def resource(self, kind: Literal["chat_models"], name: str, /) -> Awaitable[ChatModel]: ...
    @overload
    def resource(
        self, kind: Literal["embedding_models"], name: str, /
    ) -> Awaitable[EmbeddingModel]: ...
    @overload
    def resource(self, kind: Literal["vector_stores"], name: str, /) -> Awaitable[VectorStore]: ...
    @overload
    def resource(self, kind: Literal["tools"], name: str, /) -> Awaitable[Toolset]: ...
    @overload
    def resource(self, kind: Literal["memory"], name: str, /) -> Awaitable[MemoryBackend]: ...
    @overload
    def resource(self, kind: Literal["prompts"], name: str, /) -> Awaitable[Prompt]: ...
    @overload
    def resource(self, kind: str, name: str, /) -> Awaitable[Any]: ...
    @abstractmethod
    def resource(self, kind: str, name: str, /) -> Awaitable[Any]:
        """A resource of the agent, built at its first use in this worker.

        What is done to it is not recorded: a replay does it again. ``call``, ``chat`` and ``tool``
        are durable.

        Args:
            kind: ``chat_models``, ``embedding_models``, ``vector_stores``, ``tools`` (toolsets; a
                function is called by ``tool``), ``memory`` or ``prompts``.
            name: The name that the agent gives it.

        Raises:
            ResourceError: When awaited: the agent declares none of that name, or it cannot be
                built.
        """

    @abstractmethod
    def prompt(self, name: str, /, **fields: Any) -> tuple[Message, ...]:
        """One of the agent's prompts, filled with ``fields``; ``input`` gives its own fields too.

        Raises:
            ResourceError: The agent has none of that name, or a server fills it.
        """
