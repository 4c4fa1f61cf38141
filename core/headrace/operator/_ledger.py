"""The operator's side of an action store: what journals say is written in groups, and read again.

A call's outcome is in the store before its action goes on. Many runs share one write: whatever
comes while a group is being written is the next group. So a store that is slow holds back the runs
that wait for it, these their places in flight, and so the stream; nothing queues up beyond that.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import to_json

from headrace.action_stores import ActionStoreError, CallRecord
from headrace.errors import NonRetryableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from headrace.action_stores import ActionStore
    from headrace.operator._action_task import ActionTask
    from headrace.operator._names import Names
    from headrace.operator._operator import Operator
    from headrace.operator._run import Run, RunInput
    from headrace.values import Stored

__all__ = ["Ledger"]

T = TypeVar("T")

_LOG = logging.getLogger("headrace.actions")
_ESCAPED = json.JSONEncoder(separators=(",", ":"))
_GROUP = 1000
"""Entries that are written in one go, at most."""
_GROUP_CHARACTERS = 4_000_000
_BACKLOG = 10_000
"""Entries that are held for a store that is away, where runs do not wait for it."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_PATIENCE = 30.0
"""Seconds after which a store that does not answer counts as away."""
_SAY_AGAIN = 60.0
_ENDING_SECONDS = 2.0
"""How long what was given up may take to end, before it is left to itself."""
_LAST_SECONDS = 5.0
"""How long a job that ends waits for its store."""
_FORGET_AFTER = 0.2
"""Seconds in which runs that are over are gathered, to be forgotten together."""
_LOST_SECONDS = 7 * 86400.0
"""After so long, an input whose run was lost is not waited for any more."""


class _Entry:
    """An entry that is not written yet, and who waits for it."""

    __slots__ = ("future", "held", "record", "task")

    def __init__(
        self, record: CallRecord, future: asyncio.Future[None], task: ActionTask | None
    ) -> None:
        self.record = record
        self.future = future
        self.task = task
        self.held = False

    def hold(self) -> None:
        """Stops the time of the action: it is not the one that is slow."""
        if not self.held and self.task is not None and not self.future.done():
            self.held = True
            self.task.hold()

    def let_go(self) -> None:
        if self.held and self.task is not None:
            self.held = False
            self.task.unhold()


