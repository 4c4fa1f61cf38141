"""An agent that has not changed does what it did, and calls nothing."""

from __future__ import annotations

import asyncio

import pytest
from approval_agents import Refunds
from nested_agents import Desk as NestedDesk
from nested_agents import Reader
from replay_agents import CALLS, Counter, Desk, Patient, Persistent
from team_agents import reviews

from headrace import AgentBuilder, sub_agent
from headrace.approvals import ApprovalRequest, Decision
from headrace.replaying import replay


def test_nothing_differs(tape, way):
    tape.record(Desk(), {"do": way})

    assert tape.replay(Desk()).as_text().startswith("1 run: 1 same")


def test_nothing_is_called(tape, way):
    tape.record(Desk(), {"do": way})

    tape.replay(Desk())

    assert CALLS == []


def test_an_action_in_a_thread_does_what_it_did(tape):
    tape.record(Desk(), {"block": 1})

    assert (tape.only(Desk()).verdict, CALLS) == ("same", [])


def test_each_run_sees_the_memory_that_it_saw(tape):
    tape.record(Counter(), *"abc")

    assert tape.replay(Counter()).summary.same == 3


def test_a_run_alone_sees_what_the_runs_before_it_left(tape):
    outputs = tape.record(Counter(), *"abc")
    assert outputs[-1]["n"] == 3

    report = tape.replay(Counter(), select=lambda recorded: recorded.run.input == "c")

    assert (report.summary.runs, report.summary.same) == (1, 1)


def test_a_team_does_what_it_did(tape):
    tape.record(reviews("desk"), {"text": "a"})

    report = tape.replay(reviews("desk"))

    assert report.summary.same == 1


class TestAttempts:
    def test_a_call_that_failed_and_was_made_again_does_both(self, tape):
        outputs = tape.record(Persistent(), 1)
        assert outputs == [[2, "KEPT", "AGAIN"]]

        assert (tape.only(Persistent()).verdict, CALLS) == ("same", [])

    def test_the_time_between_them_is_not_waited_for(self, tape):
        tape.record(Persistent(), 1)

        # Its policy waits for ten minutes: longer than this test may take.
        assert tape.only(Patient()).outputs == ()


class TestDecisions:
    @pytest.mark.parametrize("approved", [True, False])
    def test_what_somebody_decided_stays_decided(self, tape, approved):
        wish = {"key": "ada", "wish": 200}
        [asked] = tape.record(Refunds(), wish, key=lambda value: "ada").approvals
        request = ApprovalRequest.model_validate(asked)
        decision = Decision(id=request.id, key_id=request.key_id, approved=approved, by="Eva")
        tape.record(Refunds(), wish, decision.as_input(), key=lambda value: "ada")

        assert tape.only(Refunds()).verdict == "same"

    def test_one_that_never_came_does_not_come(self, tape):
        wish = {"key": "ada", "wish": 200}
        [output] = tape.record(Refunds(), wish, key=lambda value: "ada")
        assert "the inputs have ended" in output["said"]

        assert tape.only(Refunds()).verdict == "same"


class TestInARunningLoop:
    def test_a_replay_can_be_asked_for(self, tape):
        tape.record(Counter(), "a")

        async def ask():
            return replay(tape.path, Counter())

        assert asyncio.run(ask()).summary.same == 1


def test_an_agent_that_goes_on_in_another_process_is_recorded_as_one_run(tape, tmp_path):
    """Its first process ends while somebody is asked; the second one takes up what it had done."""
    wish = {"key": "ada", "wish": "pay:20 pay:200"}
    state = tmp_path / "state.db"
    held = tape.record(Refunds(), wish, key=lambda value: "ada", state=state)
    [asked] = held.approvals
    decision = Decision(id=asked["id"], key_id=asked["key_id"], approved=True)
    inputs = [wish, decision.as_input()]
    done = tape.record(Refunds(), *inputs, key=lambda value: "ada", state=state)
    assert [output["said"] for output in done] == ["paid 20 / paid 200"]

    assert tape.only(Refunds()).verdict == "same"


class TestSubAgents:
    @pytest.mark.parametrize("case", ["nested", "gather", "model", "team", "budget", "failure"])
    def test_their_own_calls_are_those_that_were_recorded(self, tape, case):
        tape.record(NestedDesk(), {"case": case})

        assert tape.only(NestedDesk()).verdict == "same"

    def test_a_changed_sub_agent_is_seen_though_its_call_was_recorded(self, tape):
        tape.record(NestedDesk(), {"case": "one"})
        changed = AgentBuilder(NestedDesk).resource("reader", sub_agent(Reader(sign="new")))

        assert tape.only(changed).verdict == "changed"
