"""Memory as a mapping: it behaves as a dict of names and paths does, and changes only itself."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import MemoryConflictError, MemoryValueError, StateError
from headrace.memory import DELETED, Memory, apply_changes, merge
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


@pytest.mark.parametrize(
    ("name", "error"), [((), ValueError), (("a", 1), TypeError), ("a\x1fb", ValueError)]
)
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
        view = memory(now=clock, ttl=5)
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
