"""What the runtime relies on in action stores."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from headrace.action_stores import ActionStore, CallRecord
from headrace.testing._suite import Suite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["ActionStoreSuite"]

_MANY = 5000
_STRANGE = '{"a": "\\u0000\\ud800 \U0001f600 \\" \' \\\\ % %s $1 {} \\n"}'


class ActionStoreSuite(Suite):
    """For plugins of the kind ``action_stores``: give the fixture ``make``.

    ::

        class TestSqlite(ActionStoreSuite):
            @pytest.fixture
            def make(self, tmp_path):
                return lambda: SqliteActionStore(str(tmp_path / "calls.db"))
    """

    @pytest.fixture
    def make(self) -> Any:
        """Makes stores that are not open, all of one place, as several workers have them."""
        raise NotImplementedError("give a fixture `make`: a function that gives a store")

    @pytest.fixture
    def job(self) -> str:
        """A job that nobody else has."""
        return f"job {uuid4().hex} ü'\""

    def with_store(
        self, make: Callable[[], ActionStore], work: Callable[[ActionStore], Awaitable[Any]]
    ) -> Any:
        """Opens a store, does something, and closes it."""

        async def whole() -> Any:
            store = make()
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()
                await store.close()

        return self.run(whole())

    def test_it_is_an_action_store(self, make: Any) -> None:
        """If this fails: the runtime does not take it."""
        assert isinstance(make(), ActionStore)

    def test_building_it_reaches_nothing(self, make: Any) -> None:
        """If this fails: a worker that is being set up waits for a server."""
        began = time.monotonic()
        for _ in range(100):
            make()

        assert time.monotonic() - began < 10, "it does something before it is opened"

    def test_a_new_job_has_no_runs(self, make: Any, job: str) -> None:
        """If this fails: jobs see each other's calls."""
        assert list(self.with_store(make, lambda store: store.runs(job, [0]))) == []

    def test_entries_of_a_run_are_read_in_their_order(self, make: Any, job: str) -> None:
        """If this fails: a journal is put together wrongly, and calls are made again."""

        async def work(store: ActionStore) -> list[str]:
            await store.append(job, [CallRecord(0, "r-0", "1"), CallRecord(0, "r-0", "2")])
            await store.append(job, [CallRecord(0, "other-0", "9"), CallRecord(0, "r-0", "3")])
            return [*await store.read(job, "r-0")]

        assert self.with_store(make, work) == ["1", "2", "3"]

    def test_what_was_appended_is_there_for_the_next_worker(self, make: Any, job: str) -> None:
        """If this fails: a call that had finished is made again after a crash."""
        self.with_store(make, lambda store: store.append(job, [CallRecord(0, "r-0", "kept")]))

        assert [*self.with_store(make, lambda store: store.read(job, "r-0"))] == ["kept"]

    def test_it_is_there_for_others_while_it_is_open(self, make: Any, job: str) -> None:
        """If this fails: what was acknowledged is in this process only."""

        async def work(store: ActionStore) -> list[str]:
            await store.append(job, [CallRecord(0, "r-0", "kept")])
            other = make()
            await other.open()
            try:
                return [*await other.read(job, "r-0")]
            finally:
                await other.close()

        assert self.with_store(make, work) == ["kept"]

    def test_a_run_without_entries_reads_as_none(self, make: Any, job: str) -> None:
        """If this fails: a run that made no call fails when it is begun again."""
        assert [*self.with_store(make, lambda store: store.read(job, "r-0"))] == []

    def test_runs_are_told_with_their_part_and_time(self, make: Any, job: str) -> None:
        """If this fails: a worker does not find the runs of its keys, or keeps them for ever."""
        began = time.time()

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(3, "a-0", "1"), CallRecord(5, "b-0", "1")])
            await store.append(job, [CallRecord(3, "a-0", "2"), CallRecord(7, "c-0", "1")])
            return await store.runs(job, [3, 5, 6])

        found = self.with_store(make, work)
        assert sorted((one.part, one.run) for one in found) == [(3, "a-0"), (5, "b-0")]
        for one in found:
            assert abs(one.written - began) < 3600, "the time is not in seconds since the epoch"

    def test_forgotten_runs_are_gone_and_others_stay(self, make: Any, job: str) -> None:
        """If this fails: the store grows without end, or loses what is still needed."""

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(0, f"{name}-0", "1") for name in "abc"])
            await store.forget(job, ["a-0", "c-0", "never-0"])
            return [one.run for one in await store.runs(job, [0])], [*await store.read(job, "a-0")]

        assert self.with_store(make, work) == (["b-0"], [])

    def test_forgetting_nothing_is_nothing(self, make: Any, job: str) -> None:
        """If this fails: an empty list stands for everything."""

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(0, "a-0", "1")])
            await store.forget(job, [])
            await store.append(job, [])
            return [*await store.read(job, "a-0")]

        assert self.with_store(make, work) == ["1"]

    def test_a_forgotten_run_may_come_again(self, make: Any, job: str) -> None:
        """If this fails: what was forgotten once is never kept again."""

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(0, "a-0", "old")])
            await store.forget(job, ["a-0"])
            await store.append(job, [CallRecord(0, "a-0", "new")])
            return [*await store.read(job, "a-0")]

        assert self.with_store(make, work) == ["new"]

    def test_jobs_are_apart(self, make: Any, job: str) -> None:
        """If this fails: one job takes another one's outcomes for its own."""

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(0, "a-0", "mine")])
            await store.append(f"{job}2", [CallRecord(0, "a-0", "its")])
            await store.forget(f"{job}2", ["a-0"])
            return [*await store.read(job, "a-0")], [*await store.read(f"{job}2", "a-0")]

        assert self.with_store(make, work) == (["mine"], [])

    def test_data_is_kept_as_it_is(self, make: Any, job: str) -> None:
        """If this fails: an outcome comes back as something else, or breaks the journal."""
        large = '"' + "x" * 1_000_000 + '"'

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(0, "a-0", _STRANGE), CallRecord(0, "a-0", large)])
            return [*await store.read(job, "a-0")]

        assert self.with_store(make, work) == [_STRANGE, large]

    def test_many_groups_at_a_time_are_all_kept(self, make: Any, job: str) -> None:
        """If this fails: entries are lost where many runs write side by side."""

        async def work(store: ActionStore) -> Any:
            groups = [[CallRecord(0, f"r{n}-{i}", "1") for i in range(5)] for n in range(40)]
            await asyncio.gather(*(store.append(job, group) for group in groups))
            return len(await store.runs(job, [0]))

        assert self.with_store(make, work) == 200

    def test_a_large_group_is_kept_and_forgotten_whole(self, make: Any, job: str) -> None:
        """If this fails: a burst is cut off, or a forgetting leaves most of it."""
        names = [f"r{number}-0" for number in range(_MANY)]

        async def work(store: ActionStore) -> Any:
            await store.append(job, [CallRecord(1, name, "1") for name in names])
            before = len(await store.runs(job, [1]))
            await store.forget(job, names[1:])
            return before, [one.run for one in await store.runs(job, [1])]

        assert self.with_store(make, work) == (_MANY, names[:1])

    def test_it_can_be_opened_again(self, make: Any, job: str) -> None:
        """If this fails: a worker that is started again in its process has no store."""
        for number in range(2):
            self.with_store(
                make,
                lambda store, n=number: store.append(job, [CallRecord(0, "a-0", str(n))]),  # type: ignore[misc]
            )

        assert [*self.with_store(make, lambda store: store.read(job, "a-0"))] == ["0", "1"]
