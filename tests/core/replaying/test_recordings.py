"""What a recording holds, how it is written, and that it never fails a run."""

from __future__ import annotations

import json
import logging
import stat
import subprocess
import sys

import pytest
from replay_agents import CALLS, Counter, Desk, Fatal, Lonely

from headrace import AgentPlan, JobFailedError, run_local
from headrace.recording import plain, read_recording


def runs(tape):
    return [recorded.run for recorded in read_recording(tape.path)]


class TestWhatItHolds:
    def test_a_line_for_each_run_below_one_for_the_agent(self, tape):
        tape.record(Counter(), "a", "b")

        lines = [json.loads(line) for line in tape.path.read_text().splitlines()]

        assert [sorted(line) for line in lines] == [
            ["check", "format", "plan"],
            ["check", "format", "run"],
            ["check", "format", "run"],
        ]

    def test_the_agent_as_it_was(self, tape):
        tape.record(Counter(step=3), "a")

        [recorded] = read_recording(tape.path)

        assert recorded.plan == AgentPlan.from_agent(Counter(step=3))

    def test_what_the_run_was_given(self, tape):
        tape.record(Counter(), "a", "b")

        _, second = runs(tape)

        assert (second.key, second.input, second.memory, second.sequence) == ("k", "b", {"n": 1}, 1)

    def test_what_came_of_it(self, tape):
        tape.record(Counter(), "a")

        [run] = runs(tape)

        assert (run.status, run.outputs) == ("finished", [{"n": 1, "of": "a"}])
        assert (run.changes.set, run.changes.gone) == ({"n": 1}, [])

    def test_every_call_with_what_was_asked(self, tape):
        tape.record(Desk(), {"do": "chat look abc"})

        [run] = runs(tape)

        assert [call.name for call in run.calls] == ["chat:llm", "tool:look", "chat:llm"]
        assert run.calls[0].asked["messages"][0]["content"] == "Be kind."
        assert run.calls[1].asked == {"what": "abc"}

    def test_the_calls_within_a_call(self, tape):
        tape.record(Desk(), {"do": "chat research abc"})

        [run] = runs(tape)

        assert [(call.name, call.inside) for call in run.calls] == [
            ("chat:llm", None),
            ("tool:research", None),
            ("replay_agents:fetched", 1),
            ("chat:llm", 1),
            ("chat:llm", None),
        ]

    def test_what_its_models_have_cost(self, tape):
        tape.record(Desk(), {"do": "chat research abc"})

        [run] = runs(tape)

        assert (run.usage.cost, run.usage.output_tokens) == (1.5, 3)

    def test_a_run_that_failed_with_its_error(self, tape):
        tape.record(Desk(), {"do": "raises"})

        [run] = runs(tape)

        assert (run.status, str(run.error)) == ("dead_letter", "ValueError: boom")

    def test_a_run_that_failed_the_job(self, tape):
        with pytest.raises(JobFailedError):
            tape.record(Fatal(), "a")

        [run] = runs(tape)

        assert (run.status, str(run.error)) == ("failed", "ValueError: boom")

    def test_values_of_any_type_can_be_shown_without_their_classes(self, tape):
        tape.record(Desk(), {"do": "order"})

        [call] = runs(tape)[0].calls

        assert plain(call.asked) == [[{"number": 7, "lines": ["x"]}], {}]


class TestServers:
    def test_what_one_offers_is_recorded(self, tape):
        tape.record(Desk(), {"do": "parallel"})

        [recorded] = read_recording(tape.path)

        assert recorded.plan.resource_providers["tools"]["remote"].pinned == {"tools": ["remote"]}

    def test_one_that_was_asked_when_the_job_was_built_is_not_asked_again(self, tape):
        plan = AgentPlan.from_agent(Desk())
        tools = plan.resource_providers["tools"]
        pinned = tools["remote"].model_copy(update={"pinned": {"tools": ["then"]}})
        providers = {**plan.resource_providers, "tools": {**tools, "remote": pinned}}
        tape.record(plan.model_copy(update={"resource_providers": providers}), {"do": "parallel"})

        [recorded] = read_recording(tape.path)

        assert recorded.plan.resource_providers["tools"]["remote"].pinned == {"tools": ["then"]}

    def test_one_that_does_not_answer_fails_no_job(self, tape, caplog):
        outputs = tape.record(Lonely(), {"do": "hides"})

        assert len(outputs) == 1
        assert "nobody answers" in caplog.text


