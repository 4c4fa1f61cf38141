"""The conformance class of long-term memories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from headrace.filters import matches
from headrace.testing._memory_facts import (
    ADA,
    ADA_ELSEWHERE,
    BOB,
    CONDITIONS,
    FACTS,
    FILLERS,
    METADATA,
    NOBODY,
    NOON,
    QUERIES,
    SCOPES,
    SETS,
    WRITINGS,
)
from headrace.testing._memory_life import MemoryLifeSuite, everything, export, ids, texts
from headrace.values import decode, encode

if TYPE_CHECKING:
    from headrace.interfaces import MemoryBackend, MemoryItem
    from headrace.testing._memory_life import Make

__all__ = ["MemoryBackendSuite"]


class MemoryBackendSuite(MemoryLifeSuite):
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

    # ------------------------------------------------------------ scopes
    def test_scopes_never_see_each_other(self, make: Make) -> None:
        """If this fails: one customer reads what another one said."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, scope in enumerate(SCOPES):
                await memory.add(scope, f"m-{number}", f"The secret is {number}.", {})
            return [
                (ids(await memory.search(scope, "secret", 5)), ids(await export(memory, scope)))
                for scope in SCOPES
            ]

        seen = self.using(make, talk)

        assert seen == [([f"m-{n}"], [f"m-{n}"]) for n in range(len(SCOPES))]

    def test_a_memory_of_another_scope_cannot_be_had_changed_or_deleted(self, make: Make) -> None:
        """If this fails: knowing an id is enough to read or change it."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea.", {})
            for other in (BOB, ADA_ELSEWHERE, NOBODY):
                assert await memory.get(other, "m-1") is None
                await memory.update(other, "m-1", "Mine now.")
                await memory.delete(other, "m-1")
                await memory.add(other, "m-1", "Also mine.", {}, topic="t")
            return await memory.get(ADA, "m-1")

        assert self.using(make, talk)["text"] == "Tea."

    @pytest.mark.parametrize("name", ["agent", "key", "user"])
    def test_a_part_of_a_scope_stands_for_all_with_that_value(self, make: Make, name: str) -> None:
        """If this fails: all that is known of a person cannot be found, or too much is."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, scope in enumerate(SCOPES):
                await memory.add(scope, f"m-{number}", f"The secret is {number}.", {})
            return {
                value: (
                    {item["id"] for item in await memory.search({name: value}, "secret", 500)},
                    {item["id"] for item in await export(memory, {name: value})},
                )
                for value in {scope[name] for scope in SCOPES}
            }

        seen = self.using(make, talk)

        for value, (found, exported) in seen.items():
            wanted = {f"m-{n}" for n, scope in enumerate(SCOPES) if scope[name] == value}
            assert exported == wanted, repr(value)
            assert found == wanted, repr(value)

    # ------------------------------------------------------------ named sets
    def test_sets_never_see_each_other(self, make: Make) -> None:
        """If this fails: what is kept in one named set is found in another, or in none."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, scope in enumerate(SETS):
                await memory.add(scope, f"m-{number}", f"The secret is {number}.", {}, topic="t")
            return [
                (
                    ids(await memory.search(scope, "secret", 50)),
                    ids(await export(memory, scope)),
                    [n for n in range(len(SETS)) if await memory.get(scope, f"m-{n}")],
                )
                for scope in SETS
            ]

        assert self.using(make, talk) == [([f"m-{n}"], [f"m-{n}"], [n]) for n in range(len(SETS))]

    def test_a_memory_tells_the_named_set_that_it_is_in(self, make: Make) -> None:
        """If this fails: nobody can see what an exported memory belongs to."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, scope in enumerate(SETS):
                await memory.add(scope, f"m-{number}", "Tea.", {})
            return await export(memory, ADA)

        assert [item["scope"].get("set", "") for item in self.using(make, talk)] == [
            scope["set"] for scope in SETS
        ]

    def test_a_scope_without_a_set_is_that_of_the_memories_in_none(self, make: Make) -> None:
        """If this fails: what was kept before there were sets is not found any more."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea.", {})
            return ids(await export(memory, {**ADA, "set": ""})), await memory.get(ADA, "m-1")

        exported, item = self.using(make, talk)

        assert exported == ["m-1"]
        assert item["scope"] == ADA

    @pytest.mark.parametrize("name", ["", "facts"])
    def test_a_set_may_be_asked_for_in_a_part_of_a_scope(self, make: Make, name: str) -> None:
        """If this fails: a search over all keys finds what is in other sets."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, of in enumerate(["", "facts", "other"]):
                await memory.add({**ADA, "set": of}, f"a-{number}", "Tea.", {})
                await memory.add({**ADA, "key": "k-2", "set": of}, f"b-{number}", "Tea.", {})
            part = {"agent": "desk", "user": "ada", "set": name}
            found = sorted(ids(await memory.search(part, "tea", 50)))
            return found, await memory.erase(part), sorted(ids(await everything(memory)))

        number = ["", "facts"].index(name)
        left = sorted(f"{key}-{n}" for key in "ab" for n in range(3) if n != number)

        assert self.using(make, talk) == ([f"a-{number}", f"b-{number}"], 2, left)

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

    # ------------------------------------------------------------ searching
    def test_the_obvious_memory_is_found_among_200(self, make: Make) -> None:
        """If this fails: searching finds something else."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, text in enumerate([*FILLERS, *FACTS.values()]):
                await memory.add(ADA, f"m-{number}", text, {})
            return {query: texts(await memory.search(ADA, query, 5)) for query in FACTS}

        found = self.using(make, talk)

        missed = {query: found[query] for query, text in FACTS.items() if text not in found[query]}
        assert not missed

    @pytest.mark.parametrize("query", list(WRITINGS))
    def test_accents_and_scripts_are_found(self, make: Make, query: str) -> None:
        """If this fails: searching works for English only."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, text in enumerate([*dict.fromkeys(WRITINGS.values()), *FILLERS[:20]]):
                await memory.add(ADA, f"m-{number}", text, {})
            return texts(await memory.search(ADA, query, 3))

        assert WRITINGS[query] in self.using(make, talk)

    def test_the_best_comes_first_and_scores_say_so(self, make: Make) -> None:
        """If this fails: who takes the first takes a worse one."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "The harbour is far away.", {})
            await memory.add(ADA, "m-2", "Green tea is best from the harbour shop.", {})
            await memory.add(ADA, "m-3", "Somebody painted the fence.", {})
            return await memory.search(ADA, "green tea from the harbour shop", 3)

        found = self.using(make, talk)

        scores = [item["score"] for item in found]
        assert found[0]["id"] == "m-2"
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)

    def test_no_more_are_found_than_asked_for(self, make: Make) -> None:
        """If this fails: a prompt overflows."""

        async def talk(memory: MemoryBackend) -> Any:
            for number in range(12):
                await memory.add(ADA, f"m-{number}", f"The parcel number {number} came.", {})
            return [len(await memory.search(ADA, "parcel", limit)) for limit in (0, 1, 5, 50)]

        assert self.using(make, talk) == [0, 1, 5, 12]

    @pytest.mark.parametrize("query", QUERIES, ids=map(str, range(len(QUERIES))))
    def test_any_text_may_be_asked(self, make: Make, query: str) -> None:
        """If this fails: what a user types is taken for a language, or fails the run."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea, not coffee.", {})
            await memory.add(BOB, "m-2", "Tea, not coffee.", {})
            return await memory.search(ADA, query, 5)

        assert set(ids(self.using(make, talk))) <= {"m-1"}

    def test_conditions_hold_as_headrace_filters_says(self, make: Make) -> None:
        """If this fails: a condition means one thing here and another there."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, metadata in enumerate(METADATA):
                await memory.add(ADA, f"m-{number}", f"The parcel number {number}.", metadata)
            return [
                sorted(ids(await memory.search(ADA, "parcel", 20, where=where)))
                for where in CONDITIONS
            ]

        found = self.using(make, talk)

        for where, seen in zip(CONDITIONS, found, strict=True):
            wanted = [f"m-{n}" for n, held in enumerate(METADATA) if matches(where, held)]
            assert seen == wanted, where

    def test_a_condition_does_not_shorten_what_is_found(self, make: Make) -> None:
        """If this fails: a condition is applied to the first few that were found."""

        async def talk(memory: MemoryBackend) -> Any:
            for number in range(150):
                rare = {"rare": number % 50 == 49}
                await memory.add(ADA, f"m-{number}", f"The parcel number {number}.", rare)
            return await memory.search(ADA, "parcel", 3, where={"rare": True})

        assert len(self.using(make, talk)) == 3

    def test_what_is_no_condition_is_refused(self, make: Make) -> None:
        """If this fails: a mistyped condition finds everything, or nothing."""
        with pytest.raises(ValueError, match="like"):
            self.using(
                make, lambda memory: memory.search(ADA, "tea", 5, where={"lang": {"like": "d"}})
            )

    # ------------------------------------------------------------ all of it
    def test_an_export_is_complete_and_oldest_first(self, make: Make) -> None:
        """If this fails: a person is not told all that is known of them."""

        async def talk(memory: MemoryBackend) -> Any:
            for number in range(310):
                self.set_clock(memory, lambda n=number: NOON + n)  # type: ignore[misc]
                scope = (ADA, ADA_ELSEWHERE, BOB)[number % 3]
                await memory.add(scope, f"m-{number}", f"Parcel {number}.", {"n": number})
            return await export(memory, {"user": "ada"})

        exported = self.using(make, talk)

        wanted = [number for number in range(310) if number % 3 != 2]
        assert [item["metadata"]["n"] for item in exported] == wanted
        assert {item["scope"]["user"] for item in exported} == {"ada"}

    def test_erasing_says_how_many_there_were_and_leaves_the_others(self, make: Make) -> None:
        """If this fails: an erasure cannot be proved, or takes too much."""

        async def talk(memory: MemoryBackend) -> Any:
            for scope, item_id in ((ADA, "m-1"), (ADA, "m-2"), (ADA_ELSEWHERE, "m-3"), (BOB, "b")):
                await memory.add(scope, item_id, "Tea, not coffee.", {})
            counts = [await memory.erase({"user": "ada"}), await memory.erase({"user": "ada"})]
            return counts, ids(await everything(memory)), await memory.search(ADA, "tea", 5)

        assert self.using(make, talk) == ([3, 0], ["b"], [])

    def test_erasing_everything_is_refused(self, make: Make) -> None:
        """If this fails: a forgotten argument forgets all."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea.", {})
            with pytest.raises(ValueError, match="scope"):
                await memory.erase({})
            return ids(await everything(memory))

        assert self.using(make, talk) == ["m-1"]
