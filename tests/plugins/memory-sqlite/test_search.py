"""What a search finds beyond the standard's: other forms, mistyped words, scripts, vectors."""

from __future__ import annotations

import pytest

from headrace.errors import ModelError
from headrace_memory_sqlite import SqliteMemory

ADA = {"agent": "desk", "key": "k", "user": "ada"}
DAY = 86_400.0


@pytest.fixture
def found(tmp_path, using):
    """Ids that a query finds among texts, best first."""

    def search(texts, query, limit=5):
        async def talk(memory):
            for item_id, text in texts.items():
                await memory.add(ADA, item_id, text, {})
            return [item["id"] for item in await memory.search(ADA, query, limit)]

        return using(SqliteMemory(str(tmp_path / "m.db")), talk)

    return search


class TestWords:
    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("She is allergic to peanuts.", "allergy"),
            ("The invoices were late.", "invoice"),
            ("He climbed the mountain.", "climbing mountains"),
            ("Die Straßen sind gesperrt.", "STRASSE"),
        ],
    )
    def test_are_found_in_other_forms(self, found, text, query):
        assert found({"m": text, "other": "Somebody painted a fence."}, query) == ["m"]

    @pytest.mark.parametrize("query", ["kilimanjaor", "kilimandjaro", "Kilmanjaro trip"])
    def test_are_found_where_they_are_mistyped(self, found, query):
        texts = {"m": "He was on Kilimanjaro in 2019.", "other": "He painted a manor in Kildare."}
        assert found(texts, query)[:1] == ["m"]

    def test_that_are_meant_come_before_those_that_are_spelt_alike(self, found):
        texts = {"alike": "The hotal was full.", "meant": "The hotel was full."}
        assert found(texts, "hotel") == ["meant", "alike"]

    def test_that_are_not_there_find_nothing(self, found):
        assert found({"m": "The hotel was full."}, "bicycle pump") == []

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("彼女は京都に住んでいる。", "京都"),
            ("彼女は京都に住んでいる。", "都"),
            ("她对花生过敏。", "花生过敏"),
            ("เขาแพ้ถั่วลิสง", "ถั่ว"),
            ("उसे मूँगफली से एलर्जी है।", "मूँगफली"),
            ("그는 땅콩 알레르기가 있다.", "땅콩"),
            ("الطقس جميل اليوم", "جميل"),
        ],
    )
    def test_are_found_in_scripts_without_spaces_or_with_signs(self, found, text, query):
        other = {"a": "東京で会議があった。", "b": "天气很好。", "c": "आज मौसम अच्छा है।"}
        assert found({**other, "m": text}, query) == ["m"]


class TestAge:
    def test_decides_between_equals_only(self, tmp_path, using):
        async def talk(memory):
            now = 1_000 * DAY
            for item_id, text, age in (
                ("old", "The parcel came.", 90),
                ("new", "The parcel went.", 1),
                ("better", "The parcel of the harbour came.", 200),
            ):
                memory.clock = lambda age=age: now - age * DAY
                await memory.add(ADA, item_id, text, {})
            memory.clock = lambda: now
            equal = await memory.search(ADA, "parcel", 2)
            unequal = await memory.search(ADA, "parcel harbour", 3)
            return equal[0]["id"], unequal[0]["id"]

        assert using(SqliteMemory(str(tmp_path / "m.db")), talk) == ("new", "better")

    def test_beyond_30_days_lets_a_superseded_memory_be_added_again(self, tmp_path, using):
        async def talk(memory):
            memory.clock = lambda: 0.0
            await memory.add(ADA, "m-1", "Rome.", {}, topic="home")
            await memory.add(ADA, "m-2", "Oslo.", {}, topic="home")
            memory.clock = lambda: 31 * DAY
            await memory.add(ADA, "m-3", "Bonn.", {}, topic="home")
            await memory.add(ADA, "m-1", "Rome.", {}, topic="home")
            return [item["id"] async for item in memory.export(ADA)]

        assert using(SqliteMemory(str(tmp_path / "m.db")), talk) == ["m-1"]


class TestVectors:
    @pytest.fixture
    def near(self, tmp_path, lookup):
        def made(embedder):
            memory = SqliteMemory(str(tmp_path / "m.db"), embedder="near")
            memory.resource_lookup = lookup(embedder)
            return memory

        return made

    def test_find_what_has_no_word_in_common(self, near, using, hashed):
        async def talk(memory):
            await memory.add(ADA, "m-1", "Her automobile is red.", {})
            await memory.add(ADA, "m-2", "A fence was painted.", {})
            return (await memory.search(ADA, "car", 1))[0]["id"]

        assert using(near(hashed(means={"car": "automobile"})), talk) == "m-1"

    def test_and_words_together_put_first_what_both_find(self, near, using, hashed):
        async def talk(memory):
            await memory.add(ADA, "word", "A car was painted on a fence by a neighbour.", {})
            await memory.add(ADA, "both", "Her car, an automobile.", {})
            await memory.add(ADA, "none", "The weather was fine.", {})
            return [item["id"] for item in await memory.search(ADA, "car", 3)]

        found = using(near(hashed(means={"car": "automobile"})), talk)
        assert found[0] == "both"

    def test_are_not_needed_to_be_found_by_words(self, tmp_path, near, using, hashed):
        async def before(memory):
            await memory.add(ADA, "m-1", "Her automobile is red.", {})

        async def after(memory):
            await memory.add(ADA, "m-2", "A fence was painted.", {})
            return [item["id"] for item in await memory.search(ADA, "automobile", 1)]

        using(SqliteMemory(str(tmp_path / "m.db")), before)
        assert using(near(hashed()), after) == ["m-1"]

    def test_of_another_length_are_left_alone(self, near, using, hashed):
        async def before(memory):
            await memory.add(ADA, "m-1", "Her automobile is red.", {})

        async def after(memory):
            return [item["id"] for item in await memory.search(ADA, "automobile", 1)]

        using(near(hashed()), before)
        short = hashed()
        short.DIMENSIONS = 64
        assert using(near(short), after) == ["m-1"]

    def test_are_not_made_again_for_a_replay(self, near, using, hashed):
        embedder = hashed()

        async def talk(memory):
            await memory.add(ADA, "m-1", "Tea.", {})
            await memory.add(ADA, "m-1", "Tea.", {})

        using(near(embedder), talk)
        assert embedder.asked == ["Tea."]

    def test_that_fail_keep_nothing(self, near, using, hashed):
        class Broken(hashed):
            async def embed(self, texts):
                raise ModelError("busy", code="overloaded")

        async def talk(memory):
            with pytest.raises(ModelError, match="busy"):
                await memory.add(ADA, "m-1", "Tea.", {})
            return await memory.get(ADA, "m-1")

        assert using(near(Broken()), talk) is None

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_that_are_not_finite_are_refused(self, near, using, hashed, value):
        class Broken(hashed):
            def vector(self, text):
                return [value] * 4

        with pytest.raises(ModelError, match="finite") as caught:
            using(near(Broken()), lambda memory: memory.add(ADA, "m-1", "Tea.", {}))
        assert caught.value.code == "bad_response"
