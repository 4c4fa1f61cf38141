"""Conditions on events: CEL, checked at compile time and applied at run time."""

from __future__ import annotations

import pytest
from definition_agents import Opened, Place

from headrace import InputEvent, NamedEvent
from headrace.conditions import check_condition, compile_condition
from headrace.errors import ConditionError

OPENED = Opened(cluster="payments", severity=3, where=Place(city="Bern", floor=2))


@pytest.mark.parametrize(
    ("condition", "event", "holds"),
    [
        ("event.severity > 2", OPENED, True),
        ("event.severity > 2 && event.cluster.startsWith('x')", OPENED, False),
        ("event.where.floor == 2", OPENED, True),
        ("event.cluster in ['search', 'payments']", OPENED, True),
        ("key == 'payments'", OPENED, True),
        ("size(event.input) == 0", InputEvent(input=""), True),
        ("event.input.tags.exists(t, t == 'hot')", InputEvent(input={"tags": ["hot"]}), True),
        ("has(event.input.user)", InputEvent(input={}), False),
        ("event.input == 'é🎉'", InputEvent(input="é🎉"), True),
        ("event.data.n == 1", NamedEvent(type="t", data={"n": 1}), True),
        ("event.input == null", InputEvent(input=None), True),
    ],
)
def test_a_condition_is_applied_to_the_events_fields_and_the_key(condition, event, holds):
    assert check_condition(condition, type(event)) == []
    assert compile_condition(condition)(event, "payments") is holds


@pytest.mark.parametrize(
    ("condition", "event", "words"),
    [
        ("event.severity >", Opened, "cannot be read"),
        ("", Opened, "cannot be read"),
        ("event.serverity > 2", Opened, "'serverity', which Opened does not have (it has: cluster"),
        ("event.at.street == 'x'", Opened, "'street', which Place does not have"),
        ("event.cluster.startsWith('x') && event.tier", Opened, "'tier'"),
        ("severity > 1", Opened, "uses severity; it knows only event and key"),
    ],
)
def test_what_is_wrong_with_a_condition_is_told(condition, event, words):
    [told] = check_condition(condition, event)
    assert words in told


@pytest.mark.parametrize(
    "condition", ["event.cluster == 'event.serverity'", 'event.cluster != "severity > x"']
)
def test_texts_in_a_condition_are_not_read_as_names(condition):
    assert check_condition(condition, Opened) == []


@pytest.mark.parametrize(
    ("condition", "words"),
    [("event.input.a > 1", "failed on InputEvent"), ("'text'", "not true or false")],
)
def test_a_condition_that_fails_on_an_event_says_which_and_why(condition, words):
    test = compile_condition(condition)
    with pytest.raises(ConditionError, match=words):
        test(InputEvent(input={}), "k")
