"""Several agents as one: what they send each other, keep and put out."""

from __future__ import annotations

import pytest
from semantic_agents import by_key, fresh
from team_agents import reviews


@pytest.fixture(scope="module")
def ran(engine):
    inputs = [{"key": "a"}, {"key": "b"}, {"key": "a"}]
    return engine.run(reviews(fresh("reviews")), inputs, key=by_key)


@pytest.fixture(scope="module")
def stuck(engine):
    """A team whose editor is never content."""
    team = reviews(fresh("stuck"), good="w99", rounds=3)
    return engine.run(team, [{"key": "a"}], key=by_key)


def drafts(result, key):
    """What came out for a key, in order."""
    return [output for output in result.outputs if output.get("key") == key]


def test_what_a_member_puts_out_comes_to_another_as_its_input(ran):
    assert {output["said"] for output in drafts(ran, "a")} == {"editor hears edit"}


def test_a_circle_goes_on_until_its_condition_does_not_hold(ran):
    assert [output["draft"] for output in drafts(ran, "b")] == ["w2"]


def test_a_member_remembers_for_itself(ran):
    # The editor saw two drafts, at ten each; the writer's own count is not in it.
    assert [output["drafts"] for output in drafts(ran, "b")] == [20]


def test_memory_outlives_the_run(ran):
    # In the second run of its key the writer's first draft is its third: the editor takes it.
    assert [output["draft"] for output in drafts(ran, "a")] == ["w2", "w3"]


def test_several_routes_that_hold_are_all_taken(ran):
    assert sorted(output["kept"] for output in ran.outputs if "kept" in output) == [1, 1, 2]


def test_rounds_end_a_circle(stuck):
    [output] = drafts(stuck, "a")

    assert (output["draft"], output["verdict"]) == ("w4", "revise")
