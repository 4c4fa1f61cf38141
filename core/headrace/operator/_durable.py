"""The durable calls of an action task: each takes its place in the journal, and is made once."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from headrace.context import DEFAULT, RETRY, Default
from headrace.errors import (
    CallTimeoutError,
    NonDeterminismError,
    NonRetryableError,
)
from headrace.operator._journal import Entry
from headrace.policy import FAIL, FailurePolicy
from headrace.values import Stored, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from headrace.operator._action_task import ActionTask
    from headrace.operator._run import Run

__all__ = ["OUTER_CALL", "DurableCalls"]

OUTER_CALL: ContextVar[Entry | None] = ContextVar("headrace-outer-call", default=None)
"""The call in which further ones are made, such as a tool's."""
_IMMUTABLE = frozenset({type(None), bool, int, float, str})


class DurableCalls:
    """The calls of one attempt of an action task.

    Args:
        run: The run.
        task: Its task.
        asyncio_task: In which the action itself runs: there, and not in what it started beside,
            calls come in the order of the code.
    """

    __slots__ = ("_asyncio_task", "_begun", "_counts", "_run", "_task")

    def __init__(self, run: Run, task: ActionTask, asyncio_task: asyncio.Task[Any] | None) -> None:
        self._run = run
        self._task = task
        self._asyncio_task = asyncio_task
        self._counts: dict[str, int] = {}
        self._begun: list[tuple[Entry, Coroutine[Any, Any, Any]]] = []

    def call(
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
        base = f"{name}|{digest(identity)}"
        number = self.number(base)
        entry = calls.get(f"{base}|{number}")
        if entry is None:
            if self._asyncio_task is None or asyncio.current_task() is self._asyncio_task:
                self._check_path(calls, name, identity)
            entry = calls[f"{base}|{number}"] = Entry(name, self._task.attempt)
        entry.used = True
        entry.outer = OUTER_CALL.get()
        operator = self._run.operator
        if operator.watch is not None or operator.telling.on:
            entry.asked = (self._task, number, identity)
        entry.id = f"{self._task.id}/{base}|{number}"
        coroutine = self._make(entry, make, reconcile, timeout, retry, if_unknown)
        self._begun.append((entry, coroutine))
        return coroutine

    def number(self, what: str) -> int:
        """How often it was asked for the same before, in this attempt."""
        self._counts[what] = number = self._counts.get(what, -1) + 1
        return number

    @property
    def begun(self) -> int:
        """How many calls took their place in the journal so far, in this attempt."""
        return len(self._begun)

    def ask_again(self, name: str, since: int) -> None:
        """Has a further attempt of the action make calls again, though they have finished.

        Args:
            name: The calls' name.
            since: How many calls were ``begun`` before them.
        """
        for entry, _ in self._begun[since:]:
            if entry.name == name:
                entry.stale = True

    async def _make(
        self,
        entry: Entry,
        make: Callable[[], Any],
        reconcile: Callable[[], Any] | None,
        timeout: float | Default | None,
        retry: FailurePolicy,
        if_unknown: Literal["retry", "fail"],
    ) -> Any:
        run, operator = self._run, self._run.operator
        entry.begun = True
        entry.reconciled = reconcile is not None
        if operator.watch is not None:
            await operator.watch.begun(run, entry)
        if entry.state in {"finished", "failed"}:
            if operator.telling.on:
                operator.telling.call_ended(self._task, entry, "reused", None)
            return entry.result()
        began = time.monotonic()
        seconds = self._task.branch.config.call_timeout if isinstance(timeout, Default) else timeout
        try:
            unsure = entry.state == "started" and entry.recorded
            if unsure and reconcile is None and if_unknown == "fail":
                raise NonRetryableError(  # noqa: TRY301 - recorded like any other failure
                    f"the durable call {entry.name} was begun, its end is not recorded, and "
                    "it must not be made twice (if_unknown='fail'): give it reconcile=..."
                )
            entry.state = "started"
            if reconcile is not None or if_unknown == "fail":
                await operator.recorded(run, self._task)
            outer = OUTER_CALL.set(entry)
            try:
                result = await self._tries(entry, make, reconcile, seconds, retry, unsure)
            finally:
                OUTER_CALL.reset(outer)
            entry.finish(result)
            self._forget_inner(entry)
            if operator.watch is not None:
                operator.watch.ended(run, entry)
        except Exception as error:
            entry.fail(error)
            if operator.watch is not None:
                operator.watch.ended(run, entry)
            await operator.recorded(run, self._task)
            if operator.telling.on:
                operator.telling.call_ended(self._task, entry, "failed", began, error)
            raise
        await operator.recorded(run, self._task)
        if operator.telling.on:
            operator.telling.call_ended(self._task, entry, "finished", began)
        return result if type(result) in _IMMUTABLE else entry.result()

    async def _tries(
        self,
        entry: Entry,
        make: Callable[[], Any],
        reconcile: Callable[[], Any] | None,
        seconds: float | None,
        retry: FailurePolicy,
        unsure: bool,  # noqa: FBT001 - whether an earlier try may have taken effect
    ) -> Any:
        telling = self._run.operator.telling
        attempt = 1
        while True:
            began = time.monotonic()
            try:
                result: Any = RETRY
                if unsure and reconcile is not None:
                    result = await self._within(seconds, reconcile, entry.name)
                if result is RETRY:
                    result = await self._within(seconds, make, entry.name)
            except Exception as error:
                again = retry.retryable(error, attempt)
                wait = retry.wait(error, attempt) if again else None
                if telling.on and (again or attempt > 1):
                    telling.tried(self._task, entry, attempt, began, error, wait)
                if wait is None:
                    raise
                await asyncio.sleep(wait)
                attempt += 1
                unsure = True
            else:
                if telling.on and attempt > 1:
                    telling.tried(self._task, entry, attempt, began)
                return result

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
            if entry.recorded and not entry.used and entry.attempt == self._task.attempt:
                raise NonDeterminismError(
                    f"the action {self._task.action.name!r} of run {self._run.id} took another "
                    f"path than its journal: recorded is a call of {entry.name}, and now it calls "
                    f"{name} with {_short(identity)}. An action must make the same calls for the "
                    "same input, memory and results: no clock, chance or outside state in between."
                )

    def end(self) -> None:
        """Told when the action has returned: looks for calls that were lost."""
        for entry, coroutine in self._begun:
            if not entry.begun:
                coroutine.close()
                raise NonRetryableError(
                    f"the durable call {entry.name} was never awaited, so it was not made: "
                    "write await ctx.call(...)"
                )
        for entry in self._run.journaled().calls(self._task.id).values():
            if entry.recorded and not entry.used and entry.attempt == self._task.attempt:
                raise NonDeterminismError(
                    f"the action {self._task.action.name!r} of run {self._run.id} ended without "
                    f"the call of {entry.name} that its journal holds: an action must make the "
                    "same calls for the same input, memory and results"
                )


def _short(identity: Stored, limit: int = 200) -> str:
    text = repr(identity)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
