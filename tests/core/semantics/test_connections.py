"""Models over one connection, on both engines."""

from __future__ import annotations

from connection_agents import Caller, Careful


def test_models_are_built_with_what_their_connection_says(engine):
    [[told, _]] = engine.run(Caller(), ["go"]).outputs

    assert told == ["large at the mill", "small at the mill"]


def test_a_limit_of_a_connection_holds_for_all_its_models_together(engine):
    [[_, most]] = engine.run(Caller(), ["go"]).outputs

    assert most == 1


def test_a_provider_that_one_model_finds_broken_is_left_alone_by_the_others(engine):
    assert engine.run(Careful(), ["go"]).outputs == [
        ["sound at the mill", "overloaded", "overloaded"]
    ]
