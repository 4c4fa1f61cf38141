"""Prompts that somebody else fills: how often, and what a replay is told."""

from __future__ import annotations

import pytest
from semantic_prompts import FILLED, Waiting


@pytest.fixture(autouse=True)
def _anew():
    FILLED.clear()


def test_it_is_asked_once_in_a_chat_whose_fields_stay(bench):
    run = bench.run(Waiting())

    assert run.outcome.outputs == [["There is Bern.", "There is Bern."]]
    assert FILLED == [{"city": "Bern"}]


def test_it_is_asked_again_where_tools_have_changed_them(bench):
    run = bench.run(Waiting(changes=True))

    assert run.outcome.outputs == [["There is Bern 0.", "There is Bern 1."]]
    assert FILLED == [{"city": "Bern 0"}, {"city": "Bern 1"}]


@pytest.mark.parametrize("changes", [False, True])
def test_a_replay_does_not_ask_it_again(bench, changes):
    run = bench.until_it_stops(bench.begin(Waiting(stops=True, changes=changes)))
    assert run.outcome is None
    before = list(FILLED)

    again = bench.run(Waiting(changes=changes), journal=run.journal.stored())

    assert before
    assert before == FILLED
    assert len(set(again.outcome.outputs[0])) == 1 + changes
