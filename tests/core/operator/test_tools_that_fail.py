"""What a failing tool leaves: for its author in the log, for nobody else."""

from __future__ import annotations

import json
import logging

import pytest
from semantic_tools import Shop, Yard


def asked(*calls, by="code", **more):
    return {"do": "it", "by": by, "calls": [list(call) for call in calls], **more}


@pytest.fixture
def told(bench):
    """The records of calls that failed, of a run whose model calls tools."""

    def told(*calls):
        bench.run(Shop(), asked(*calls, by="model"))
        return [each for each in bench.records if (each.kind, each.what) == ("call", "failed")]

    return told


def test_the_exception_is_in_the_log_with_its_trace(bench, caplog):
    with caplog.at_level(logging.WARNING, "headrace.tools"):
        run = bench.run(Shop(), asked(("crashing", {})))

    [logged] = caplog.records
    # In a process that has been a worker, what an action logs has a mark before it.
    assert logged.getMessage().endswith(f"the tool crashing failed (run {run.id})")
    assert "hunter2" in str(logged.exc_info[1])


def test_the_record_of_the_call_says_what_was_raised(told):
    [record] = told(("crashing", {}))

    assert record.name == "tool:crashing"
    assert record.error == "ToolError: the tool crashing failed (Flaw: password=hunter2)"


def test_a_tool_that_there_is_not_has_a_record(told):
    [record] = told(("nothing", {}))

    assert (record.name, record.error) == ("tool:nothing", "there is no tool called 'nothing'")


def test_a_call_whose_hidden_parameter_is_missing_has_a_record(told):
    [record] = told(("settled", {}))

    assert record.name == "tool:settled"
    assert "tenant (memory user.tenant)" in record.error


def test_the_journal_holds_neither_exceptions_nor_hidden_values(bench):
    calls = [("crashing", {}), ("double", {"n": 1}), ("orders", {"status": "open"})]
    more = {"tenant": 98765, "customer": {"id": "c"}}  # what does not fit is not given back
    journal = json.dumps(bench.run(Shop(), asked(*calls, by="model", **more)).journal.stored())

    assert "tool:orders" in journal
    assert "hunter2" not in journal
    assert "98765" not in journal


def test_a_toolsets_failure_is_told_without_what_it_raised(bench):
    assert bench.run(Yard(on_error="tell")).outcome.outputs == ["the tool lift failed"]


def test_a_toolset_may_say_that_a_failure_fails_the_run(bench):
    outcome = bench.run(Yard(on_error="fail")).outcome

    assert outcome.status == "dead_letter"
    assert str(outcome.error) == "the tool lift failed: Flaw: password=hunter2"


def test_a_call_that_had_finished_is_not_made_again_though_its_hidden_value_is_another(bench):
    asked_for = asked(
        ("orders", {"status": "open"}), by="code", tenant="acme", customer={"id": "c"}
    )
    first = bench.run(Shop(), asked_for)
    again = bench.run(Shop(), {**asked_for, "tenant": "other"}, first.journal.stored())

    assert again.outcome.outputs == first.outcome.outputs
