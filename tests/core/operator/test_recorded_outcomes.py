"""Recorded outcomes: results and errors come back as what they were, or as near as can be."""

from __future__ import annotations

import json

import pytest

from headrace import ModelError, NonRetryableError
from headrace.errors import MemoryValueError, ReplayedError, StateError
from headrace.operator import Journal
from headrace.operator._journal import Entry


class Special(Exception):
    """Has arguments that its constructor does not take as they are."""

    def __init__(self, place, reason):
        super().__init__(f"{place}: {reason}")
        self.place = place


def replayed(error):
    journal = Journal()
    entry = journal.calls("0.0")["c"] = Entry("f", 1)
    entry.fail(error)
    return Journal(journal.stored()).calls("0.0")["c"]


def test_a_result_comes_back_equal_and_new_each_time():
    entry = Entry("f", 1)
    entry.finish([1, {"a": (2,)}])
    entry.result().append("changed")

    assert entry.result() == [1, {"a": (2,)}]


def test_a_result_that_cannot_be_kept_is_refused():
    with pytest.raises(MemoryValueError, match="of the durable call f cannot be recorded"):
        Entry("f", 1).finish(object())


@pytest.mark.parametrize(
    "error",
    [ValueError("text", 3), KeyError("k"), NonRetryableError("n"), OSError(2, "no such file")],
)
def test_an_error_comes_back_with_its_type_and_arguments(error):
    with pytest.raises(type(error)) as raised:
        replayed(error).result()

    assert (type(raised.value), raised.value.args) == (type(error), error.args)


def test_an_error_keeps_what_policies_ask_it():
    with pytest.raises(ModelError) as raised:
        replayed(ModelError("wait", code="rate_limited", retry_after=3.5)).result()

    assert (raised.value.retryable, raised.value.retry_after) == (True, 3.5)


def test_an_error_whose_constructor_takes_something_else_keeps_its_attributes():
    with pytest.raises(Special, match="here: why") as raised:
        replayed(Special("here", "why")).result()

    assert raised.value.place == "here"


def test_an_error_that_cannot_be_built_tells_its_type_and_text():
    local = type("Local", (Exception,), {"__module__": "nowhere"})

    with pytest.raises(ReplayedError, match=r"nowhere:Local: gone"):
        replayed(local("gone")).result()


def test_an_error_that_holds_live_objects_tells_its_type_and_text():
    with pytest.raises(ReplayedError, match="builtins:ValueError"):
        replayed(ValueError(object())).result()


class TestWhatAnActionStoreHas:
    @pytest.fixture
    def entry(self):
        """One of a call that has finished."""
        journal = Journal()
        call = journal.calls("0.0")["c"] = Entry("f", 1)
        call.finish("\ud800 is no Unicode")
        return json.dumps(journal.taken())

    def test_its_entries_make_the_journal_again(self, entry):
        journal = Journal()
        journal.take_kept([entry, entry], "r-0")

        assert journal.calls("0.0")["c"].result() == "\ud800 is no Unicode"

    @pytest.mark.parametrize(
        "damaged",
        ["", "{", "[]", "7", "{}", '{"version": "x"}', '{"version": 2}',
         '{"version": 2, "attempts": {}, "calls": 2}',
         '{"version": 2, "attempts": {}, "calls": {"0.0": {"c": [1]}}}', "[" * 100_000],
    )  # fmt: skip
    def test_a_damaged_one_is_told_with_its_run_and_its_number(self, entry, damaged):
        with pytest.raises(StateError, match=r"entry 2 of the run r-0 is damaged") as raised:
            Journal().take_kept([entry, damaged], "r-0")

        assert len(str(raised.value)) < 600
