"""References to values in memory: what they stand for, later and elsewhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import MemoryReferenceError
from headrace.memory import DELETED, Memory, apply_changes
from headrace.values import decode, encode

HOME = "the key"


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def view(clock):
    stored = {}

    def view(home=HOME, root=None):
        return Memory(stored, {}, now=clock, home=lambda: home, root=root)

    def keep(name, value, **more):
        written = view()
        written.set(name, value, **more)
        apply_changes(stored, written.changes)

    view.keep = keep
    view.drop = lambda name: apply_changes(stored, {name: DELETED})
    return view


@given(st.lists(st.text(), min_size=1, max_size=3).map(tuple), st.booleans())
def test_a_reference_survives_being_sent_and_stands_for_its_value(path, pinned):
    memory = Memory({}, {}, now=lambda: 0.0, home=lambda: HOME)
    memory[path] = {"a": [1]}

    ref = decode(json.loads(json.dumps(encode(memory.ref(path, pinned=pinned)))))

    assert memory.resolve(ref) == {"a": [1]}


def test_a_reference_is_small_whatever_it_stands_for(view):
    view.keep("report", "x" * 1_000_000)

    assert len(json.dumps(encode(view().ref("report", pinned=True)))) < 300


def test_there_is_no_reference_to_what_is_not_there(view):
    with pytest.raises(KeyError, match="report"):
        view().ref("report")


def test_it_stands_for_what_the_name_holds_when_it_is_resolved(view):
    view.keep("report", "old")
    ref = view().ref("report")
    view.keep("report", "new")

    assert view().resolve(ref) == "new"


def test_a_pinned_one_stands_for_the_value_of_then_alone(view):
    view.keep("report", "old")
    ref = view().ref("report", pinned=True)
    view.keep("report", "new")

    with pytest.raises(MemoryReferenceError, match=r"'report'.*holds another value by now"):
        view().resolve(ref)


def test_a_pinned_one_is_resolved_where_the_same_value_was_set_again(view):
    view.keep("report", "same", ttl=5)
    ref = view().ref("report", pinned=True)
    view.keep("report", "same", ttl=60)

    assert view().resolve(ref) == "same"


def test_one_whose_name_was_deleted_says_so(view):
    view.keep("report", 1)
    ref = view().ref("report")
    view.drop("report")

    with pytest.raises(MemoryReferenceError, match=r"'report'.*was deleted or has expired"):
        view().resolve(ref)


def test_one_whose_name_has_expired_says_so(view, clock):
    view.keep("report", 1, ttl=5)
    ref = view().ref("report")
    clock.now += 5

    with pytest.raises(MemoryReferenceError, match="was deleted or has expired"):
        view().resolve(ref)


@pytest.mark.parametrize("pinned", [False, True])
def test_where_the_value_is_gone_the_default_is_given(view, pinned):
    view.keep("report", 1)
    ref = view().ref("report", pinned=pinned)
    view.drop("report")

    assert view().resolve(ref, None) is None


def test_the_default_is_given_where_a_pinned_value_has_changed(view):
    view.keep("report", 1)
    ref = view().ref("report", pinned=True)
    view.keep("report", 2)

    assert view().resolve(ref, "other") == "other"


def test_a_reference_into_another_keys_memory_is_refused_also_with_a_default(view):
    view.keep("report", 1)
    ref = view().ref("report")

    with pytest.raises(MemoryReferenceError, match="another memory than this one"):
        view(home="another key").resolve(ref, None)


def test_a_reference_into_another_members_memory_is_refused(view):
    writer = view(root="writer")
    writer["report"] = 1

    with pytest.raises(MemoryReferenceError, match="another memory than this one"):
        view(root="editor").resolve(writer.ref("report"))


def test_it_is_resolved_through_a_part_of_the_memory_too(view):
    view.keep(("reports", "r-1"), 1)

    assert view().resolve(view().at("reports").ref("r-1")) == 1
    assert view().at("orders").resolve(view().ref(("reports", "r-1"))) == 1


def test_resolving_counts_as_a_read(view, clock):
    view.keep("report", 1, ttl=5, refresh="read")
    memory = view()
    clock.now += 1
    memory.resolve(memory.ref("report"))

    assert memory.expiries == {"report": clock.now + 5}
