"""A call that may have taken effect is asked about before it is made again."""

from __future__ import annotations

import pytest
from semantic_agents import fresh, itself
from semantic_reconciled import Reconciling

DO = [
    "answer_lost", "never_sent", "answer_late", "reconciler_fails", "reconciler_hangs",
    "outcome_raised", "no_policy", "next_attempt", "cut_off",
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(engine):
    return engine.run(Reconciling(name=fresh("reconciling")), DO, key=itself)


@pytest.fixture
def saw(ran):
    def saw(do):
        [output] = ran.of("do", do)
        return {name: value for name, value in output.items() if name != "do"}

    return saw


@pytest.fixture
def letter(ran):
    def letter(do):
        [found] = [each for each in ran.dead_letters if each["input"] == do]
        return found["error"]

    return letter


def test_a_try_that_failed_is_settled_by_the_reconciler_and_not_made_again(saw):
    assert saw("answer_lost") == {"result": "found", "effects": 1, "looked": 1, "attempt": 1}


def test_a_try_that_took_no_effect_is_made_again(saw):
    assert saw("never_sent") == {"result": "made", "effects": 1, "looked": 1, "attempt": 1}


def test_a_try_that_took_too_long_is_settled_by_the_reconciler(saw):
    assert saw("answer_late") == {"result": "found", "effects": 1, "looked": 1, "attempt": 1}


def test_a_reconciler_that_fails_is_asked_again(saw):
    assert saw("reconciler_fails") == {"result": "found", "effects": 1, "looked": 2, "attempt": 1}


def test_a_reconciler_that_hangs_is_asked_again_when_its_time_is_over(saw):
    assert saw("reconciler_hangs") == {"result": "found", "effects": 1, "looked": 2, "attempt": 1}


def test_an_outcome_that_a_reconciler_raises_is_the_calls(letter):
    assert letter("outcome_raised") == "Declined: no money"


def test_without_a_policy_of_the_call_the_first_failure_is_its_outcome(letter):
    assert letter("no_policy") == "ConnectionError: reset"


def test_the_next_attempt_of_the_action_asks_too(saw):
    assert saw("next_attempt") == {"result": "found", "effects": 1, "looked": 1, "attempt": 2}


def test_the_next_attempt_asks_for_a_call_that_the_actions_time_cut_off(saw):
    assert saw("cut_off") == {"result": "found", "effects": 1, "looked": 1, "attempt": 2}
