"""Memory: what is kept, for whom, for how long, and that nothing else is."""

from __future__ import annotations

import pytest
from semantic_agents import Echo, Tally, by_key, itself, one_key
from semantic_memory import RICH, Conflicted, Keeper

pytestmark = pytest.mark.smoke

KEYS = [
    "\ud800", "_", "/", "'", '"', "x" * 10_000, ("_", "/"), frozenset({1}), frozenset({"1"}),
    1, "1", 1.0, True, None, False, 0, "", "None", "null", "j1", "é", "e\u0301", "\x00", "\x1f",
    "a\x1fb", "🎉", " ", "\n", -0.0, 10**30, b"1", (1,), ("1",), (), (1, "1"), ("a", "b"),
    ("a\x1fb",),
]  # fmt: skip


@pytest.fixture(scope="module")
def saw(engine):
    rich = ["write_rich", "read_rich"]
    sensory = ["write_sensory", "read_sensory"]
    copies = ["change_after_set", "change_after_get"]
    paths = ["write_paths", "read_paths", "delete", "after_delete"]
    times = ["write_for_a_time", "until_it_is_gone"]
    groups = [rich, sensory, copies, paths, times, ["keep_live_object"]]
    inputs = [{"key": group[0], "do": do} for group in groups for do in group]
    ran = engine.run(Keeper(), inputs, key=by_key)
    found = {output["do"]: output["saw"] for output in ran.outputs}
    return {**found, "letters": ran.dead_letters}


def test_every_kind_of_value_comes_back_equal_in_the_next_run(saw):
    assert saw["read_rich"] == []


def test_sensory_memory_is_seen_by_the_next_step_of_its_run(saw):
    assert saw["second"] == {"a": 1}


def test_sensory_memory_is_gone_in_the_next_run(saw):
    assert saw["read_sensory"] == {}


def test_a_value_that_is_changed_after_it_was_set_does_not_change_memory(saw):
    assert saw["change_after_set"] == {"list": [1]}


def test_a_value_that_is_changed_after_it_was_read_does_not_change_memory(saw):
    assert saw["change_after_get"] == {"list": [1]}


def test_paths_name_nested_places(saw):
    assert saw["read_paths"] == {
        "one": 5,
        "below": [("o-1", "total"), ("o-2", "total")],
        "through": 7,
    }


def test_a_deleted_name_is_gone_for_its_own_run(saw):
    assert saw["delete"] == [("o-2", "total")]


def test_a_deleted_name_is_gone_for_later_runs(saw):
    assert saw["after_delete"] == [("o-2", "total")]


def test_a_name_lives_as_long_as_its_time_to_live(saw):
    assert saw["until_it_is_gone"] == ["long"]


def test_a_value_that_cannot_be_kept_is_refused_with_its_nested_place(saw):
    [letter] = saw["letters"]

    assert "memory['a']: at ['list']: at [1]: a builtins.object cannot be kept" in letter["error"]


def test_each_key_of_every_type_and_content_has_a_memory_of_its_own(engine):
    ran = engine.run(Tally(), [*KEYS, *KEYS], key=itself)

    counts = sorted((repr(value), count) for value, count in ran.outputs)
    assert counts == sorted((repr(key), count) for key in KEYS for count in (1, 2))


class TestOneStep:
    @pytest.fixture(scope="class")
    def ran(self, local):
        return local.run(Conflicted(), ["differ", "agree"], key=itself)

    def test_two_actions_that_write_different_values_to_one_name_fail_the_run(self, ran):
        [letter] = ran.dead_letters

        assert letter["error"].startswith("MemoryConflictError")

    def test_the_conflict_names_both_actions_and_the_name(self, ran):
        [letter] = ran.dead_letters

        assert all(part in letter["error"] for part in ("'left#", "'right#", "'name'"))

    def test_two_actions_may_write_the_same_value_at_different_times(self, ran):
        assert ran.outputs == ["agree"]


PAYLOADS = [
    None, "", {}, [], 0, False, "é" * (1 << 19), {"deep": [[["x"]]]}, "\x00", "🎉\u2028",
    {"$": "dict", "v": [[1, 2]]}, list(range(1000)), "x" * (1 << 20), *RICH.values(),
]  # fmt: skip


def test_inputs_and_outputs_of_every_kind_and_size_pass_through(engine):
    ran = engine.run(Echo(), PAYLOADS, key=one_key)

    assert ran.outputs == PAYLOADS


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_an_empty_input_is_an_input(local, nothing):
    assert local.run(Echo(), [nothing]).outputs == [nothing]
