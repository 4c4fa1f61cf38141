"""Approvals on the local engine: what is shown, what is kept over a restart, what is counted."""

from __future__ import annotations

import json

import pytest
from approval_agents import PAID, Impatient, Refunds

from headrace import AgentPlan, run_local
from headrace.approvals import ApprovalRequest, Decision
from headrace.local import InputError, LocalJob, run_files

ASKS = {"key": "c", "wish": 500}


@pytest.fixture(autouse=True)
def _anew():
    PAID.clear()


def by_key(value):
    return value["key"]


@pytest.fixture
def job(tmp_path):
    """A job on files, which goes on where it was each time it is run."""

    class OnFiles:
        input = tmp_path / "in.jsonl"
        requests = tmp_path / "requests.jsonl"
        output = tmp_path / "out.jsonl"

        def run(self, agent=None):
            files = LocalJob(
                input=self.input,
                output=self.output,
                key="key",
                state=tmp_path / "state.db",
                approvals=self.requests,
            )
            result, _ = run_files(AgentPlan.from_agent(agent or Refunds()), files)
            return result

        def add(self, *inputs):
            with self.input.open("a") as lines:
                lines.writelines(json.dumps(each) + "\n" for each in inputs)

        def asked(self):
            return [
                ApprovalRequest.model_validate_json(x)
                for x in self.requests.read_text().splitlines()
            ]

        def said(self):
            return [json.loads(line)["said"] for line in self.output.read_text().splitlines()]

    return OnFiles()


def decide(request, *, approved=True):
    return Decision(id=request.id, key_id=request.key_id, approved=approved).as_input()


class TestRequests:
    def test_a_request_says_what_is_to_be_called_for_whom(self):
        [request] = run_local(Refunds(), [ASKS], key=by_key).approvals

        assert (request["agent"], request["key"], request["tool"], request["arguments"]) == (
            "Refunds", "c", "pay", {"amount": 500},
        )  # fmt: skip

    def test_a_request_says_until_when_a_decision_counts(self):
        asks = {"key": "c", "wish": "hurry:1"}
        [request] = run_local(Refunds(), [asks], key=by_key).approvals

        assert request["expires"] - request["asked"] == pytest.approx(0.05)

    def test_without_a_state_file_what_waits_at_the_end_is_refused(self):
        [output] = run_local(Refunds(), [ASKS], key=by_key)

        assert output["said"] == (
            "nobody decided whether pay may be called: the inputs have ended, so no decision can "
            "come"
        )

    def test_an_input_that_is_meant_as_a_decision_and_is_none_is_refused_with_its_faults(self):
        broken = {"headrace.decision": {"id": "x", "approved": "perhaps"}}

        with pytest.raises(InputError, match=r"no decision: key_id: .*; approved: "):
            run_local(Refunds(), [broken], key=by_key)


class TestRestarts:
    def test_a_job_ends_when_nothing_can_go_on_without_a_decision(self, job):
        job.add(ASKS, {"key": "d"})

        result = job.run()

        assert (result.held, result.finished) == (1, 1)

    def test_the_request_is_shown_though_the_run_has_not_committed(self, job):
        job.add(ASKS)
        job.run()

        assert [each.tool for each in job.asked()] == ["pay"]

    def test_a_decision_after_a_restart_lets_the_run_go_on(self, job):
        job.add(ASKS)
        job.run()
        job.add(decide(*job.asked()))
        job.run()

        assert (job.said(), PAID) == (["paid 500"], [500])

    def test_a_restart_asks_nothing_twice(self, job):
        job.add(ASKS)
        for _ in range(3):
            job.run()

        assert len(job.asked()) == 1

    def test_inputs_that_wait_behind_it_keep_their_place(self, job):
        job.add(ASKS, {"key": "c"})
        job.run()
        job.add({"key": "c", "wish": 1}, decide(*job.asked()))
        job.run()

        assert job.said() == ["paid 500", "nothing", "paid 1"]

    def test_time_that_runs_out_while_nothing_runs_is_over(self, job):
        job.add({"key": "c", "wish": "hurry:1"})
        job.run()
        job.add({"key": "d", "nap": 0.5})
        job.run()

        assert "Error: nobody decided whether hurry may be called within 0.05 s" in job.said()


class TestTime:
    def test_the_time_of_a_decision_is_not_the_actions(self, job):
        job.add(ASKS)
        job.run(Impatient())
        job.add(decide(*job.asked()))
        job.run(Impatient())

        assert job.said() == ["paid 500"]
