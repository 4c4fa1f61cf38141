"""Inputs read as a model that the action names, on every engine."""

from __future__ import annotations

from typed_agents import Adding, Line


def by_user(value):
    return value["user"]


def test_an_action_gets_its_input_as_the_model(engine):
    lines = [{"article": "a", "count": "2"}]

    result = engine.run(Adding(), [{"user": "ann", "amount": 4, "lines": lines}], key=by_user)

    assert [(one.user, one.total, one.lines) for one in result.outputs] == [
        ("ann", 4.0, [Line(article="a", count=2)])
    ]


def test_an_input_that_does_not_fit_fails_its_run_and_says_why(engine):
    result = engine.run(
        Adding(),
        [{"user": "ann", "amount": 4, "lines": 7}, {"user": "ann", "amount": 4}],
        key=by_user,
    )

    [letter] = result.dead_letters
    assert "typed_agents:Order" in letter["error"]
    assert "lines" in letter["error"]
    assert [one.total for one in result.outputs] == [4.0]
