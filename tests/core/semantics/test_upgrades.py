"""Runs that were under way when the code changed, so that their journals no longer fit."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from recovery_agents import notes
from semantic_agents import itself
from semantic_upgraded import upgraded

from headrace import JobFailedError


@pytest.fixture(scope="module")
def after(engine, tmp_path_factory):
    """What the new code does with a run that the old one had under way."""
    known = {}

    def after(setting):
        if setting not in known:
            folder = str(tmp_path_factory.mktemp("upgraded"))
            kind = upgraded(setting)
            with pytest.raises(JobFailedError, match="the old code fails here"):
                engine.run(kind(folder=folder, code="old"), ["an input"], key=itself)
            try:
                ran = engine.run(kind(folder=folder), ["an input"], key=itself)
            except JobFailedError as error:
                ran = error
            known[setting] = SimpleNamespace(ran=ran, made=notes(folder))
        return known[setting]

    return after


def test_the_run_fails_where_nobody_says_anything(after):
    assert "took another path than its journal" in str(after("fail").ran)


def test_the_journal_is_left_as_it_was_then(after):
    assert after("fail").made == ["a", "b"]


def test_it_may_go_the_new_path_in_which_calls_made_alike_keep_their_outcomes(after):
    [output] = after("rerun").ran.outputs

    assert output["said"] == ["b #1", "c #1", "b #2"]


def test_no_call_is_made_twice_for_that(after):
    assert after("rerun").made == ["a", "b", "c", "b"]


def test_the_new_path_begins_with_the_first_attempt(after):
    [output] = after("rerun").ran.outputs

    assert output["attempt"] == 1


def test_its_input_may_be_a_dead_letter_whatever_the_policy(after):
    [letter] = after("dead_letter").ran.dead_letters

    assert (letter["input"], letter["error"].partition(":")[0]) == (
        "an input", "NonDeterminismError",
    )  # fmt: skip


def test_nothing_is_called_for_a_dead_letter(after):
    assert after("dead_letter").made == ["a", "b"]
