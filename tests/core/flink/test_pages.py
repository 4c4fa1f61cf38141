"""Pages: the memory of many keys in few entries, as a dict of dicts would hold it."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.flink._pages import Pages, size_of
from headrace.memory import DELETED, apply_changes, live

PAGE_BYTES = 256


class State:
    """A map state: it keeps copies, as a real one does when it is restored."""

    def __init__(self):
        self.kept = {}

    def get(self, key):
        return pickle.loads(self.kept[key]) if key in self.kept else None

    def put(self, key, value):
        self.kept[key] = pickle.dumps(value)

    def remove(self, key):
        del self.kept[key]

    def values(self):
        return [pickle.loads(value) for value in self.kept.values()]


class Shard:
    def __init__(self, shards=4):
        self.pages, self.large, self.count, self.shards = State(), State(), 1, shards

    def opened(self):
        """As a worker opens it: with what the state has."""
        return Pages(
            self.pages, self.large, shards=self.shards, count=self.count, page_bytes=PAGE_BYTES
        )

    def commit(self, key, changes, now=0.0):
        pages = self.opened()
        changed = pages.commit(key, changes, now)
        assert changed == (pages.count != self.count)
        self.count = pages.count

    def cells(self, key, now=0.0):
        return {name: cell for name, cell in self.opened().cells(key).items() if live(cell, now)}

    def keys_on_pages(self):
        return [key for page in self.pages.values() for key in page if key]


KEYS = st.integers(0, 40).map("k{}".format) | st.text(max_size=3).map("s{}".format)
CELLS = (
    st.integers()
    | st.text(max_size=8)
    | st.integers(1, 400).map("x".__mul__)
    | st.builds(lambda v, e: {"$": "ttl", "v": v, "e": float(e)}, st.text(), st.integers(1, 30))
    | st.just(DELETED)
)
COMMITS = st.lists(
    st.tuples(KEYS, st.dictionaries(st.sampled_from("abc"), CELLS, min_size=1, max_size=3)),
    max_size=60,
)


@settings(max_examples=150)
@given(COMMITS)
def test_it_holds_what_a_dict_of_dicts_holds(commits):
    shard, model = Shard(), {}
    for now, (key, changes) in enumerate(commits):
        shard.commit(key, changes, float(now))
        apply_changes(model.setdefault(key, {}), changes)
    end = float(len(commits))

    for key, cells in model.items():
        assert shard.cells(key, end) == {n: c for n, c in cells.items() if live(c, end)}


@settings(max_examples=60)
@given(COMMITS)
def test_nothing_is_left_when_all_names_are_deleted(commits):
    shard = Shard()
    for key, changes in commits:
        shard.commit(
            key, {name: 1 if type(cell) is dict else cell for name, cell in changes.items()}
        )
    for key in {key for key, _ in commits}:
        shard.commit(key, dict.fromkeys("abc", DELETED))

    assert (shard.keys_on_pages(), shard.large.kept) == ([], {})


@pytest.fixture(scope="module")
def grown():
    shard = Shard()
    for number in range(2000):
        shard.commit(f"s{number}", {"n": number, "text": "x" * 10})
    return shard


def test_pages_grow_with_the_keys(grown):
    used = 2000 * size_of({"n": 1, "text": "x" * 10})

    assert 0.3 < grown.count * PAGE_BYTES / used < 3


def test_pages_stay_near_their_size(grown):
    sizes = [sum(size_of(cells) for cells in page.values()) for page in grown.pages.values()]

    assert sorted(sizes)[int(len(sizes) * 0.95)] < 6 * PAGE_BYTES


def test_every_key_is_found_after_all_the_splits(grown):
    assert all(grown.cells(f"s{number}")["n"] == number for number in range(2000))


def test_writing_to_the_same_keys_again_does_not_grow_the_pages():
    shard = Shard()
    for round_ in range(60):
        for number in range(50):
            shard.commit(f"s{number}", {"n": round_})
    counts = []
    for round_ in range(20):
        for number in range(50):
            shard.commit(f"s{number}", {"n": round_})
        counts.append(shard.count)

    assert counts[0] == counts[-1]


def test_a_key_with_much_memory_has_an_entry_of_its_own():
    shard = Shard()
    shard.commit("s1", {"much": "x" * (2 * PAGE_BYTES)})

    assert list(shard.large.kept) == ["s1"]


def test_a_key_that_has_little_memory_again_goes_back_to_its_page():
    shard = Shard()
    shard.commit("s1", {"much": "x" * (2 * PAGE_BYTES), "n": 1})
    shard.commit("s1", {"much": DELETED})

    assert (shard.cells("s1"), shard.large.kept) == ({"n": 1}, {})


def test_a_large_key_does_not_split_the_pages_of_others():
    shard = Shard()
    for number in range(200):
        shard.commit("s1", {"much": "x" * (2 * PAGE_BYTES + number)})

    assert shard.count == 1


def test_a_large_key_keeps_its_memory_when_its_page_splits():
    shard = Shard()
    shard.commit("big", {"much": "x" * 1000})
    for number in range(300):
        shard.commit(f"s{number}", {"n": "x" * 20})

    assert shard.cells("big") == {"much": "x" * 1000}


def brief(number, end):
    return {"n": {"$": "ttl", "v": number, "e": end}}


def test_expired_names_of_keys_that_never_come_back_leave_the_state():
    shard = Shard()
    for number in range(200):
        shard.commit(f"s{number}", brief(number, 10.0), 0.0)
    for number in range(200):
        shard.commit(f"t{number}", {"n": 1}, 20.0)

    left = [key for key in shard.keys_on_pages() if key.startswith("s")]
    assert len(left) < 20


def test_expired_names_of_a_large_key_leave_the_state_when_it_is_written():
    shard = Shard()
    for number in range(10):
        cell = {"$": "ttl", "v": "x" * PAGE_BYTES, "e": number + 1.0}
        shard.commit("big", {f"n{number}": cell}, float(number))
    shard.commit("other", {"n": 1}, 50.0)
    shard.commit("big", {"last": 1}, 60.0)

    assert set(shard.opened().cells("big")) == {"last"}


def test_what_has_expired_stays_for_keys_that_may_be_run_again():
    shard = Shard()
    for key in ("busy", "idle"):
        shard.commit(key, {"a": {"$": "ttl", "v": 1, "e": 5.0}, "b": 1})
    pages = shard.opened()
    pages.busy = lambda: {"busy"}

    pages.commit("other", {"c": 1}, 10.0)

    kept = {key: sorted(shard.opened().cells(key)) for key in ("busy", "idle")}
    assert kept == {"busy": ["a", "b"], "idle": ["b"]}
    shard.commit("other", {"c": 2}, 100.0)
    assert sorted(shard.opened().cells("busy")) == ["b"]
