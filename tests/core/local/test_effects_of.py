"""Tests of agents see the effects that one asks for, without doing them."""

from __future__ import annotations

from stopped_agents import DONE, Stopped, do

from headrace.testing import effects_of


def test_effects_are_given_in_order_and_not_done():
    DONE.clear()

    asked = effects_of(Stopped(), ["a", "b"], key=lambda _: "k")

    assert [(one.function, one.args, one.key) for one in asked] == [
        (do, ("a",), "k"), (do, ("behind",), "k"), (do, ("b",), "k"), (do, ("behind",), "k"),
    ]  # fmt: skip
    assert DONE == []


def test_their_idempotency_keys_are_the_same_each_time():
    keys = [
        [one.idempotency_key for one in effects_of(Stopped(), ["a"], key=lambda _: "k")]
        for _ in range(2)
    ]

    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2
