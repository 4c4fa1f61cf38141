"""The state file: what it belongs to, what is refused, and what a stop leaves in it."""

from __future__ import annotations

import json
import operator
import os
import sqlite3
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest
import unit_agents
from pydantic import create_model
from semantic_agents import Fragile
from unit_agents import Counting, Expiring, Keeper, Other, Patient

from headrace import AgentPlan, JobFailedError
from headrace.errors import StateError
from headrace.local import FileSink, FileSource, IterableSource, ListSink, LocalEngine, run_local


@pytest.fixture
def folder(tmp_path):
    write_inputs(tmp_path, [1, 2, 3])
    return tmp_path


def write_inputs(folder, values):
    (folder / "in.jsonl").write_text("".join(json.dumps(value) + "\n" for value in values))


def engine(folder, agent, *, keep=True, **more):
    return LocalEngine(
        AgentPlan.from_agent(agent),
        key=lambda _value: "one",
        state=folder / "state.db",
        output=FileSink(folder / "out.jsonl", keep=keep),
        **more,
    )


def run(folder, agent=None, **more):
    engine(folder, agent or Counting(), **more).run(FileSource(folder / "in.jsonl"))
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def count_rows(folder, table):
    with sqlite3.connect(folder / "state.db") as db:
        [(count,)] = db.execute(f"SELECT count(*) FROM {table}")
    db.close()
    return count


class TestGoingOn:
    def test_a_finished_job_that_is_started_again_does_nothing_more(self, folder):
        assert run(folder) == run(folder) == [1, 2, 3]

    def test_lines_that_were_added_to_the_input_are_read_with_the_memory_of_before(self, folder):
        run(folder)
        write_inputs(folder, [1, 2, 3, 4])

        assert run(folder) == [1, 2, 3, 4]

    def test_memory_outlives_the_process_for_any_inputs(self, tmp_path):
        for _ in range(2):
            outputs = run_local(Counting(), ["a", "a"], state=tmp_path / "state.db")

        assert outputs == [3, 4]

    def test_a_job_that_failed_runs_the_failed_input_again(self, tmp_path):
        state = tmp_path / "state.db"
        with pytest.raises(JobFailedError):
            run_local(Fragile(), ["a"], state=state)

        assert count_rows(tmp_path, "pending") == 1

    def test_nothing_is_left_in_journals_and_outbox_after_the_runs(self, folder):
        run_local(unit_agents.Churn(), range(200), state=folder / "state.db")

        assert (count_rows(folder, "pending"), count_rows(folder, "outbox")) == (0, 0)


class TestStreams:
    def test_outputs_may_go_to_a_device(self, folder):
        made = LocalEngine(
            AgentPlan.from_agent(Counting()),
            key=lambda _value: "one",
            state=folder / "state.db",
            output=FileSink(Path("/dev/null"), keep=True),
        )

        assert made.run(FileSource(folder / "in.jsonl")).outputs == 3

    def test_outputs_may_go_to_a_named_pipe(self, folder):
        os.mkfifo(folder / "out.jsonl")
        read = threading.Thread(target=lambda: lines.append((folder / "out.jsonl").read_text()))
        lines = []
        read.start()
        engine(folder, Counting()).run(FileSource(folder / "in.jsonl"))
        read.join()

        assert lines == ["1\n2\n3\n"]


class TestRenamed:
    """A state file belongs to the job's identity, and not to the agent's name."""

    def test_an_agent_that_was_renamed_goes_on_where_the_setting_job_says_who_it_was(self, folder):
        state = folder / "state.db"

        assert run_local(Counting(), ["a", "a"], state=state) == [1, 2]
        assert run_local(unit_agents.Renamed(), ["a"], state=state) == [3]

    def test_without_it_the_file_is_refused_and_the_setting_named(self, folder):
        run_local(Counting(), ["a"], state=folder / "state.db")

        with pytest.raises(StateError, match="Where the agent was renamed, say so by the setting"):
            run_local(Other(), ["a"], state=folder / "state.db")


class TestLongLives:
    """What a key leaves in the file does not grow with the number of its inputs."""

    def size(self, folder, inputs):
        run_local(unit_agents.Churn(), inputs, key=lambda _n: "one", state=folder / "state.db")
        with sqlite3.connect(folder / "state.db") as db:
            [(pages,)] = db.execute("PRAGMA page_count")
            [(unused,)] = db.execute("PRAGMA freelist_count")
        db.close()
        return pages - unused

    def test_journals_do_not_add_up(self, tmp_path):
        sizes = [self.size(tmp_path, range(count)) for count in (30, 1000)]

        assert sizes[1] <= sizes[0]

    @pytest.mark.usefixtures("folder")
    def test_the_file_has_no_rows_but_those_of_the_memory(self, tmp_path):
        self.size(tmp_path, range(1000))

        assert [count_rows(tmp_path, name) for name in ("pending", "outbox", "memory")] == [0, 0, 1]


