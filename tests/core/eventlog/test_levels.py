"""Levels of types, which inherit from what is above them."""

from __future__ import annotations

import pytest

from headrace.eventlog import OFF, STANDARD, VERBOSE, Levels, LogSettings


@pytest.fixture
def levels():
    return Levels("standard", ["event=off", "event.shop.Order=verbose", "model.gpt=off"])


@pytest.mark.parametrize(
    ("kind", "name", "level"),
    [
        ("run", "Desk", STANDARD),
        ("event", "", OFF),
        ("event", "shop.Other", OFF),
        ("event", "shop.Order", VERBOSE),
        ("event", "shop:Order", VERBOSE),
        ("event", "shop.Order.Paid", VERBOSE),
        ("event", "shop.Orders", OFF),
        ("model", "gpt", OFF),
        ("model", "gpt-2", STANDARD),
    ],
)
def test_the_longest_beginning_of_a_type_counts(levels, kind, name, level):
    assert levels.of(kind, name) == level
    assert levels.of(kind, name) == level  # as it is remembered


def test_names_that_a_model_invents_fill_no_memory(levels):
    for number in range(10_000):
        levels.of("tool", f"invented-{number}")
    assert len(levels.known) <= 5000


@pytest.mark.parametrize(
    ("level", "said", "nothing"),
    [("off", [], True), ("off", ["model=standard"], False), ("standard", ["run=off"], False)],
)
def test_a_log_that_tells_nothing_is_none(level, said, nothing):
    assert Levels(level, said).nothing is nothing


@pytest.mark.parametrize("wrong", ["event", "=off", "event=", "event=loud", "event..x=off"])
def test_what_is_no_level_of_a_type_is_refused(wrong):
    with pytest.raises(ValueError, match=r"TYPE=LEVEL|is no level"):
        LogSettings(levels=[wrong])


def test_one_text_may_say_several():
    assert LogSettings(levels="event=off, model=verbose").levels == ("event=off", "model=verbose")
