"""What an action saw of names that live for a time, when its run is run again."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from headrace.operator import Journal
from headrace.operator._sights import Sights


def looking(journal):
    """What the task ``0.0`` sees of the name ``x``, given what the clock says."""
    sights = Sights(SimpleNamespace(journaled=lambda: journal), "0.0")
    return lambda *gone: [sights("x", each) for each in gone]


@pytest.fixture
def journal():
    made = Journal()
    made.begin_attempt("0.0", 1)
    return made


def kept(journal):
    return Journal(json.loads(json.dumps(journal.stored())))


def test_the_first_time_the_clock_says_what_is_gone(journal):
    assert looking(journal)(False, True, False) == [False, True, False]


@pytest.mark.parametrize(
    "seen", [[False], [True], [False, False, True, True, False], [True, False]]
)
def test_run_again_it_sees_the_same_and_from_there_on_what_the_clock_says(journal, seen):
    looking(journal)(*seen)

    again = looking(kept(journal))

    assert again(*[True] * len(seen)) == seen
    assert again(True, False) == [True, False]


def test_a_further_attempt_looks_for_itself(journal):
    looking(journal)(False)
    journal.begin_attempt("0.0", 2)

    assert looking(kept(journal))(True) == [True]


def test_a_log_of_changes_has_it_too(journal):
    looking(journal)(False)
    other = Journal()

    other.take(json.loads(json.dumps(journal.taken())))

    assert looking(other)(True) == [False]


def test_without_calls_there_is_nothing_to_keep():
    journal = Journal()
    looking(journal)(False)

    assert journal.stored() is None
