"""The context of an action task, and its form for actions in threads."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from contextvars import ContextVar
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from headrace.context import DEFAULT, RETRY, Context, Default, LongTermMemory
from headrace.errors import (
    CallTimeoutError,
    MemoryValueError,
    NonDeterminismError,
    NonRetryableError,
)
from headrace.events import Event, OutputEvent, copied
from headrace.memory import Changes, Memory
from headrace.operator._journal import Entry
from headrace.operator._memory import LongTerm
from headrace.policy import FAIL, FailurePolicy
from headrace.values import Stored, digest, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from headrace.chat import ChatResponse, Message, Prompt
    from headrace.operator._run import ActionTask, Run

__all__ = ["BlockingContext", "RunContext"]


class RunContext(Context):
    """What an action task does, until its step ends."""

    __slots__ = (
        "_begun",
        "_counts",
        "_run",
        "_sensory",
        "_short_term",
        "_task",
        "asyncio_task",
        "attempt",
        "events",
        "key",
        "outputs",
        "timestamp",
    )

    def __init__(self, run: Run, task: ActionTask) -> None:
        self._run = run
        self._task = task
        self.key = run.item.key
        self.attempt = task.attempt
        self.timestamp = run.item.timestamp
        self.events: list[tuple[Event, str]] = []
        self.outputs: list[Stored] = []
        self._short_term: Memory | None = None
        self._sensory: Memory | None = None
        self._counts: dict[str, int] | None = None
        self._begun: list[tuple[Entry, Coroutine[Any, Any, Any]]] | None = None
        self.asyncio_task: asyncio.Task[Any] | None = None

    @property
    def run_id(self) -> str:  # type: ignore[override]
        """Names the run."""
        return self._run.id

    @property
    def event_id(self) -> str:  # type: ignore[override]
        """Names the event that triggered the action."""
        return self._task.event_id or f"{self._run.id}/input"

    # ------------------------------------------------------------ memory
    @property
    def short_term(self) -> Memory:
        """Memory of the key."""
        if self._short_term is None:
            run = self._run
            operator = run.operator
            self._short_term = Memory(
                run.stored, run.changes, now=operator.clock, ttl=operator.short_term_ttl
            )
        return self._short_term

    @property
    def sensory(self) -> Memory:
        """Memory of the run."""
        if self._sensory is None:
            self._sensory = Memory({}, self._run.sensory, now=self._run.operator.clock)
        return self._sensory

    @property
    def memory_changes(self) -> Changes | None:
        """What was written to short-term memory."""
        return None if self._short_term is None else self._short_term.changes

    @property
    def sensory_changes(self) -> Changes | None:
        """What was written to sensory memory."""
        return None if self._sensory is None else self._sensory.changes

    @property
    def long_term(self) -> LongTermMemory:
        """The long-term memory of this key."""
        return LongTerm(self, self._run.operator, self._run.item.key_id)

    # ------------------------------------------------------------ events
    def send(self, event: Event) -> Any:
        """Sends an event; see ``Context.send``."""
        if isinstance(event, OutputEvent):
            try:
                self.outputs.append(encode(event.output))
            except MemoryValueError as error:
                raise MemoryValueError(f"the output cannot be sent: {error}") from None
            return None
        if not isinstance(event, Event):
            raise TypeError(f"ctx.send takes an event, got a {type(event).__name__}")
        self._run.operator.check_handled(event)
        try:
            encode(event)
        except MemoryValueError as error:
            raise MemoryValueError(f"{type(event).__name__} cannot be sent: {error}") from None
        event_id = f"{self._run.id}/{self._task.id}/{len(self.events)}"
        self.events.append((copied(event), event_id))
        if self._run.operator.observing:
            self._run.operator.record(
                self._run,
                "event",
                "sent",
                name=event.event_type,
                id=event_id,
                cause=f"{self._run.id}/{self._task.id}",
            )
        return event_id

    # ------------------------------------------------------------ calls
    def call(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        key: str | None = None,
        reconcile: Callable[..., Any] | None = None,
        timeout: float | Default | None = DEFAULT,
        retry: FailurePolicy | None = None,
        if_unknown: Literal["retry", "fail"] = "retry",
        **kwargs: Any,
    ) -> Coroutine[Any, Any, Any]:
        """Makes a durable call; see ``Context.call``."""
        plain = getattr(function, "__func__", function)
        name = (
            f"{plain.__module__}:{plain.__qualname__}"
            if hasattr(plain, "__qualname__")
            else f"{type(plain).__module__}:{type(plain).__qualname__}"
        )
        if key is None:
            try:
                identity: Stored = encode([list(args), kwargs])
            except MemoryValueError as error:
                raise MemoryValueError(
                    f"the arguments of the durable call {name} cannot be recorded: {error}. "
                    "Pass data, or name the call with key=..."
                ) from None
        else:
            identity = key
        return self.durable(
            name,
            identity,
            functools.partial(function, *args, **kwargs),
            reconcile=None if reconcile is None else functools.partial(reconcile, *args, **kwargs),
            timeout=timeout,
            retry=retry or FAIL,
            if_unknown=if_unknown,
        )

    def durable(
        self,
        name: str,
        identity: Stored,
        make: Callable[[], Any],
        *,
        reconcile: Callable[[], Any] | None = None,
        timeout: float | Default | None = DEFAULT,
        retry: FailurePolicy = FAIL,
        if_unknown: Literal["retry", "fail"] = "retry",
    ) -> Coroutine[Any, Any, Any]:
        """A durable call of anything that has a name and an identity.

        The call takes its place in the journal now, in the order of the code, and is made when it
        is awaited.
        """
        calls = self._run.journaled().calls(self._task.id)
        counts = self._counts = {} if self._counts is None else self._counts
        base = f"{name}|{digest(identity)}"
        counts[base] = number = counts.get(base, -1) + 1
        entry = calls.get(f"{base}|{number}")
        if entry is None:
            if asyncio.current_task() is self.asyncio_task or self.asyncio_task is None:
                self._check_path(calls, name, identity)
            entry = calls[f"{base}|{number}"] = Entry(name, self.attempt)
        entry.used = True
        entry.outer = _OUTER.get()
        call_id = f"{self._run.id}/{self._task.id}/{base}|{number}"
        coroutine = self._make(entry, call_id, make, reconcile, timeout, retry, if_unknown)
        if self._begun is None:
            self._begun = []
        self._begun.append((entry, coroutine))
        return coroutine

    async def _make(
        self,
        entry: Entry,
        call_id: str,
        make: Callable[[], Any],
        reconcile: Callable[[], Any] | None,
        timeout: float | Default | None,
        retry: FailurePolicy,
        if_unknown: Literal["retry", "fail"],
    ) -> Any:
        run, operator = self._run, self._run.operator
        entry.begun = True
        if entry.state in {"finished", "failed"}:
            if operator.observing:
                operator.record(run, "call", "reused", name=entry.name, id=call_id)
            return entry.result()
        began = time.monotonic()
        seconds = operator.plan.config.call_timeout if isinstance(timeout, Default) else timeout
        try:
            result: Any = RETRY
            if entry.state == "started" and entry.recorded:
                if reconcile is not None:
                    result = await self._within(seconds, reconcile, entry.name)
                elif if_unknown == "fail":
                    raise NonRetryableError(  # noqa: TRY301 - recorded like any other failure
                        f"the durable call {entry.name} was begun, its end is not recorded, and "
                        "it must not be made twice (if_unknown='fail'): give it reconcile=..."
                    )
            entry.state = "started"
            if reconcile is not None or if_unknown == "fail":
                await operator.recorded(run)
            if result is RETRY:
                outer = _OUTER.set(entry)
                try:
                    result = await self._tries(entry, make, seconds, retry)
                finally:
                    _OUTER.reset(outer)
            entry.finish(result)
            self._forget_inner(entry)
        except Exception as error:
            entry.fail(error)
            await operator.recorded(run)
            self._observe(call_id, entry, "failed", began, error)
            raise
        await operator.recorded(run)
        self._observe(call_id, entry, "finished", began, None)
        return result if type(result) in _IMMUTABLE else entry.result()

    async def _tries(
        self, entry: Entry, make: Callable[[], Any], seconds: float | None, retry: FailurePolicy
    ) -> Any:
        attempt = 1
        while True:
            try:
                return await self._within(seconds, make, entry.name)
            except Exception as error:
                if not retry.retryable(error, attempt):
                    raise
                await asyncio.sleep(retry.wait(error, attempt))
                attempt += 1

    async def _within(self, seconds: float | None, make: Callable[[], Any], name: str) -> Any:
        try:
            with self._run.operator.deadlines.within(seconds):
                function = make.func if isinstance(make, functools.partial) else make
                if inspect.iscoroutinefunction(function):
                    return await make()
                if inspect.isfunction(function) or inspect.ismethod(function):
                    # A plain function may wait for the outside: it must not hold the loop.
                    result = await self._run.operator.in_thread(make)
                else:
                    result = make()
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as error:
            if seconds is not None and f"{seconds:g} s" in str(error):
                raise CallTimeoutError(f"the call {name} took longer than {seconds:g} s") from None
            raise

    def _forget_inner(self, entry: Entry) -> None:
        """Drops the calls that a finished call made (a tool's): a replay does not come to them."""
        calls = self._run.journaled().calls(self._task.id)
        for identity in [name for name, inner in calls.items() if inner.outer is entry]:
            del calls[identity]

    def _check_path(self, calls: Mapping[str, Entry], name: str, identity: Stored) -> None:
        for entry in calls.values():
            if entry.recorded and not entry.used and entry.attempt == self.attempt:
                raise NonDeterminismError(
                    f"the action {self._task.action.name!r} of run {self._run.id} took another "
                    f"path than its journal: recorded is a call of {entry.name}, and now it calls "
                    f"{name} with {_short(identity)}. An action must make the same calls for the "
                    "same input, memory and results: no clock, chance or outside state in between."
                )

    def end(self) -> None:
        """Told when the action has returned: looks for calls that were lost."""
        if self._run.journal is None:
            return
        for entry, coroutine in self._begun or ():
            if not entry.begun:
                coroutine.close()
                raise NonRetryableError(
                    f"the durable call {entry.name} was never awaited, so it was not made: "
                    "write await ctx.call(...)"
                )
        for entry in self._run.journal.calls(self._task.id).values():
            if entry.recorded and not entry.used and entry.attempt == self.attempt:
                raise NonDeterminismError(
                    f"the action {self._task.action.name!r} of run {self._run.id} ended without "
                    f"the call of {entry.name} that its journal holds: an action must make the "
                    "same calls for the same input, memory and results"
                )

    def _observe(
        self, call_id: str, entry: Entry, what: str, began: float, error: Exception | None
    ) -> None:
        if self._run.operator.observing:
            self._run.operator.record(
                self._run,
                "call",
                what,
                name=entry.name,
                id=call_id,
                cause=f"{self._run.id}/{self._task.id}",
                duration=time.monotonic() - began,
                error=None if error is None else f"{type(error).__name__}: {error}",
            )

    # ------------------------------------------------------------ resources
    def chat(
        self,
        model: str,
        messages: str | Prompt | Sequence[Message],
        /,
        *,
        tools: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Coroutine[Any, Any, ChatResponse]:
        """Asks a chat model; see ``Context.chat``."""
        from headrace.operator._served import chat, conversation

        asked = conversation(messages, fields)
        return chat(self, self._run.operator, model, asked, tuple(tools), dict(options or {}))

    def tool(self, name: str, /, **arguments: Any) -> Coroutine[Any, Any, Any]:
        """Calls a tool; see ``Context.tool``."""
        from headrace.operator._served import call_tool

        return call_tool(self, self._run.operator, name, arguments)

    def resource(self, kind: str, name: str, /) -> Coroutine[Any, Any, Any]:
        """A resource of the agent."""
        return self._run.operator.resources.get(kind, name)

    def prompt(self, name: str, /, **fields: Any) -> tuple[Message, ...]:
        """One of the agent's prompts, filled."""
        return self._run.operator.resources.prompt(name).fill(**fields)


class BlockingContext:
    """The context for actions in threads: the same, and its calls wait instead of being awaited."""

    def __init__(self, context: RunContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop

    @property
    def long_term(self) -> Any:
        """The long-term memory of this key; its methods wait."""
        memory = self._context.long_term
        waiting = {
            name: self._waiting(getattr(memory, name))
            for name in ("add", "search", "get", "update", "delete")
        }
        return SimpleNamespace(**waiting)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._context, name)
        return self._waiting(value) if name in {"call", "chat", "tool", "resource"} else value

    def _waiting(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        def wait(*args: Any, **kwargs: Any) -> Any:
            async def make() -> Any:
                self._context._run.operator.hold_thread()  # noqa: SLF001 - one part with it
                return await method(*args, **kwargs)

            return asyncio.run_coroutine_threadsafe(make(), self._loop).result()

        return wait


_OUTER: ContextVar[Entry | None] = ContextVar("headrace-outer-call", default=None)
_IMMUTABLE = frozenset({type(None), bool, int, float, str})


def _short(identity: Stored, limit: int = 200) -> str:
    text = repr(identity)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
