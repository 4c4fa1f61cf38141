"""Law 1: inputs of a key one after the other and in order, keys side by side within a bound."""

from __future__ import annotations

from collections import defaultdict

import pytest
from semantic_agents import (
    Crowd,
    Echo,
    HotKey,
    Meeting,
    Tally,
    Uneven,
    by_key,
    fresh,
    itself,
    one_key,
)

pytestmark = pytest.mark.smoke


def test_outputs_of_a_key_come_in_the_order_of_its_inputs(engine):
    inputs = [{"key": f"k{n % 7}", "n": n} for n in range(210)]
    wanted, found = defaultdict(list), defaultdict(list)
    for value in inputs:
        wanted[value["key"]].append(value["n"])

    for output in engine.run(Uneven(), inputs, key=by_key).outputs:
        found[output["key"]].append(output["n"])

    assert found == wanted


def test_runs_of_different_keys_are_under_way_at_the_same_time(engine):
    names = [f"guest {n}" for n in range(20)]

    ran = engine.run(Meeting(name=fresh("meeting"), parties=20), names, key=itself)

    assert sorted(ran.outputs) == sorted(names)


def test_no_more_runs_than_max_in_flight_wait_at_the_same_time(engine):
    ran = engine.run(Crowd(name=fresh("crowd")), range(60), key=itself)

    assert len(ran.outputs) == 60
    assert max(ran.outputs) == Crowd.config.max_in_flight


def test_one_run_of_a_key_sees_what_the_one_before_it_wrote(engine):
    ran = engine.run(Tally(), ["a"] * 50, key=one_key)

    assert ran.outputs == [["a", n] for n in range(1, 51)]


def test_no_inputs_give_no_outputs(local):
    assert local.run(Echo(), []).outputs == []


@pytest.mark.slow
def test_many_keys(engine):
    ran = engine.run(Tally(), [n % 100_000 for n in range(110_000)], key=itself)

    second = {value for value, count in ran.outputs if count == 2}
    assert len(ran.outputs) == 110_000
    assert second == set(range(10_000))


@pytest.mark.slow
def test_a_hot_key_holds_the_source_back_and_not_the_job(engine):
    ran = engine.run(HotKey(), range(10_000), key=one_key)

    assert ran.outputs == list(range(10_000))
