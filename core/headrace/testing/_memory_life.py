"""The part of the conformance class of memories that is about its life: many at a time, files."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import ResourceError
from headrace.testing._memory_facts import ADA, BOB, LIVES, MOVED, NOON
from headrace.testing._suite import Suite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from headrace.interfaces import MemoryBackend, MemoryItem

    Make = Callable[[], MemoryBackend]
    Talk = Callable[[MemoryBackend], Awaitable[Any]]

__all__ = ["MemoryLifeSuite", "everything", "export", "ids", "texts"]


class MemoryLifeSuite(Suite):
    """How a memory is made, and what holds of it while it is open and after."""

    persists = True
    """Whether what was kept is there when the store is opened again."""
    learns = False
    """Whether it takes memories out of conversations."""

    @pytest.fixture
    def make(self) -> Make:
        """Gives what makes a backend, not yet open, each time on the same store."""
        raise NotImplementedError("override the fixture `make`")

    @pytest.fixture
    def folder(self) -> Path | None:
        """The folder that an embedded store keeps its files in; ``None``: it is on a server."""
        return None

    def set_clock(self, backend: MemoryBackend, clock: Callable[[], float]) -> None:
        """Gives a backend a clock."""
        backend.clock = clock  # type: ignore[attr-defined]

    # ------------------------------------------------------------ many at a time
    def test_64_memories_added_at_a_time_are_all_kept(self, make: Make) -> None:
        """If this fails: writes that were acknowledged are lost."""

        async def talk(memory: MemoryBackend) -> Any:
            await asyncio.gather(
                *(memory.add(ADA, f"m-{n}", f"The parcel number {n}.", {}) for n in range(64))
            )
            return await everything(memory)

        left = self.using(make, talk)
        later = self.using(make, everything) if self.persists else left

        assert ids(left) == sorted(f"m-{n}" for n in range(64))
        assert later == left

    def test_the_same_memory_added_many_times_at_a_time_is_there_once(self, make: Make) -> None:
        """If this fails: two workers that replay the same run remember twice."""

        async def talk(memory: MemoryBackend) -> Any:
            await asyncio.gather(*(memory.add(ADA, "m-1", "Tea.", {}) for _ in range(16)))
            return await everything(memory)

        assert ids(self.using(make, talk)) == ["m-1"]

    def test_one_memory_is_left_of_a_topic_added_many_times_at_a_time(self, make: Make) -> None:
        """If this fails: two facts of one topic contradict each other."""

        async def talk(memory: MemoryBackend) -> Any:
            await asyncio.gather(
                *(memory.add(ADA, f"m-{n}", f"Lives in {n}.", {}, topic="home") for n in range(16))
            )
            return await everything(memory)

        assert len(self.using(make, talk)) == 1

    def test_updates_at_a_time_leave_one_whole_memory(self, make: Make) -> None:
        """If this fails: updates tear each other, or are found under an old text."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Counted: none.", {"n": 1})
            await asyncio.gather(
                *(memory.update(ADA, "m-1", f"Counted: number{n}.") for n in range(32))
            )
            [item] = await everything(memory)
            word = item["text"].split()[-1]
            return item, await memory.search(ADA, word, 5)

        item, found = self.using(make, talk)

        assert item["text"] in {f"Counted: number{n}." for n in range(32)}
        assert item["metadata"] == {"n": 1}
        assert texts(found) == [item["text"]]

    def test_a_cancelled_call_leaves_the_memory_usable(self, make: Make) -> None:
        """If this fails: a time-out of one run breaks the others."""

        async def talk(memory: MemoryBackend) -> Any:
            calls = [asyncio.ensure_future(memory.add(ADA, f"m-{n}", "Tea.", {})) for n in range(8)]
            await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            await memory.add(ADA, "m-8", "Tea.", {})
            return await memory.search(ADA, "tea", 20)

        assert "m-8" in ids(self.using(make, talk))

    # ------------------------------------------------------------ its life
    def test_what_was_kept_is_there_when_it_is_opened_again(self, make: Make) -> None:
        """If this fails: memory ends with the worker; set ``persists`` if it is meant to."""
        if not self.persists:
            pytest.skip("it keeps nothing when it is closed")

        async def add(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Likes tulips.", {"n": 1}, topic="t", expires=NOON + 60)
            await memory.update(ADA, "m-1", "Likes orchids.")
            return await memory.get(ADA, "m-1")

        async def look(memory: MemoryBackend) -> Any:
            return await memory.get(ADA, "m-1"), await memory.search(ADA, "orchids", 5)

        before = self.using(make, add)
        after, found = self.using(make, look)

        assert after == before
        assert ids(found) == ["m-1"]

    def test_the_store_is_free_as_soon_as_it_is_closed(self, make: Make) -> None:
        """If this fails: a worker that starts again in the same process cannot open it."""

        async def five_times() -> None:
            for number in range(5):
                memory = self.made(make)
                await memory.open()
                try:
                    await memory.add(ADA, f"m-{number}", "Tea.", {})
                finally:
                    await memory.close()

        self.run(five_times())

    def test_closing_twice_is_harmless(self, make: Make) -> None:
        """If this fails: the end of a worker raises."""

        async def twice() -> None:
            memory = self.made(make)
            await memory.open()
            await memory.close()
            await memory.close()

        self.run(twice())

    def test_closing_what_was_never_opened_is_harmless(self, make: Make) -> None:
        """If this fails: the end of a worker that could not start hides why."""
        self.run(self.made(make).close())

    def test_it_says_so_where_it_is_not_open(self, make: Make) -> None:
        """If this fails: nobody can tell why a call failed."""

        async def closed() -> None:
            memory = self.made(make)
            await memory.open()
            await memory.close()
            await memory.get(ADA, "m-1")

        with pytest.raises(ResourceError, match="not open"):
            self.run(closed())

    # ------------------------------------------------------------ forgotten for good
    def test_what_was_erased_is_in_no_file(self, make: Make, folder: Path | None) -> None:
        """If this fails: what a person had erased can be read from the disk."""
        if folder is None:
            pytest.skip("the store is on a server")
        secrets = ("Quetzalcoatlus", "Xiuhtecuhtli", "Popocatepetl", "Ixtaccihuatl", "Tezcatlipoca")
        text, tag, old, topic, learned = secrets

        async def add(memory: MemoryBackend) -> None:
            for number in range(40):
                await memory.add(BOB, f"b-{number}", f"The parcel number {number} came.", {})
                long = "and so on " * (1 + 40 * (number % 7))
                await memory.add(ADA, f"m-{number}", f"{number} {text} {long}", {"tag": tag})
            await memory.add(ADA, "m-40", old, {})
            await memory.update(ADA, "m-40", "Something else.")
            await memory.add(ADA, "m-41", topic, {}, topic="t")
            await memory.add(ADA, "m-42", "The newer fact.", {}, topic="t")
            await memory.add(ADA, "m-43", learned, {}, expires=NOON + 1)
            await memory.delete(ADA, "m-39")

        async def erase(memory: MemoryBackend) -> Any:
            self.set_clock(memory, lambda: NOON + 2)
            await memory.erase({"user": "ada"})
            return read(folder, secrets)

        self.using(make, add)
        there = read(folder, secrets)
        while_open = self.using(make, erase)
        left = self.using(make, everything)

        assert text in there, "the test looks in the wrong place: override the fixture `folder`"
        assert while_open == set()
        assert read(folder, secrets) == set()
        assert len(left) == 40

    # ------------------------------------------------------------ learning
    def test_learning_is_refused_where_it_cannot(self, make: Make) -> None:
        """If this fails: a conversation is dropped in silence."""
        if self.learns:
            pytest.skip("it learns")
        with pytest.raises(ResourceError):
            self.using(make, lambda memory: memory.learn(ADA, "l-1", LIVES))

    def test_what_was_learned_is_found(self, make: Make) -> None:
        """If this fails: nothing is taken out of a conversation."""
        self.needs_learning()

        async def talk(memory: MemoryBackend) -> Any:
            learned = await memory.learn(ADA, "l-1", LIVES)
            return learned, await everything(memory), await memory.search(ADA, "Minka", 5)

        learned, kept, found = self.using(make, talk)

        assert sorted(ids(learned)) == ids(kept)
        assert all(item["scope"] == ADA for item in learned)
        assert any("Minka" in text for text in texts(found))

    def test_learning_the_same_again_changes_nothing_and_gives_the_same(self, make: Make) -> None:
        """If this fails: a replay learns twice, and pays twice."""
        self.needs_learning()

        async def talk(memory: MemoryBackend) -> Any:
            first = await memory.learn(ADA, "l-1", LIVES)
            state = await everything(memory)
            return first, state, await memory.learn(ADA, "l-1", LIVES), await everything(memory)

        first, state, second, later = self.using(make, talk)

        assert second == first
        assert later == state

    def test_an_outdated_fact_is_put_right(self, make: Make) -> None:
        """If this fails: two facts contradict each other, and either may be found."""
        self.needs_learning()

        async def talk(memory: MemoryBackend) -> Any:
            await memory.learn(ADA, "l-1", LIVES)
            await memory.learn(ADA, "l-2", MOVED)
            await memory.learn(ADA, "l-1", LIVES)  # a late replay
            return texts(await everything(memory))

        kept = self.using(make, talk)

        assert any("Bern" in text for text in kept)
        assert any("Minka" in text for text in kept), "what is still true was taken away"
        assert not any("Zürich" in text and "Bern" not in text for text in kept)

    def test_what_was_learned_is_of_its_scope_only(self, make: Make) -> None:
        """If this fails: what one person said puts right what is known of another."""
        self.needs_learning()

        async def talk(memory: MemoryBackend) -> Any:
            await memory.learn(BOB, "l-1", LIVES)
            await memory.learn(ADA, "l-2", MOVED)
            return texts(await export(memory, BOB)), texts(await export(memory, ADA))

        bobs, adas = self.using(make, talk)

        assert any("Zürich" in text for text in bobs)
        assert any("Bern" in text for text in adas)
        assert not any("Minka" in text for text in adas)

    # ------------------------------------------------------------ helpers
    def needs_learning(self) -> None:
        """Skips a test where the backend has no model."""
        if not self.learns:
            pytest.skip("it does not learn")

    def made(self, make: Make) -> MemoryBackend:
        """A backend with the tests' clock, not yet open."""
        memory = make()
        self.set_clock(memory, lambda: NOON)
        return memory

    def using(self, make: Make, talk: Talk) -> Any:
        """Runs ``talk`` with an open backend."""

        async def go() -> Any:
            memory = self.made(make)
            await memory.open()
            try:
                return await talk(memory)
            finally:
                await memory.close()

        return self.run(go())


async def export(memory: MemoryBackend, scope: Mapping[str, str]) -> list[MemoryItem]:
    """All of a scope."""
    return [item async for item in memory.export(scope)]


async def everything(memory: MemoryBackend) -> list[MemoryItem]:
    """All memories of the tests' agents, by id."""
    found = [item for agent in ("desk", "shop") for item in await export(memory, {"agent": agent})]
    return sorted(found, key=lambda item: str(item["id"]))


def ids(items: Iterable[MemoryItem]) -> list[str]:
    """Their ids."""
    return [item["id"] for item in items]


def texts(items: Iterable[MemoryItem]) -> list[str]:
    """Their texts."""
    return [item["text"] for item in items]


def read(folder: Path, words: Iterable[str]) -> set[str]:
    """Those words that stand in a file of a folder, however they are written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    content = b"\n".join(path.read_bytes().lower() for path in files)
    return {word for word in words if word.lower().encode() in content}
