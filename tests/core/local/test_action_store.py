"""A call that was kept in an action store is not made again, whatever the engine's state forgot."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import Counter

import pytest
from kept_agents import Keeping, notes

from headrace import AgentPlan, JobFailedError
from headrace.local import IterableSource, ListSink, LocalEngine
from headrace.operator import _ledger


def charge(name, key="k"):
    return {"do": "charge", "name": name, "key": key}


class Job:
    """A job that is executed several times; without a state file it goes back to its start."""

    def __init__(self, folder):
        self.folder = folder

    def engine(self, *, state=None, agent=None, **settings):
        self.outputs = ListSink()
        agent = agent or Keeping(folder=str(self.folder))
        plan = AgentPlan.from_agent(agent)
        config = plan.config.model_copy(update=settings)
        return LocalEngine(
            plan.model_copy(update={"config": config}),
            key=lambda value: value["key"],
            state=state,
            output=self.outputs,
        )

    def run(self, *inputs, **more):
        self.engine(**more).run(IterableSource(inputs))
        return self.said()

    def lost(self, *inputs):
        """An execution that does all of it, and whose state nobody finds again."""
        engine = self.engine()

        def until_stopped():
            yield from inputs
            engine.stop()

        engine.run(IterableSource(until_stopped()))
        return self.said()

    def said(self):
        return [value["said"] for value in self.outputs.values]

    def made(self):
        """How often each effect happened."""
        lines = [line for line in notes(self.folder) if line.startswith("charged ")]
        return Counter(line.removeprefix("charged ") for line in lines)

    def kept(self):
        with sqlite3.connect(self.folder / "calls.db") as db:
            rows = db.execute("SELECT DISTINCT run FROM records").fetchall()
        db.close()
        return len(rows)


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path)


class TestWhenAllStateIsLost:
    def test_calls_that_had_finished_are_not_made_again(self, job):
        first = job.lost(charge("a"), charge("b"))

        assert (job.run(charge("a"), charge("b")), first) == (["a #1", "b #1"],) * 2

    def test_inputs_of_a_key_may_come_back_in_another_order(self, job):
        job.lost(charge("a"), charge("b"), charge("c"))
        said = job.run(charge("c"), charge("a"), charge("b"))

        assert (said, set(job.made().values())) == (["c #1", "a #1", "b #1"], {1})

    def test_equal_inputs_are_as_many_calls_as_they_are(self, job):
        job.lost(charge("a"), charge("a"))

        assert job.run(charge("a"), charge("a"), charge("a")) == ["a #1", "a #2", "a #3"]

    def test_equal_inputs_of_other_keys_have_calls_of_their_own(self, job):
        job.lost(charge("a", key="k"), charge("a", key="l"))
        job.run(charge("a", key="l"), charge("a", key="m"), charge("a", key="k"))

        assert job.made()["a"] == 3

    def test_the_runs_have_the_names_that_they_had(self, job):
        job.lost(charge("a"), charge("a"), charge("b"))
        before = {value["run"] for value in job.outputs.values if "run" in value}
        job.run(charge("b"), charge("a"), charge("a"))

        assert {value["run"] for value in job.outputs.values if "run" in value} == before

    def test_a_call_that_failed_fails_again_with_type_text_and_attributes(self, job):
        refused = {"do": "refuse", "name": "a", "key": "k"}
        job.lost(refused)
        job.run(refused)
        [output] = [value for value in job.outputs.values if value["do"] == "refuse"]

        assert (output["said"], output["place"], job.made()["a"]) == ("a: no #1", "a", 1)

    def test_the_calls_of_the_run_that_failed_the_job_are_kept_too(self, job):
        with pytest.raises(JobFailedError, match="failed"):
            job.run({"do": "fail", "key": "k"})

        assert (job.run({"do": "fail", "key": "k"}), job.made()) == (["went on"], {"before": 1})

    def test_a_call_that_was_begun_goes_to_its_reconciler(self, job):
        hang = {"do": "hang", "name": "a", "key": "k"}
        engine = job.engine()
        engine._stop_after = 0.0
        watcher = threading.Thread(target=stop_when_charged, args=(job, engine))
        watcher.start()
        engine.run(IterableSource([hang]))
        watcher.join()
        said = job.run(hang)

        assert (said, job.made()["a"], notes(job.folder)[-1]) == (["a seen"], 1, "looked a")

    def test_it_may_be_lost_several_times(self, job):
        job.lost(charge("a"), charge("b"))
        job.lost(charge("b"), charge("a"))
        job.run(charge("a"), charge("b"))

        assert job.made() == {"a": 1, "b": 1}


def stop_when_charged(job, engine):
    while "charged a" not in notes(job.folder):
        threading.Event().wait(0.01)
    engine.stop()


class TestWhenTheStateGoesBack:
    """An older copy of a state file stands for a rollback."""

    @pytest.fixture
    def back(self, job):
        """Does something with the state, takes a copy, does more, and puts the copy back."""
        state, copy = job.folder / "state.db", job.folder / "older.db"

        def back(before, after, again):
            more = {"state": state, "action_store_keep": 3600.0}
            job.run(*before, **more)
            shutil.copy(state, copy)
            first = job.run(*after, **more)
            shutil.copy(copy, state)
            return first, job.run(*again, **more)

        return back

    def test_calls_since_then_are_not_made_again_in_whatever_order(self, job, back):
        first, second = back([charge("a")], [charge("b"), charge("c")], [charge("c"), charge("b")])

        assert (first, second) == (["b #1", "c #1"], ["c #1", "b #1"])

    def test_an_input_that_equals_one_of_before_has_the_call_of_its_own(self, back):
        assert back([charge("a")], [charge("a")], [charge("a")]) == (["a #2"], ["a #2"])

    def test_new_inputs_that_equal_one_of_before_are_calls_of_their_own(self, back):
        assert back([charge("a")], [], [charge("a")]) == ([], ["a #2"])

    def test_inputs_that_come_back_twice_more_are_told_apart(self, back):
        _, second = back([], [charge("a"), charge("b")], [charge("b"), charge("b"), charge("a")])

        assert second == ["b #1", "b #2", "a #1"]


class TestWhatIsKept:
    def test_nothing_is_left_of_a_job_that_came_to_its_end(self, job):
        job.run(charge("a"), charge("b"))

        assert job.kept() == 0

    def test_nothing_is_left_of_runs_whose_end_is_in_a_state_file(self, job):
        more = {"state": job.folder / "state.db", "action_store_keep": 0.0}
        with pytest.raises(JobFailedError, match="failed"):
            job.run(charge("a"), charge("b"), {"do": "fail", "key": "k"}, **more)

        assert job.kept() == 1

    def test_runs_stay_as_long_as_the_setting_says(self, job):
        job.run(charge("a"), charge("b"), state=job.folder / "state.db", action_store_keep=3600.0)

        assert job.kept() == 2

    def test_it_does_not_grow_with_the_number_of_runs(self, job):
        most = 0

        class Looking(ListSink):
            def write(self, lines):
                nonlocal most
                most = max(most, job.kept())
                return super().write(lines)

        engine = job.engine(state=job.folder / "state.db", max_in_flight=20)
        engine._sinks["output"] = Looking()
        engine.run(IterableSource([charge(str(n % 7), key=n % 50) for n in range(5000)]))

        assert (most < 2500, job.kept()) == (True, 0)


class TestAStoreThatIsAway:
    @pytest.fixture
    def moody(self, job):
        (job.folder / "mood").touch()
        return Keeping(folder=str(job.folder), moody=True)

    def test_runs_wait_for_it_and_nothing_of_it_is_lost(self, job, moody, caplog):
        mood = job.folder / "mood"
        engine = job.engine(agent=moody, state=job.folder / "state.db", action_store_keep=9.0)
        watcher = threading.Thread(target=cheer_up, args=(caplog, mood))
        watcher.start()
        engine.run(IterableSource([charge("a"), charge("b")]))
        watcher.join()

        assert (job.said(), job.kept()) == (["a #1", "b #1"], 2)

    def test_one_that_hangs_and_cannot_be_told_to_end_is_left_to_itself(
        self, job, moody, caplog, monkeypatch
    ):
        assert moody.moody
        monkeypatch.setattr(_ledger, "_PATIENCE", 0.1)
        monkeypatch.setattr(_ledger, "_ENDING_SECONDS", 0.1)
        watcher = threading.Thread(target=cheer_up, args=(caplog, job.folder / "mood"))
        watcher.start()
        said = job.run(charge("a"), agent=Keeping(folder=str(job.folder), deaf=True))
        watcher.join()

        assert (said, "cannot write: it has not answered" in caplog.text) == (["a #1"], True)

    def test_that_it_is_away_and_back_is_told_once(self, job, moody, caplog):
        watcher = threading.Thread(target=cheer_up, args=(caplog, job.folder / "mood"))
        watcher.start()
        job.run(charge("a"), agent=moody)
        watcher.join()
        told = [record.getMessage() for record in caplog.records]

        assert [text.partition(":")[0].partition(" after")[0] for text in told] == [
            "the action store cannot write",
            "the action store is back",
        ]

    def test_an_action_does_not_run_out_of_time_meanwhile(self, job, moody):
        # It is over when the store has been away for as long as two actions may take.
        engine = job.engine(agent=moody, action_timeout=0.3)
        away = threading.Timer(0.6, (job.folder / "mood").unlink)
        away.start()
        engine.run(IterableSource([charge("a"), charge("b", key="l")]))
        away.join()

        assert sorted(job.said()) == ["a #1", "b #1"]

    def test_a_stream_is_held_back(self, job, moody):
        """Not more inputs are read than may be in flight, and wait in their lanes."""
        read = []

        def inputs():
            for number in range(1000):
                read.append(number)
                yield charge(str(number), key=number)

        engine = job.engine(agent=moody, max_in_flight=5)
        engine._stop_after = 0.0
        stopper = threading.Timer(1.0, engine.stop)
        stopper.start()
        engine.run(IterableSource(inputs()))
        stopper.join()

        assert len(read) <= 6

    def test_runs_may_go_on_without_it(self, job, moody):
        said = job.run(charge("a"), charge("b"), agent=moody, action_store_errors="go_on")

        assert said == ["a #1", "b #1"]

    def test_that_runs_go_on_without_it_is_told(self, job, moody, caplog):
        job.run(charge("a"), agent=moody, action_store_errors="go_on")

        assert "calls that end now may be made again" in caplog.text

    def test_what_was_not_kept_meanwhile_is_kept_when_it_is_back(self, job, moody, caplog):
        settings = {"state": job.folder / "state.db", "action_store_errors": "go_on"}
        watcher = threading.Thread(target=cheer_up, args=(caplog, job.folder / "mood"))
        watcher.start()

        def inputs():
            number = 0
            while "is back" not in caplog.text:
                yield charge(str(number := number + 1), key="other")

        engine = job.engine(agent=moody, action_store_keep=3600.0, **settings)
        engine.run(IterableSource(inputs()))
        watcher.join()

        assert job.kept() == len(job.said())


def cheer_up(caplog, mood):
    while "cannot write" not in caplog.text:
        threading.Event().wait(0.01)
    mood.unlink()


class TestAStoreThatIsDamaged:
    def test_it_fails_the_job_which_says_where_and_what_to_do(self, job):
        job.lost(charge("a"))
        with sqlite3.connect(job.folder / "calls.db") as db:
            db.execute("UPDATE records SET data = 'no JSON'")
        db.close()

        with pytest.raises(JobFailedError) as raised:
            job.run(charge("a"))
        text = str(raised.value)
        assert "action store's entry 1 of the run " in text
        assert "is damaged (JSONDecodeError: " in text
        assert "; 7 characters)" in text
        assert "no JSON" not in text  # it may be anybody's data
        assert "delete this run's entries there" in text
        assert job.made() == {"a": 1}


class TestDeclaring:
    def test_the_plan_names_the_store(self, job):
        plan = AgentPlan.from_agent(Keeping(folder=str(job.folder)))

        assert plan.action_store == (None, "calls")
