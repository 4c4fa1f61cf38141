"""Memory as a mapping: it behaves as a dict of names and paths does, and changes only itself."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import MemoryConflictError, MemoryValueError, StateError
from headrace.lifetimes import Lifetime, Lifetimes
from headrace.memory import DELETED, Memory, apply_changes, merge, path_of, refresh
from headrace.values import decode, encode

NAMES = st.text(alphabet="ab/.$", max_size=2) | st.tuples(
    st.sampled_from(["a", "b", ""]), st.sampled_from(["a", "b", ""])
)
VALUES = st.integers() | st.none() | st.lists(st.integers(), max_size=2)
STEPS = st.lists(
    st.tuples(st.just("set"), NAMES, VALUES) | st.tuples(st.just("delete"), NAMES, st.none()),
    max_size=20,
)


def memory(stored=None, earlier=None, now=lambda: 0.0, **more):
    return Memory(stored or {}, {} if earlier is None else earlier, now=now, **more)


@given(st.lists(STEPS, min_size=1, max_size=3))
def test_it_holds_what_a_dict_holds_over_steps_and_runs(rounds):
    model, stored = {}, {}
    for steps in rounds:
        earlier = {}
        for half in (steps[: len(steps) // 2], steps[len(steps) // 2 :]):
            view = memory(stored, earlier)
            for do, name, value in half:
                if do == "set":
                    view[name] = model[name] = value
                elif name in model:
                    del view[name], model[name]
                else:
                    with pytest.raises(KeyError):
                        del view[name]
            assert dict(view) == model
            assert len(view) == len(model)
            earlier.update(view.changes)
        apply_changes(stored, earlier)
        assert {name: decode(cell) for name, cell in stored.items()}.keys() == stored.keys()
        assert dict(memory(stored)) == model


HOSTILE = st.sampled_from("ab_=/.$'\"\\\x00\x1d\x1e\x1f\ud800é")
ANY_TEXT = st.text(HOSTILE | st.characters(exclude_categories=()), max_size=4)


@given(st.lists(st.lists(ANY_TEXT, min_size=1, max_size=3).map(tuple), unique=True, max_size=6))
def test_paths_of_whatever_texts_stay_apart(paths):
    view = memory()
    for number, path in enumerate(paths):
        view[path] = number

    found = {name if isinstance(name, tuple) else (name,): value for name, value in view.items()}
    assert found == {path: number for number, path in enumerate(paths)}
    assert {path_of(full) for full in view.changes} == set(paths)


@given(st.lists(ANY_TEXT, min_size=1, max_size=2), ANY_TEXT, ANY_TEXT)
def test_a_part_has_no_names_of_others_whatever_its_path_is(path, name, other):
    view = memory()
    view[(*path, name)] = 1
    view[(*path[:-1], path[-1] + other, name, name)] = 2

    wanted = {name: 1} if other else {name: 1, (name, name): 2}
    assert dict(view.at(*path)) == wanted


def test_a_run_that_is_thrown_away_changes_nothing():
    stored = {"a": encode([1])}
    view = memory(stored)
    view["a"] = 2
    view["b"] = 3
    del view["a"]

    assert stored == {"a": [1]}


def test_a_part_sees_only_what_is_below_its_path():
    view = memory()
    view["a", "x"] = 1
    view["ab"] = 2
    view.at("a")["y"] = 3

    assert dict(view.at("a")) == {"x": 1, "y": 3}


def test_a_name_that_is_not_there_is_a_key_error_with_the_name():
    with pytest.raises(KeyError, match="gone"):
        memory()["gone"]


def test_a_value_that_cannot_be_read_is_told_with_its_whole_name():
    view = Memory({"a\x1fb": {"$": "model", "t": "gone:Gone", "v": {}}}, {}, now=lambda: 0.0)

    with pytest.raises(StateError, match=r"memory\[\('a', 'b'\)\]: the class gone:Gone"):
        view.at("a")["b"]


@pytest.mark.parametrize(("name", "error"), [((), ValueError), (("a", 1), TypeError)])
def test_a_name_that_is_none_is_refused(name, error):
    with pytest.raises(error):
        memory()[name] = 1


def test_a_value_that_cannot_be_kept_is_refused_with_its_name_and_place():
    with pytest.raises(MemoryValueError, match=r"memory\['orders'\]: at \[0\]: a builtins.object"):
        memory()["orders"] = [object()]


class TestTimeToLive:
    @pytest.fixture
    def clock(self):
        class Clock:
            now = 100.0

            def __call__(self):
                return self.now

        return Clock()

    def test_a_name_is_there_until_its_time_is_over(self, clock):
        view = memory(now=clock)
        view.set("a", 1, ttl=5)
        clock.now += 4.999

        assert view["a"] == 1

    @pytest.mark.parametrize("ttl", [5, dt.timedelta(seconds=5)])
    def test_a_name_is_gone_when_its_time_is_over(self, clock, ttl):
        view = memory(now=clock)
        view.set("a", 1, ttl=ttl)
        clock.now += 5

        assert ("a" in view, dict(view), view.get("a"), len(view)) == (False, {}, None, 0)

    def test_setting_it_again_begins_anew(self, clock):
        view = memory(now=clock, lifetimes=Lifetimes(Lifetime(ttl=5)))
        view["a"] = 1
        clock.now += 4
        view["a"] = 2
        clock.now += 4

        assert view["a"] == 2

    def test_a_name_without_time_lives_for_ever(self, clock):
        view = memory(now=clock)
        view["a"] = 1
        clock.now += 1e12

        assert view["a"] == 1

    def test_a_time_that_is_over_at_once_is_refused(self):
        with pytest.raises(ValueError, match="must be above 0"):
            memory().set("a", 1, ttl=0)


class TestTimeToLiveOfWhatIsRead:
    """Names whose time begins anew by a read: the reader notes it, its step carries it out."""

    @pytest.fixture
    def clock(self):
        class Clock:
            now = 100.0

            def __call__(self):
                return self.now

        return Clock()

    @staticmethod
    def after(clock, stored, read, written=(), **more):
        """The changes of a step whose action reads, and of which some names were written."""
        view = Memory(stored, {}, now=clock, **more)
        read(view)
        changes = dict(view.changes)
        refresh(changes, stored, view.expiries, {*changes, *written})
        return changes

    def test_a_read_begins_the_time_anew(self, clock):
        stored = {"a": {"$": "ttl", "v": 1, "e": 105.0, "r": 5}}
        clock.now = 103.0

        changes = self.after(clock, stored, lambda view: view["a"])

        assert changes == {"a": {"$": "ttl", "v": 1, "e": 108.0, "r": 5}}

    def test_a_read_of_a_name_that_is_refreshed_by_writes_changes_nothing(self, clock):
        stored = {"a": {"$": "ttl", "v": 1, "e": 105.0}}

        assert self.after(clock, stored, lambda view: view["a"]) == {}

    def test_looking_whether_a_name_is_there_is_no_read(self, clock):
        stored = {"a": {"$": "ttl", "v": 1, "e": 105.0, "r": 5}}

        assert self.after(clock, stored, lambda view: ("a" in view, len(view), list(view))) == {}

    def test_a_read_of_what_has_expired_does_not_bring_it_back(self, clock):
        stored = {"a": {"$": "ttl", "v": 1, "e": 100.0, "r": 5}}

        assert self.after(clock, stored, lambda view: view.get("a")) == {}

    def test_what_another_action_of_the_step_wrote_stays(self, clock):
        stored = {"a": {"$": "ttl", "v": 1, "e": 105.0, "r": 5}}

        assert self.after(clock, stored, lambda view: view["a"], written=["a"]) == {}

    def test_a_name_that_was_deleted_stays_deleted(self, clock):
        stored = {"a": {"$": "ttl", "v": 1, "e": 105.0, "r": 5}}

        def read_and_delete(view):
            del view[view["a"] and "a"]

        assert self.after(clock, stored, read_and_delete) == {"a": DELETED}

    def test_a_part_of_a_memory_notes_reads_too(self, clock):
        stored = {"a\x1fb": {"$": "ttl", "v": 1, "e": 105.0, "r": 5}}

        assert "a\x1fb" in self.after(clock, stored, lambda view: view.at("a")["b"])

    def test_the_settings_say_it_for_a_name_and_all_paths_below_it(self, clock):
        lifetimes = Lifetimes(Lifetime(ttl=60), {"cart": Lifetime(ttl=5, refresh="read")})
        view = Memory({}, {}, now=clock, lifetimes=lifetimes)
        view["cart", "o-1"] = 1
        view.at("cart")["o-2"] = 2
        view["cartoon"] = 3

        assert view.changes == {
            "cart\x1fo-1": {"$": "ttl", "v": 1, "e": 105.0, "r": 5},
            "cart\x1fo-2": {"$": "ttl", "v": 2, "e": 105.0, "r": 5},
            "cartoon": {"$": "ttl", "v": 3, "e": 160.0},
        }

    def test_the_settings_of_a_name_hold_in_a_members_part(self, clock):
        lifetimes = Lifetimes(by_name={"cart": Lifetime(ttl=5)})
        view = Memory({}, {}, now=clock, lifetimes=lifetimes, root="desk")
        view["cart"] = 1

        assert view.changes == {"desk\x1dcart": {"$": "ttl", "v": 1, "e": 105.0}}

    def test_a_writer_may_say_otherwise_than_the_settings(self, clock):
        lifetimes = Lifetimes(Lifetime(ttl=5, refresh="read"))
        view = Memory({}, {}, now=clock, lifetimes=lifetimes)
        view.set("a", 1, refresh="write")
        view.set("b", 2, ttl=math.inf)

        assert view.changes == {"a": {"$": "ttl", "v": 1, "e": 105.0}, "b": 2}

    def test_what_makes_time_begin_anew_is_a_write_or_a_read(self, clock):
        with pytest.raises(ValueError, match="refresh is 'write' or 'read', got 'never'"):
            memory(now=clock).set("a", 1, ttl=5, refresh="never")


class TestJoining:
    def test_different_names_are_joined(self):
        into = {}
        written = {}
        merge(into, {"a": 1}, written, "left")
        merge(into, {"b": DELETED}, written, "right")

        assert into == {"a": 1, "b": DELETED}

    @pytest.mark.parametrize("other", [2, DELETED, [1]])
    def test_two_values_for_one_name_are_refused(self, other):
        into = {}
        written = {}
        merge(into, {"a": 1}, written, "left")

        with pytest.raises(MemoryConflictError, match="'left' and 'right'"):
            merge(into, {"a": other}, written, "right")

    def test_a_step_may_write_over_what_the_step_before_wrote(self):
        into = {"a": 1}
        merge(into, {"a": 2}, {}, "later")

        assert into == {"a": 2}