class Ledger:
    """Writes the journals of runs to the agent's action store.

    Args:
        operator: The operator.
        member: Whose resource the store is.
        name: The resource's name.
    """

    def __init__(self, operator: Operator, member: str | None, name: str) -> None:
        config = operator.plan.config
        self._operator = operator
        self._resources = operator.resources_of(member)
        self._name = name
        self._job = operator.plan.identity
        self._waits = config.action_store_errors == "wait"
        self._keep = config.action_store_keep
        self._queue: deque[_Entry] = deque()
        self._under_way: list[_Entry] = []
        self._writer: asyncio.Task[None] | None = None
        self._index: dict[int, dict[str, float]] = {}
        self._over: deque[tuple[float, str]] = deque()
        self._forgetting: asyncio.Task[None] | None = None
        self._away_since: float | None = None
        self._left: set[asyncio.Future[Any]] = set()
        self._said = 0.0
        self._dropped = 0
        self._closing = False

    # ------------------------------------------------------------ recovery
    async def open(self, parts: Sequence[int]) -> None:
        """Asks the store which runs it has entries of.

        Args:
            parts: The parts of the job that this worker has.

        Raises:
            ResourceError: The store will not do.
        """
        found = await self._insist(lambda store: store.runs(self._job, parts), "tell its runs")
        for one in found or ():
            self._index.setdefault(one.part, {})[one.run] = one.written

    def begin(self, part: int, names: Names, pending: Iterable[RunInput]) -> None:
        """Settles what the runs are that the store has entries of, before a part has its first one.

        Args:
            part: The part.
            names: Gives the part's runs their names.
            pending: The inputs that the engine's state holds.
        """
        index = self._index.pop(part, {})
        by_name = {item.name: item for item in pending if item.name is not None}
        for name in index.keys() & by_name.keys():
            by_name[name].kept = True
        old = time.time() - max(_LOST_SECONDS, self._keep)
        late = [name for name, at in index.items() if at < old and name not in by_name]
        for name in late:
            del index[name]
        self.over([*late, *names.lose(index, by_name)])

    async def recall(self, run: Run) -> None:
        """Puts what the store knows of a run into its journal.

        Raises:
            StateError: The store has something else.
        """
        kept = await self._insist(lambda store: store.read(self._job, run.id), f"read {run.id}")
        if kept:
            run.journaled().take_kept(kept, run.id)

    # ------------------------------------------------------------ writing
    async def record(self, run: Run, task: ActionTask | None = None) -> None:
        """Waits until what has changed in a run's journal is in the store.

        Raises:
            ResourceError: The store refuses for good.
        """
        part = 0 if run.item.names is None else run.item.names.part
        record = CallRecord(part, run.id, _text(run.journaled().taken()))
        away = self._away_since is not None
        if away and not self._waits and len(self._queue) >= _BACKLOG:
            self._dropped += 1
            return
        loop = asyncio.get_running_loop()
        entry = _Entry(record, loop.create_future(), task)
        self._queue.append(entry)
        if self._writer is None:
            # In a context of its own: it writes for all runs, and not for the one that began it.
            self._writer = Context().run(loop.create_task, self._write())
        if away and not self._waits:
            return
        if away:
            loop.call_soon(entry.hold)  # when the action's own time has begun
        try:
            await entry.future
        finally:
            entry.let_go()

    async def _write(self) -> None:
        group: list[_Entry] = []
        try:
            while self._queue:
                group = self._group()
                records = [entry.record for entry in group]
                try:
                    await self._insist(lambda store: store.append(self._job, records), "write")  # noqa: B023 - awaited here
                except NonRetryableError as error:
                    for entry in group:
                        if not entry.future.done():
                            entry.future.set_exception(error)
                    continue
                _settle(group)
        finally:
            self._writer = None
            _settle([*group, *self._queue])

    def _group(self) -> list[_Entry]:
        group = [self._queue.popleft()]
        size = len(group[0].record.data)
        while self._queue and len(group) < _GROUP and size < _GROUP_CHARACTERS:
            group.append(self._queue.popleft())
            size += len(group[-1].record.data)
        self._under_way = group
        return group

    # ------------------------------------------------------------ forgetting
    def over(self, names: Iterable[str]) -> None:
        """Has runs forgotten that can not come back, whatever the engine's state goes back to."""
        due = time.monotonic() + self._keep
        self._over.extend((due, name) for name in names)
        if self._forgetting is None and self._over and not self._closing:
            self._forgetting = asyncio.ensure_future(self._forget_later(), loop=self._operator.loop)

    async def forget_all(self, part: int) -> None:
        """Has all runs of a part forgotten: the job has come to its end."""
        found = await self._once(lambda store: store.runs(self._job, [part]))
        self.over([one.run for one in found or ()])

    async def _forget_later(self) -> None:
        try:
            while self._over:
                left = self._over[0][0] - time.monotonic()
                await asyncio.sleep(max(_FORGET_AFTER, left))
                while await self._forget():
                    pass
        finally:
            self._forgetting = None

    async def _forget(self) -> bool:
        """Forgets what is due, up to a group; what the store does not take is tried again later.

        Returns:
            Whether more is due.
        """
        due: list[tuple[float, str]] = []
        now = time.monotonic()
        while self._over and self._over[0][0] <= now and len(due) < _GROUP:
            due.append(self._over.popleft())
        if not due:
            return False
        runs = [name for _, name in due]
        try:
            await self._within(_PATIENCE, lambda store: store.forget(self._job, runs))
        except asyncio.CancelledError:
            self._over.extendleft(reversed(due))
            raise
        except Exception as error:  # noqa: BLE001 - of a plugin
            _LOG.warning("the action store did not forget %d runs: %s", len(runs), error)
            self._over.extendleft(reversed(due))
            await asyncio.sleep(_LONGEST_PAUSE)
            return False
        return bool(self._over) and self._over[0][0] <= time.monotonic()

    # ------------------------------------------------------------ a store that does not answer
    @property
    def busy(self) -> bool:
        """Whether something goes on that needs the loop."""
        return self._writer is not None or self._forgetting is not None

    async def _store(self) -> ActionStore:
        store: ActionStore = await self._resources.get("action_stores", self._name)
        return store

    async def _insist(self, work: Callable[[ActionStore], Awaitable[T]], what: str) -> T | None:
        """Does something as often as it takes, or (``go_on``) as it goes on without.

        Raises:
            NonRetryableError: The store refuses for good.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                done = await self._within(_PATIENCE, work)
            except NonRetryableError:
                raise
            except Exception as error:  # noqa: BLE001 - of a plugin
                self._is_away(error, what)
                if what != "write" and not self._waits:
                    return None
            else:
                self._is_back()
                return done
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _do(self, work: Callable[[ActionStore], Awaitable[T]]) -> T:
        return await work(await self._store())

    async def _once(self, work: Callable[[ActionStore], Awaitable[T]]) -> T | None:
        with suppress(Exception):
            return await self._within(_LAST_SECONDS, work)
        return None

    async def _within(self, seconds: float, work: Callable[[ActionStore], Awaitable[T]]) -> T:
        """Does something in time, also where the store does not let itself be cancelled.

        Raises:
            ActionStoreError: It took longer.
        """
        task = asyncio.ensure_future(self._do(work))
        try:
            await asyncio.wait({task}, timeout=seconds)
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_ENDING_SECONDS)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            if not task.done():
                self._left.add(task)
                task.add_done_callback(self._ended)
        if not task.done() or task.cancelled():
            raise ActionStoreError(f"it has not answered for {seconds:g} s")
        return task.result()

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # it was told that it took too long

    def _is_away(self, error: Exception, what: str) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since, self._said = now, 0.0
        waiting = [*self._under_way, *self._queue]
        if self._waits:
            for entry in waiting:
                entry.hold()
        else:
            _settle(waiting)
        if now - self._said >= _SAY_AGAIN or not self._said:
            self._said = now
            told = str(error) or type(error).__name__
            _LOG.warning(
                "the action store cannot %s: %s. %s",
                what,
                told,
                "Runs wait until it can (the setting action_store_errors is 'wait')"
                if self._waits
                else "Runs go on without: calls that end now may be made again if the job goes "
                "back to an older state (the setting action_store_errors is 'go_on')",
            )

    def _is_back(self) -> None:
        if self._away_since is None:
            return
        seconds, self._away_since = time.monotonic() - self._away_since, None
        lost = f"; {self._dropped} entries of that time were dropped" if self._dropped else ""
        self._dropped = 0
        _LOG.warning("the action store is back after %.1f s%s", seconds, lost)

    async def close(self) -> None:
        """Writes and forgets what is left, as far as the store does so at once."""
        self._closing = True
        with suppress(asyncio.TimeoutError, Exception):
            await asyncio.wait_for(self._finish(), _LAST_SECONDS)
        for task in (self._writer, self._forgetting):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _finish(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            await asyncio.gather(self._forgetting, return_exceptions=True)
        if self._writer is not None:
            await asyncio.shield(self._writer)
        while self._over and self._over[0][0] <= time.monotonic():
            await self._forget()


def _text(changes: Stored) -> str:
    """Changes of a journal as JSON; by pydantic's encoder, as it takes a fifth of the time."""
    try:
        return to_json(changes).decode()
    except ValueError:  # a text that is no Unicode, which has to be escaped; or very deep
        return _ESCAPED.encode(changes)


def _settle(entries: Iterable[_Entry]) -> None:
    for entry in entries:
        if not entry.future.done():
            entry.future.set_result(None)