class TestTheFile:
    def test_it_is_its_owners_alone(self, tape):
        tape.path.write_text("what was there before, for all to read")
        tape.path.chmod(0o644)

        tape.record(Counter(), "a")

        assert stat.S_IMODE(tape.path.stat().st_mode) == 0o600

    def test_a_new_job_starts_it_anew(self, tape):
        tape.record(Counter(), "a")
        tape.record(Counter(), "b")

        assert [run.input for run in runs(tape)] == ["b"]

    def test_a_job_that_goes_on_adds_to_it(self, tape, tmp_path):
        tape.record(Counter(), "a", state=tmp_path / "state.db")
        tape.record(Counter(), "b", state=tmp_path / "state.db")

        assert [(run.input, run.memory) for run in runs(tape)] == [("a", {}), ("b", {"n": 1})]

    def test_half_a_line_that_a_killed_process_left_is_dropped(self, tape, tmp_path):
        tape.record(Counter(), "a", state=tmp_path / "state.db")
        with tape.path.open("ab") as file:
            file.write(b'{"check":"00' + b"x" * 100_000)

        tape.record(Counter(), "b", state=tmp_path / "state.db")

        assert [run.input for run in runs(tape)] == ["a", "b"]

    def test_it_is_whole_after_kill_9(self, tape):
        source = (
            "import os\n"
            "from headrace import run_local\n"
            "from replay_agents import Counter\n"
            "def inputs():\n"
            "    yield from 'ab'\n"
            "    os.kill(os.getpid(), 9)\n"
            f"run_local(Counter(), inputs(), record={str(tape.path)!r})\n"
        )
        subprocess.run([sys.executable, "-c", source], check=False, timeout=120)

        assert [run.input for run in runs(tape)] == ["a", "b"]

    def test_a_file_that_cannot_be_opened_is_told_before_anything_runs(self, tmp_path):
        with pytest.raises(IsADirectoryError):
            run_local(Desk(), [{"do": "chat look abc"}], record=tmp_path)

        assert CALLS == []


class TestAFileThatCannotBeWritten:
    def test_no_run_fails(self):
        outputs = run_local(Counter(), "abc", key=lambda _: "k", record="/dev/full")

        assert [output["n"] for output in outputs] == [1, 2, 3]

    def test_it_is_said_once_and_counted(self, caplog):
        with caplog.at_level(logging.WARNING, "headrace.recording"):
            run_local(Counter(), "abc", key=lambda _: "k", record="/dev/full")

        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 2
        assert "No space left on device" in said[0]
        assert said[1] == "3 runs are not in the recording /dev/full"

    def test_what_fits_no_more_leaves_no_half_line(self, tape):
        source = (
            "import resource, signal\n"
            "from headrace import run_local\n"
            "from replay_agents import Counter\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, resource.RLIM_INFINITY))\n"
            f"run_local(Counter(), range(50), key=lambda _: 'k', record={str(tape.path)!r})\n"
        )

        subprocess.run([sys.executable, "-c", source], check=True, timeout=120, stderr=-1)

        kept = [run.input for run in runs(tape)]
        assert kept == list(range(len(kept)))
        assert 0 < len(kept) < 50


@pytest.mark.slow
def test_a_long_recording_is_not_held_in_memory(tape):
    """Each run carries 100 kB, a thousand of them 100 MB."""
    tape.record(Counter(), *(f"{number} {'x' * 100_000}" for number in range(1_000)))
    source = (
        "import resource, sys\n"
        "from replay_agents import Counter\n"
        "from headrace.replaying import replay_each\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"same = sum(run.verdict == 'same' for run in replay_each({str(tape.path)!r}, Counter()))\n"
        "print(same, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", source], check=True, timeout=250, capture_output=True, text=True
    )

    same, grown = map(int, done.stdout.split())
    assert tape.path.stat().st_size > 200_000_000
    assert (same, grown < 50_000) == (1_000, True), grown
