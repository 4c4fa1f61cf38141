"""Events and joins when a run is run again."""

from __future__ import annotations

from semantic_agents import fresh
from semantic_run import Inside


def test_the_ids_of_events_are_the_same_when_a_run_is_run_again(bench):
    first = bench.run(Inside(name="ids"), {"do": "ids"}).outcome.outputs
    again = bench.run(Inside(name="ids"), {"do": "ids"}).outcome.outputs

    assert len({output["saw"][2] for output in first}) == 2
    assert again == first


def test_a_joins_calls_that_had_finished_are_not_made_again(bench):
    agent = Inside(name=fresh("join"))
    first = bench.run(agent, {"do": "join"})
    bench.records.clear()
    again = bench.run(agent, {"do": "join"}, first.journal.stored())

    made = {(each.name, each.what) for each in bench.records if each.kind == "call"}
    assert made == {("tool:pair", "reused"), ("chat:oracle", "reused"), ("tool:broken", "reused")}
    assert again.outcome.outputs == first.outcome.outputs


def test_the_name_of_a_call_tells_a_function_from_what_the_runtime_serves(bench):
    bench.run(Inside(name="names"), {"do": "chat_module"})

    [call] = [each for each in bench.records if each.kind == "call"]
    assert call.name == "function:chat:answer"
