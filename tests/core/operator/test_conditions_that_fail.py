"""What is told of a condition that fails and skips its action."""

from __future__ import annotations

import logging

from semantic_conditions import Watchers


def test_it_is_warned_of_with_the_action_and_the_condition(bench, caplog):
    with caplog.at_level(logging.WARNING, "headrace.conditions"):
        bench.run(Watchers(), {"stop": False})

    assert [each.args[0] for each in caplog.records] == ["skipping", "warm"]
    assert "the condition 'event.input.level > 2' failed on" in caplog.records[0].getMessage()


def test_it_has_a_record(bench):
    bench.run(Watchers(), {"stop": False})

    skipped = [each for each in bench.records if (each.kind, each.what) == ("action", "skipped")]
    assert [each.name for each in skipped] == ["skipping", "warm"]
    assert "event.input.level > 2" in skipped[0].error
