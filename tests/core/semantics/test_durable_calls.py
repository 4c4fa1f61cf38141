"""Durable calls: recorded, and not made again by a later attempt."""

from __future__ import annotations

import pytest
from semantic_agents import fresh, itself
from semantic_served import CALLS, Caller

pytestmark = pytest.mark.smoke

DO = [
    "again", "twice", "together", "sync_function", "policy_of_the_call", "never_awaited",
    "not_recordable", "not_recordable_argument", "changed_result",
]  # fmt: skip


@pytest.fixture(scope="module")
def name():
    return fresh("caller")


@pytest.fixture(scope="module")
def ran(engine, name):
    return engine.run(Caller(name=f"{name}-{engine.name}"), DO, key=itself)


@pytest.fixture
def saw(ran):
    def saw(do):
        [output] = ran.of("do", do)
        return output["saw"]

    return saw


@pytest.fixture
def letter(ran):
    def letter(do):
        [found] = [each for each in ran.dead_letters if each["input"] == do]
        return found

    return letter


def test_a_finished_call_is_not_made_again_by_the_next_attempt(saw):
    assert saw("again")["done"] == 1


def test_a_failed_call_is_made_again_by_the_next_attempt_and_then_kept(saw):
    assert saw("again")["failed"] == 2


def test_equal_calls_of_one_attempt_are_calls_of_their_own(saw):
    assert saw("twice") == [1, 2]


def test_calls_may_be_made_together(saw):
    assert saw("together") == [1, 1, 1]


def test_a_plain_function_may_be_called(saw):
    assert saw("sync_function") == 1


def test_a_call_with_a_policy_is_tried_again_within_its_attempt(saw):
    assert saw("policy_of_the_call") == {"made": 2, "attempt": 1}


def test_a_call_that_was_never_awaited_is_told(letter):
    assert "semantic_served:counted was never awaited" in letter("never_awaited")["error"]


def test_a_call_that_was_never_awaited_is_not_made(engine, ran, name):
    assert CALLS[f"{name}-{engine.name}/never"] == 0


def test_a_result_that_cannot_be_recorded_is_refused_with_the_call(letter):
    found = letter("not_recordable")

    assert found["error"].startswith(
        "MemoryValueError: the result of the durable call semantic_served:gives_live_object "
        "cannot be recorded"
    )


def test_arguments_that_cannot_be_recorded_are_refused_with_the_way_out(letter):
    assert "name the call with key=..." in letter("not_recordable_argument")["error"]


def test_a_result_that_was_changed_by_an_attempt_is_as_it_was_for_the_next(saw):
    assert saw("changed_result") == [1, 2]
