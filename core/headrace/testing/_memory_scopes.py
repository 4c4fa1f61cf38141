"""The part of the conformance class of memories that is about whose a memory is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.testing._memory_facts import ADA, ADA_ELSEWHERE, BOB, NOBODY, NOON, SCOPES, SETS
from headrace.testing._memory_life import MemoryLifeSuite, everything, export, ids

if TYPE_CHECKING:
    from headrace.interfaces import MemoryBackend
    from headrace.testing._memory_life import Make

__all__ = ["MemoryScopeSuite"]


class MemoryScopeSuite(MemoryLifeSuite):
    """Scopes and named sets: apart when kept, whole when exported or erased."""

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
