"""The conformance class of long-term memories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from headrace.testing._memory_facts import ADA, ADA_ELSEWHERE, BOB, NOON
from headrace.testing._memory_life import everything, ids, texts
from headrace.testing._memory_scopes import MemoryScopeSuite
from headrace.testing._memory_search import MemorySearchSuite
from headrace.values import decode, encode

if TYPE_CHECKING:
    from headrace.interfaces import MemoryBackend, MemoryItem
    from headrace.testing._memory_life import Make

__all__ = ["MemoryBackendSuite"]


class MemoryBackendSuite(MemorySearchSuite, MemoryScopeSuite):
    """What the runtime relies on in a long-term memory.

    ::

        class TestMyMemory(MemoryBackendSuite):
            @pytest.fixture
            def make(self, tmp_path):
                return lambda: MyMemory(str(tmp_path / "memories"))

    A memory that goes by a clock has an attribute ``clock``, which gives the seconds since the
    epoch and can be set; else override ``set_clock``. A ``learns`` memory is given ``LIVES`` and
    ``MOVED``: a stand-in for its model's intelligence has to know what is in them.
    """

    # ------------------------------------------------------------ keeping
    def test_what_was_added_is_had_by_its_id(self, make: Make) -> None:
        """If this fails: nothing is remembered."""

        async def talk(memory: MemoryBackend) -> MemoryItem | None:
            await memory.add(ADA, "m-1", "Tea, not coffee.", {"n": 1, "tags": ["a", None]})
            return await memory.get(ADA, "m-1")

        item = self.using(make, talk)

        assert item == {
            "id": "m-1",
            "text": "Tea, not coffee.",
            "metadata": {"n": 1, "tags": ["a", None]},
            "scope": ADA,
            "created": NOON,
            "updated": NOON,
            "expires": None,
        }
        assert decode(encode(dict(item))) == item  # as a journal gives it back

    def test_what_is_not_there_is_none(self, make: Make) -> None:
        """If this fails: a missing memory fails the run."""
        assert self.using(make, lambda memory: memory.get(ADA, "nothing")) is None

    @pytest.mark.parametrize("missing", ["agent", "key", "user"])
    def test_adding_takes_a_whole_scope(self, make: Make, missing: str) -> None:
        """If this fails: a memory is somebody's by accident."""
        part = {name: value for name, value in ADA.items() if name != missing}
        with pytest.raises(ValueError, match=missing):
            self.using(make, lambda memory: memory.add(part, "m-1", "Tea.", {}))

    def test_a_scope_has_no_other_names(self, make: Make) -> None:
        """If this fails: a mistyped name widens what is found or erased."""
        with pytest.raises(ValueError, match="usr"):
            self.using(make, lambda memory: memory.search({"usr": "ada"}, "tea", 5))

    @pytest.mark.parametrize("text", ["", " \n\t"])
    def test_an_empty_text_is_refused(self, make: Make, text: str) -> None:
        """If this fails: there are memories that say nothing."""
        with pytest.raises(ValueError, match="text"):
            self.using(make, lambda memory: memory.add(ADA, "m-1", text, {}))

    def test_metadata_that_are_no_json_are_refused(self, make: Make) -> None:
        """If this fails: a memory cannot be read back as it was."""
        with pytest.raises(ValueError, match="metadata"):
            self.using(make, lambda memory: memory.add(ADA, "m-1", "Tea.", {"at": object()}))

    def test_a_text_of_100_kb_is_kept_whole_and_found(self, make: Make) -> None:
        """If this fails: long memories are cut or lost."""
        text = "zebra " + "All work and no play. " * 4_700

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", text, {})
            return await memory.get(ADA, "m-1"), await memory.search(ADA, text[:2000], 5)

        item, found = self.using(make, talk)

        assert item["text"] == text
        assert ids(found) == ["m-1"]

    # ------------------------------------------------------------ again
    def test_adding_an_id_again_changes_nothing(self, make: Make) -> None:
        """If this fails: a replay remembers twice, or something else."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea.", {"n": 1})
            first = await everything(memory)
            await memory.add(ADA, "m-1", "Coffee.", {"n": 2}, expires=NOON + 1, topic="drink")
            return first, await everything(memory)

        first, second = self.using(make, talk)

        assert first == second

    def test_adding_an_id_again_does_not_undo_an_update(self, make: Make) -> None:
        """If this fails: a replay brings an old text back."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea.", {})
            await memory.update(ADA, "m-1", "Coffee.")
            await memory.add(ADA, "m-1", "Tea.", {})
            return await memory.get(ADA, "m-1")

        assert self.using(make, talk)["text"] == "Coffee."

    def test_adding_what_was_superseded_again_does_not_bring_it_back(self, make: Make) -> None:
        """If this fails: a late replay puts an outdated fact in the place of the newer one."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Lives in Rome.", {}, topic="home")
            await memory.add(ADA, "m-2", "Lives in Oslo.", {}, topic="home")
            await memory.add(ADA, "m-1", "Lives in Rome.", {}, topic="home")
            return await everything(memory)

        assert ids(self.using(make, talk)) == ["m-2"]

    def test_a_whole_sequence_made_again_gives_the_same_state(self, make: Make) -> None:
        """If this fails: a replay of a run changes what it left."""

        async def sequence(memory: MemoryBackend) -> list[tuple[str, str, str]]:
            await memory.add(ADA, "m-1", "Tea.", {"n": 1})
            await memory.add(ADA, "m-2", "Rome.", {}, topic="home")
            await memory.add(BOB, "m-3", "Paris.", {}, topic="home")
            await memory.update(ADA, "m-1", "Coffee.")
            await memory.add(ADA, "m-4", "Oslo.", {}, topic="home", expires=NOON + 60)
            await memory.add(ADA, "m-5", "A secret.", {})
            await memory.delete(ADA, "m-5")
            await memory.add(ADA_ELSEWHERE, "m-6", "Elsewhere.", {})
            await memory.erase(ADA_ELSEWHERE)
            left = await everything(memory)
            return sorted((item["id"], item["text"], json.dumps(item["scope"])) for item in left)

        async def talk(memory: MemoryBackend) -> Any:
            return await sequence(memory), await sequence(memory)

        first, second = self.using(make, talk)

        assert [entry[0] for entry in first] == ["m-1", "m-3", "m-4"]
        assert second == first

    # ------------------------------------------------------------ changing
    def test_an_update_gives_another_text_and_keeps_the_rest(self, make: Make) -> None:
        """If this fails: correcting a memory loses what it is about, or whose it is."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Likes tulips.", {"n": 1}, expires=NOON + 60)
            self.set_clock(memory, lambda: NOON + 5)
            await memory.update(ADA, "m-1", "Likes orchids.")
            return (
                await memory.get(ADA, "m-1"),
                await memory.search(ADA, "orchids", 5),
                texts(await memory.search(ADA, "tulips", 5)),
            )

        item, found, old = self.using(make, talk)

        assert (item["text"], item["metadata"]) == ("Likes orchids.", {"n": 1})
        assert (item["created"], item["updated"], item["expires"]) == (NOON, NOON + 5, NOON + 60)
        assert ids(found) == ["m-1"]
        assert "Likes tulips." not in old

    def test_what_is_deleted_is_gone_and_may_be_deleted_again(self, make: Make) -> None:
        """If this fails: nothing can be forgotten, or a replay of it fails."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Likes tulips.", {})
            await memory.delete(ADA, "m-1")
            await memory.delete(ADA, "m-1")
            await memory.update(ADA, "m-1", "Likes orchids.")
            return await memory.get(ADA, "m-1"), await memory.search(ADA, "tulips orchids", 5)

        assert self.using(make, talk) == (None, [])

    def test_an_update_to_nothing_is_refused(self, make: Make) -> None:
        """If this fails: there are memories that say nothing."""

        async def talk(memory: MemoryBackend) -> None:
            await memory.add(ADA, "m-1", "Tea.", {})
            await memory.update(ADA, "m-1", " ")

        with pytest.raises(ValueError, match="text"):
            self.using(make, talk)

    # ------------------------------------------------------------ topics and expiry
    def test_a_topic_supersedes_the_older_memory_of_its_scope_only(self, make: Make) -> None:
        """If this fails: outdated facts stay, or those of others go."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Lives in Rome.", {}, topic="home")
            await memory.add(BOB, "m-2", "Lives in Paris.", {}, topic="home")
            await memory.add(ADA, "m-3", "Works in Bath.", {}, topic="work")
            await memory.add(ADA, "m-4", "Lives in Oslo.", {}, topic="home")
            return await memory.get(ADA, "m-1"), await everything(memory)

        superseded, left = self.using(make, talk)

        assert superseded is None
        assert ids(left) == ["m-2", "m-3", "m-4"]

    def test_what_has_expired_is_gone(self, make: Make) -> None:
        """If this fails: a memory lives longer than it may."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "A parcel comes.", {}, expires=NOON + 10)
            await memory.add(ADA, "m-2", "A parcel went.", {}, expires=NOON + 20)
            self.set_clock(memory, lambda: NOON + 9.5)
            before = ids(await memory.search(ADA, "parcel", 5))
            self.set_clock(memory, lambda: NOON + 10)
            after = ids(await memory.search(ADA, "parcel", 5))
            item, left = await memory.get(ADA, "m-1"), ids(await everything(memory))
            await memory.update(ADA, "m-1", "A parcel stays.")
            return before, after, item, left, ids(await everything(memory))

        before, after, item, left, later = self.using(make, talk)

        assert sorted(before) == ["m-1", "m-2"]
        assert (after, item, left, later) == (["m-2"], None, ["m-2"], ["m-2"])

    def test_what_has_expired_before_it_is_added_supersedes_nothing(self, make: Make) -> None:
        """If this fails: a late replay removes what is still true."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Lives in Rome.", {}, topic="home")
            await memory.add(ADA, "m-2", "Visits Oslo.", {}, topic="home", expires=NOON - 1)
            return await everything(memory)

        assert ids(self.using(make, talk)) == ["m-1"]
