"""What is told of a savepoint's unfinished runs, on its way through a job's failure."""

from __future__ import annotations

import base64

import pytest

from headrace.jobs.pending import MOST, PendingRuns, UnfitRun

ONE = UnfitRun("Desk", '"a"', "r-1", "it takes another path")


def told(found):
    """As it arrives: within what Flink and Beam say around it."""
    return f"java.lang.RuntimeException: Error\n  x.py\nTold: {found.as_text()}\n\tat org.apache"


def sent(text):
    """Anything, sent in its way."""
    return f"headrace-pending 1 {base64.b64encode(text.encode()).decode()} end"


def test_it_arrives_as_it_was_sent():
    found = PendingRuns(3, 1, (ONE,), {"Desk": 2})

    assert PendingRuns.told_in(told(found)) == found


def test_parts_are_added_up_by_agent():
    both = PendingRuns(3, 1, (ONE,), {"Desk": 1}) + PendingRuns(2, 0, (), {"Desk": 0, "Mail": 1})

    assert both == PendingRuns(5, 1, (ONE,), {"Desk": 1, "Mail": 1})


def test_of_very_many_the_first_are_shown_and_all_are_counted():
    many = PendingRuns(80, 80, (ONE,) * 80)

    assert ((many + many).unfit, len((many + many).shown)) == (160, MOST)


def test_long_texts_are_cut():
    found = PendingRuns(1, 1, (UnfitRun("Desk", '"' + "k" * 5000 + '"', "r", "m" * 5000),))
    [shown] = PendingRuns.told_in(told(found)).shown

    assert (len(shown.key), len(shown.misfit)) == (1003, 1003)


def test_a_key_may_look_like_its_end():
    found = PendingRuns(1, 1, (UnfitRun("Desk", PendingRuns().as_text(), "r", "m end"),))

    assert PendingRuns.told_in(told(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "java.lang.OutOfMemoryError",
        "headrace-pending 1 e30=",
        "headrace-pending 1 x end",
        sent("{}"),
        sent("nonsense"),
        sent("[]"),
        sent('{"runs": "x", "unfit": 0, "shown": [], "agents": {}}'),
        sent('{"runs": 1, "unfit": 1, "shown": [{"a": 1}], "agents": {}}'),
    ],
)
def test_another_failure_tells_nothing(text):
    assert PendingRuns.told_in(text) is None
