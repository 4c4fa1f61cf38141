"""Conditions on events: null and absent, with and without an event, and when they fail."""

from __future__ import annotations

import pytest
from semantic_agents import by_key
from semantic_conditions import Watchers

INPUTS = [
    {"key": "high", "level": 3, "stop": False},
    {"key": "no level", "stop": False},
    {"key": "no stop", "level": 1},
    {"key": "stop is no truth", "level": 1, "stop": "yes"},
    {"key": "null", "level": 1, "stop": False, "user": None},
    {"key": "user", "level": 1, "stop": False, "user": "ada"},
    {"key": "warm", "stop": False, "heat": 30},
    {"key": "cold", "stop": False, "heat": 3},
]


@pytest.fixture(scope="module")
def ran(engine):
    return engine.run(Watchers(), INPUTS, key=by_key)


@pytest.fixture
def who(ran):
    return lambda key: [(each["who"], each["event"]) for each in ran.of("key", key)]


def test_a_condition_that_holds_triggers(who):
    assert who("high") == [("skipping", "InputEvent")]


def test_one_that_fails_may_skip_its_action_and_the_run_goes_on(who):
    assert who("no level") == []


def test_one_that_fails_may_fail_the_run(ran):
    errors = {each["key"]: each["error"] for each in ran.dead_letters}

    assert set(errors) == {"no stop", "stop is no truth"}
    assert errors["no stop"].startswith("ConditionError: the condition 'event.input.stop' failed")
    assert errors["stop is no truth"].endswith("gave 'yes', not true or false")


def test_null_is_there_and_absent_is_not(who):
    assert who("null") == [("present", "InputEvent"), ("null", "InputEvent")]
    assert who("user") == [("present", "InputEvent")]


def test_a_condition_without_an_event_is_asked_of_every_event(who):
    assert who("warm") == [("warm", "Heated"), ("either", "Heated"), ("either", "NamedEvent")]
    assert who("cold") == [("either", "Heated"), ("either", "NamedEvent")]