class TestLaterCode:
    """Memory is read by the code that is there then."""

    @pytest.fixture
    def version(self, monkeypatch):
        """Puts a version of the class into its place."""

        def version(**fields):
            module = types.ModuleType("orders")
            if fields:
                module.Order = create_model("Order", __module__="orders", **fields)
            monkeypatch.setitem(sys.modules, "orders", module)

        return version

    @pytest.fixture
    def kept(self, version, tmp_path):
        """A state that the first version left."""
        version(total=(int, ...))
        inputs = [
            {"key": "ann", "do": "keep", "total": 7},
            {"key": "bob", "do": "keep", "total": 8},
        ]
        self.run(tmp_path, inputs)
        return tmp_path

    def run(self, folder, inputs):
        key = operator.itemgetter("key")
        return run_local(Keeper(), inputs, key=key, state=folder / "state.db")

    def test_a_class_with_one_more_field_reads_what_was_kept(self, kept, version):
        version(total=(int, ...), currency=(str, "EUR"))

        outputs = self.run(kept, [{"key": "ann", "do": "read"}])

        assert outputs == [["ann", {"total": 7, "currency": "EUR"}]]

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({}, "the class orders:Order of a stored value cannot be found"),
            ({"total": (dict, ...)}, "stored value of type orders:Order cannot be read"),
        ],
        ids=["gone", "changed"],
    )
    def test_what_cannot_be_read_is_told_with_its_key_name_and_class(
        self, kept, version, fields, why
    ):
        version(**fields)

        outputs = self.run(kept, [{"key": "ann", "do": "read"}])

        [letter] = outputs.dead_letters
        assert letter["key"] == "ann"
        assert letter["error"].startswith(f"StateError: memory[('orders', 'first')]: {why}")

    def test_what_cannot_be_read_is_in_the_way_of_nothing_else(self, kept, version):
        version()

        outputs = self.run(kept, [{"key": key, "do": "number"} for key in ("ann", "bob", "new")])

        assert outputs == [["ann", 7], ["bob", 8]]

    def test_what_cannot_be_read_is_kept_for_code_that_can(self, kept, version):
        version()
        self.run(kept, [{"key": "ann", "do": "read"}])
        version(total=(int, ...))

        assert self.run(kept, [{"key": "ann", "do": "read"}]) == [["ann", {"total": 7}]]


class TestRefusals:
    def test_the_state_of_another_agent(self, folder):
        run(folder)

        with pytest.raises(StateError, match="agent 'Counting', and this is 'Other'"):
            run(folder, Other())

    def test_an_input_file_that_is_not_the_one_it_was(self, folder):
        run(folder)
        write_inputs(folder, [7, 8, 9])

        with pytest.raises(StateError, match=r"in\.jsonl is not the file that the state was at"):
            run(folder)

    def test_an_input_file_that_was_cut(self, folder):
        run(folder)
        write_inputs(folder, [1])

        with pytest.raises(StateError, match="is not the file that the state was at"):
            run(folder)

    def test_an_output_file_that_was_cut(self, folder):
        run(folder)
        (folder / "out.jsonl").write_text("1\n")

        with pytest.raises(StateError, match="has 2 bytes, and the state knows of 6"):
            run(folder)

    def test_a_state_file_that_another_process_uses(self, folder):
        run(folder)
        other = sqlite3.connect(folder / "state.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")

        try:
            with pytest.raises(StateError, match="used by another process"):
                run(folder)
        finally:
            other.close()

    def test_a_file_that_is_no_state_file(self, folder):
        (folder / "state.db").write_bytes(b"this is no database, and it is long enough" * 100)

        with pytest.raises(StateError, match="is not a state file of headrace"):
            run(folder)

    def test_a_state_file_of_a_later_format(self, folder):
        run(folder)
        with sqlite3.connect(folder / "state.db") as db:
            db.execute("UPDATE meta SET value = '99' WHERE name = 'format'")
        db.close()

        with pytest.raises(StateError, match="format 99, and this is 1"):
            run(folder)

    def test_a_refusal_leaves_the_file_to_others(self, folder):
        run(folder)
        with pytest.raises(StateError):
            run(folder, Other())

        assert run(folder) == [1, 2, 3]


