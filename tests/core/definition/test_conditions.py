"""Conditions on events: CEL, checked at compile time and applied at run time."""

from __future__ import annotations

import enum

import pytest
from definition_agents import Opened, Place
from hidden_tools import do
from pydantic import BaseModel

from headrace import AgentBuilder, AgentPlan, Event, InputEvent, NamedEvent, PlanError
from headrace.agent_yaml import parse_agent
from headrace.conditions import check_condition, compile_condition
from headrace.errors import ConditionError


class Item(BaseModel):
    """One thing."""

    name: str


class Kind(enum.Enum):
    """Kinds."""

    A = "a"
    B = "b"


class Person(BaseModel):
    """Somebody who was sent by somebody."""

    by: Person | None = None


class Basket(Event):
    """An event with fields of many types."""

    items: list[Item]
    size: float
    paid: bool
    kind: Kind
    tags: tuple[str, ...] = ()
    by: Person = Person()


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
        ("has(event.input.user)", InputEvent(input={"user": None}), True),
        ("event.input.user == null", InputEvent(input={"user": None}), True),
        ("has(event.where)", Opened(cluster="a", severity=1), True),
        ("event.where == null", Opened(cluster="a", severity=1), True),
        ("event.where != null && event.where.floor > 1", OPENED, True),
        ("type(event.severity) == int", OPENED, True),
        ("event_type == 'incident.opened'", OPENED, True),
        ("event_type == 't'", NamedEvent(type="t"), True),
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
        ("event.severity > 'high'", Opened, "does not fit the types of Opened"),
        ("event.cluster == 'x' && event.severity > 'high'", Opened, "does not fit the types"),
        ("event.severity == 7 && event.cluster > 1", Opened, "does not fit the types"),
        ("event.at.floor.startsWith('x')", Opened, "does not fit the types"),
        ("event.where.street == 'x'", Opened, "'street', which Place does not have"),
        ("event.severity", Opened, "not true or false"),
        ("event.severity + 1", Opened, "not true or false"),
        ("event.cluster.begins('x')", Opened, "does not fit the types"),
        ("severity > 1", Opened, "uses severity; it knows only event, event_type and key"),
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
    ("condition", "event"),
    [
        ("event.input.n > 'high'", InputEvent),  # an input may be anything
        ("event.data.n > 1 && event.data.s > 'x'", NamedEvent),
        ("event.missing > 1", Event),  # any event
        ("event.severity > 1", None),
        ("event.severity > key", Opened),
        ("event['severity'] > 1", Opened),
        ("int(event.cluster) > 1", Opened),  # a matter of the value, not of its type
        ("10 / (event.severity - 1) > 1", Opened),
        ("event.items[3].name == 'x'", Basket),
        ("event.by.by == null", Basket),
        ("event.size > 1.5 && event.paid && event.kind == 'b'", Basket),
    ],
)
def test_nothing_is_told_of_what_only_an_event_can_show(condition, event):
    assert check_condition(condition, event) == []


@pytest.mark.parametrize(
    "condition",
    [
        "event.items[0].name > 1",
        "event.size > 'x'",
        "event.kind > 1",
        "!event.size",
        "event.tags > 1",
    ],
)
def test_types_of_every_kind_are_looked_at(condition):
    [told] = check_condition(condition, Basket)
    assert "does not fit the types of Basket" in told


@pytest.mark.parametrize(
    ("condition", "words"),
    [("event.input.a > 1", "failed on InputEvent"), ("'text'", "not true or false")],
)
def test_a_condition_that_fails_on_an_event_says_which_and_why(condition, words):
    test = compile_condition(condition)
    with pytest.raises(ConditionError, match=words):
        test(InputEvent(input={}), "k")


def test_a_condition_without_an_event_is_one_on_every_event_however_it_is_written():
    when = "event_type == 'input'"
    built = AgentBuilder("a").action(do, when=when, on_condition_error="skip")
    written = parse_agent(
        "name: a\nactions:\n"
        f'  - {{function: "hidden_tools:do", when: "{when}", on_condition_error: skip}}\n'
    )
    plan = AgentPlan.from_agent(built)

    assert plan.actions_by_event == {"event": ("do",)}
    assert plan.actions["do"].triggers[0].when == when
    assert AgentPlan.from_agent(written) == plan


def test_a_policy_for_conditions_that_there_is_not_is_told():
    builder = AgentBuilder("a").action(do, InputEvent, on_condition_error="ignore")

    with pytest.raises(PlanError, match="on_condition_error is 'fail' or 'skip', got 'ignore'"):
        AgentPlan.from_agent(builder)
