"""The outbox: effects of runs that are sure, done in order within each key.

An engine puts an effect here when the run that asked for it can not be undone any more, and keeps
it in its state until it is told how the effect ended. A key's effects are done one after the other;
keys do not wait for each other. None of them is part of a run: a slow one holds no place in flight,
and those that block have threads of their own.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import TYPE_CHECKING, Any, Literal

from headrace.context import RETRY
from headrace.errors import CallTimeoutError, NonRetryableError, ResourceError, StateError
from headrace.lanes import Lanes
from headrace.operator._effects import ASKS, Effect, wants_key
from headrace.values import decode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.operator._operator import Operator

__all__ = ["End", "Outbox", "letter_of"]

_LOG = logging.getLogger("headrace.outbox")
_LONGEST_WAIT = 86_400.0

End = Literal["finished", "skipped", "dead_letter"]


class Outbox:
    """Does effects, each until it is done or given up.

    Args:
        operator: The operator.
        ended: Told of an effect that is over, with its dead letter where it was given up.
        tried: Told of an effect whose try has failed, and which is tried again.
    """

    def __init__(
        self,
        operator: Operator,
        ended: Callable[[Effect, End, dict[str, Any] | None], None],
        tried: Callable[[Effect], None],
    ) -> None:
        self._operator = operator
        self._ended = ended
        self._tried = tried
        self._lanes: Lanes[Effect] = Lanes()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(operator.plan.config.max_in_flight)
        self._threads: ThreadPoolExecutor | None = None
        self._stopped = False
        self.under_way = 0
        """Effects that are being tried now: not those that wait for a further try."""

    def __len__(self) -> int:
        return len(self._lanes) + self._lanes.waiting

    def add(self, effect: Effect) -> None:
        """Takes an effect of a run that can not be undone any more."""
        if self._lanes.enter(effect.key_id, effect):
            # In a context of its own: it is no part of the run in whose turn it begins.
            task = Context().run(self._operator.loop.create_task, self._of_key(effect))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Begins no further try; those under way go on."""
        self._stopped = True

    async def close(self) -> None:
        """Ends what is under way; the engine's state has it."""
        self._stopped = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------ one key
    async def _of_key(self, effect: Effect) -> None:
        following: Effect | None = effect
        while following is not None:
            if not await self._settle(following):
                return  # it stays where it is: in the engine's state
            following = self._lanes.leave(effect.key_id)

    async def _settle(self, effect: Effect) -> bool:
        """Tries an effect until it is over; ``False``: the outbox was stopped before."""
        config = self._operator.settings_of(self._member(effect))
        policy = effect.policy or config.outbox
        while True:
            if (wait := effect.due - self._operator.clock()) > 0:
                await asyncio.sleep(min(wait, _LONGEST_WAIT))
            async with self._places:
                if self._stopped:
                    return False
                self.under_way += 1
                began = time.monotonic()
                try:
                    self._check_time(effect)
                    effect.attempts += 1
                    await self._try(effect)
                except Exception as error:  # noqa: BLE001 - of the author's function
                    failed: Exception = error
                else:
                    self._tell(effect, "finished", began)
                    self._ended(effect, "finished", None)
                    return True
                finally:
                    self.under_way -= 1
            now = self._operator.clock()
            effect.failed(f"{type(failed).__name__}: {failed}", now)
            self._tell(effect, "failed", began, failed)
            if not policy.retryable(failed, effect.attempts):
                self._give_up(effect, failed, skip=policy.then == "skip")
                return True
            wait = policy.wait(failed, effect.attempts)
            effect.due = now + wait
            self._operator.telling.effect(effect, "retried", data={"wait": round(wait, 3)})
            self._tried(effect)

    def _check_time(self, effect: Effect) -> None:
        now = self._operator.clock()
        if effect.expires is not None and now >= effect.expires:
            raise NonRetryableError(
                f"it was to be done within {effect.expires - effect.asked:g} s (expires), and "
                f"{now - effect.asked:g} s have passed"
            )

    async def _try(self, effect: Effect) -> None:
        """Does it once.

        Raises:
            NonRetryableError: The function is not there any more, or takes other arguments.
        """
        function, args, kwargs = self._found(effect, effect.function)
        reconcile = None
        if effect.reconcile is not None and (effect.again or effect.attempts > 1):
            reconcile = self._found(effect, effect.reconcile)
        deadline = self._operator.deadlines.within(effect.timeout)
        try:
            with deadline:
                if reconcile is not None:
                    ask, given, named = reconcile
                    if await self._call(ask, given, named) is not RETRY:
                        return
                await self._call(function, args, kwargs)
        except TimeoutError:
            if deadline.expired:
                name = effect.function
                raise CallTimeoutError(
                    f"the effect {name} took longer than {effect.timeout:g} s"
                ) from None
            raise

    def _found(
        self, effect: Effect, name: str
    ) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
        what = (
            f"the effect {name} of the run {effect.run} cannot be done: the code has changed "
            "since it was asked for. "
        )
        try:
            function = self._operator.bound(self._member(effect), name)
            args, kwargs = decode(effect.arguments)
        except (ResourceError, StateError) as error:
            raise NonRetryableError(
                f"{what}{error}. Keep the old name beside the new one until the outbox is empty"
            ) from error
        try:
            if wants_key(function, args, kwargs):
                kwargs[ASKS] = effect.key
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise NonRetryableError(
                f"{what}Its arguments do not fit: {error}. New parameters need defaults"
            ) from error
        except ValueError:  # it is written in C, and tells nothing
            pass
        return function, args, kwargs

    async def _call(
        self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self._operator.plan.config.blocking_threads, thread_name_prefix="headrace-effects"
            )
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        return await result if inspect.isawaitable(result) else result

    def _member(self, effect: Effect) -> str | None:
        """Whose effect it is; one of a member that is gone is the agent's own."""
        return effect.member if effect.member in self._operator.plan.owners else None

    # ------------------------------------------------------------ the end
    def _give_up(self, effect: Effect, error: Exception, *, skip: bool) -> None:
        if skip:
            self._operator.telling.effect(effect, "skipped", error=error)
            self._ended(effect, "skipped", None)
            return
        _LOG.error(
            "an effect was given up after %d attempts, and is a dead letter now: %s of the run "
            "%s: %s",
            effect.attempts,
            effect.function,
            effect.run,
            effect.history[-1]["error"],
        )
        self._operator.telling.effect(effect, "dead_letter", error=error)
        self._ended(effect, "dead_letter", letter_of(effect, self._operator.clock(), error))

    def _tell(
        self, effect: Effect, what: str, began: float, error: Exception | None = None
    ) -> None:
        duration = time.monotonic() - began
        self._operator.telling.effect(effect, what, duration=duration, error=error)


def letter_of(effect: Effect, now: float, error: Exception) -> dict[str, Any]:
    """The dead letter of an effect: what it was, why it was given up, and its history."""
    try:
        args, kwargs = decode(effect.arguments)
    except StateError:  # a class that is gone: a dead letter must not fail
        args, kwargs = effect.arguments
    try:
        key = decode(effect.of)
    except StateError:
        key = effect.of
    trace = "".join(traceback.format_exception(error))
    return {
        "key": key,
        "effect": effect.function,
        "arguments": to_jsonable({"args": args, "kwargs": kwargs}),
        "idempotency_key": effect.key,
        "error": effect.history[-1]["error"],
        "trace": trace,
        "action": effect.action,
        "attempts": effect.attempts,
        "history": list(effect.history),
        "asked": effect.asked,
        "run_id": effect.run,
        "time": now,
    }