class TestNoRoom:
    """The disk takes no more, in the middle of a job: files may not grow over a limit."""

    INPUTS = 600
    PROGRAM = """
import resource, sys
from pathlib import Path
from unit_agents import Counting
from headrace import AgentPlan
from headrace.local import FileSink, FileSource, LocalEngine

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
engine = LocalEngine(
    AgentPlan.from_agent(Counting()),
    key=lambda value: value["key"],
    state=folder / "state.db",
    output=FileSink(folder / "out.jsonl", keep=True),
)
engine.run(FileSource(folder / "in.jsonl"))
"""

    @pytest.fixture
    def start(self, tmp_path):
        inputs = [{"key": f"key {n} {'-' * 200}", "n": n} for n in range(self.INPUTS)]
        write_inputs(tmp_path, inputs)

        def start(limit):
            program = [sys.executable, "-c", self.PROGRAM, str(tmp_path), str(limit)]
            return subprocess.run(program, check=False, capture_output=True, text=True, timeout=60)

        return start

    @pytest.fixture(params=[20_000, 60_000, 100_000, 1_000], ids="limit={}".format)
    def stopped(self, start, request):
        return start(request.param)

    def test_it_stops_and_says_which_file_takes_no_more(self, stopped):
        assert stopped.returncode == 1
        assert "StateError" in stopped.stderr
        assert "cannot be " in stopped.stderr.splitlines()[-1]

    def test_with_room_again_it_goes_on_and_nothing_is_lost_or_doubled(
        self, stopped, start, tmp_path
    ):
        assert start(0).returncode == 0
        assert (tmp_path / "out.jsonl").read_text().splitlines() == ["1"] * self.INPUTS


class TestStopping:
    @pytest.fixture(autouse=True)
    def _anew(self):
        unit_agents.STARTED.clear()

    def stop_while_waiting(self, folder, **more):
        patient = engine(folder, Patient(), stop_after=0.05, **more)

        def stop():
            unit_agents.STARTED.wait(20)
            patient.stop()

        stopper = threading.Thread(target=stop)
        stopper.start()
        result = patient.run(FileSource(folder / "in.jsonl"))
        stopper.join()
        return result

    @pytest.mark.parametrize(
        "inputs", [["a", "wait"], ["a", "wait", "b", "c"], ["a", "wait", *"bcdefgh"]]
    )
    def test_a_stop_ends_the_job_though_a_run_goes_on_for_ever(self, tmp_path, inputs):
        write_inputs(tmp_path, inputs)

        result = self.stop_while_waiting(tmp_path)

        assert result.finished == 1

    def test_what_was_handed_back_goes_on_with_the_next_start(self, tmp_path):
        write_inputs(tmp_path, ["a", "wait", "b"])
        self.stop_while_waiting(tmp_path)

        assert run(tmp_path, Patient(wait=False)) == [["a", 1], ["wait", 2], ["b", 3]]

    def test_a_stop_lets_what_is_under_way_finish(self, tmp_path):
        write_inputs(tmp_path, ["a"])
        job = engine(tmp_path, Counting(), stop_after=20, on_progress=lambda _result: job.stop())

        assert job.run(FileSource(tmp_path / "in.jsonl")).handed_back == 0


class TestTimeToLive:
    @pytest.mark.parametrize("state", [False, True], ids=["memory", "sqlite"])
    def test_a_name_is_gone_when_the_clock_says_so(self, tmp_path, state):
        outputs = ListSink()
        now = 0.0
        job = LocalEngine(
            AgentPlan.from_agent(Expiring()),
            key=lambda _value: "one",
            state=tmp_path / "state.db" if state else None,
            output=outputs,
            clock=lambda: now,
        )

        def inputs():
            nonlocal now
            for now, name in [  # noqa: B007 - the clock reads it
                (0.0, "a"),
                (5.0, "b"),
                (9.9, "c"),
                (10.0, "d"),
                (15.0, "e"),
            ]:
                yield {"name": name}

        job.run(IterableSource(inputs()))

        assert outputs.values == [[], ["a"], ["a", "b"], ["b", "c"], ["c", "d"]]

    def test_expired_names_leave_the_file(self, tmp_path):
        for clock in (0.0, 100.0):
            job = LocalEngine(
                AgentPlan.from_agent(Expiring()), state=tmp_path / "state.db",
                clock=lambda clock=clock: clock, key=lambda value: value["name"],
            )  # fmt: skip
            job.run(IterableSource({"name": f"{clock} {n}"} for n in range(50)))

        assert count_rows(tmp_path, "memory") == 50
