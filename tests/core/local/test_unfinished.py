"""What a state file's unfinished runs are told of beforehand, when the code has changed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from recovery_agents import notes
from semantic_upgraded import Failing

from headrace import AgentPlan, JobFailedError
from headrace.errors import StateError
from headrace.local import IterableSource, ListSink, LocalEngine, unfinished_runs


@pytest.fixture
def state(tmp_path):
    """A state file in which a run of the old code has made two calls, and another waits for it."""
    path = tmp_path / "state.db"
    engine = LocalEngine(plan(tmp_path, "old"), key=lambda _: "k", state=path, output=ListSink())
    with pytest.raises(JobFailedError):
        engine.run(IterableSource(["first", "second"]))
    return path


def plan(folder, code, *, stores=False):
    return AgentPlan.from_agent(Failing(folder=str(folder), code=code, stores=stores))


def misfits(state, code, *, stores=False):
    agent = plan(state.parent, code, stores=stores)
    return {run.input: run.misfit for run in unfinished_runs(agent, state)}


def test_a_run_that_would_take_another_path_is_told_with_what_differs(state):
    told = misfits(state, "new")["first"]

    assert "took another path than its journal" in told
    assert "semantic_upgraded:effect" in told


def test_a_run_that_fits_is_told_as_fitting(state):
    assert misfits(state, "old")["first"] is None


def test_an_input_that_was_not_begun_fits_whatever_the_code(state):
    assert misfits(state, "new")["second"] is None


def test_nothing_is_called(state):
    before = notes(state.parent)
    misfits(state, "new")
    misfits(state, "old")

    assert notes(state.parent) == before == ["a", "b"]


def test_the_state_stays_as_it_is(state):
    def rows():
        with closing(sqlite3.connect(state)) as db:
            return {
                table: db.execute(f"SELECT * FROM {table}").fetchall()
                for table in ("pending", "meta", "memory", "outbox")
            }

    before = rows()
    misfits(state, "new")

    assert rows() == before


def test_a_call_that_is_new_at_the_end_is_not_made_and_fits(state):
    assert (misfits(state, "longer")["first"], notes(state.parent)) == (None, ["a", "b"])


def test_a_file_that_is_not_there_is_no_state_and_is_not_made(tmp_path):
    with pytest.raises(StateError, match="there is no state file"):
        list(unfinished_runs(plan(tmp_path, "new"), tmp_path / "state.db"))
    assert not (tmp_path / "state.db").exists()


def test_the_input_is_told_in_stored_form(state):
    [first, _] = unfinished_runs(plan(state.parent, "new"), state)

    assert (first.key, json.dumps(first.input), bool(first.run_id)) == ("k", '"first"', True)


class TestWithAnActionStore:
    """It has what came after the state that is gone on from."""

    @pytest.fixture
    def state(self, tmp_path):
        """A state file from before the run of the old code made its calls; the store has them."""
        path = tmp_path / "state.db"
        agent = plan(tmp_path, "old", stores=True)
        engine = LocalEngine(agent, key=lambda _: "k", state=path, output=ListSink())
        with pytest.raises(JobFailedError):
            engine.run(IterableSource(["first", "second"]))
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE pending SET journal = NULL")
        return path

    def test_a_run_is_told_that_would_take_another_path_than_the_store_has(self, state):
        told = misfits(state, "new", stores=True)

        assert "took another path than its journal" in told["first"]
        assert told["second"] is None

    def test_a_run_that_fits_is_told_as_fitting(self, state):
        assert misfits(state, "longer", stores=True)["first"] is None

    def test_nothing_is_called_and_the_store_keeps_what_it_has(self, state):
        def rows():
            with closing(sqlite3.connect(state.parent / "calls.db")) as db:
                tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                return {name: db.execute(f"SELECT * FROM {name}").fetchall() for [name] in tables}

        before = rows()
        misfits(state, "longer", stores=True)
        misfits(state, "new", stores=True)

        assert (rows(), notes(state.parent)) == (before, ["a", "b"])
        assert any(before.values())

    def test_a_damaged_entry_of_the_store_is_an_error_that_names_its_run(self, state):
        with closing(sqlite3.connect(state.parent / "calls.db")) as db, db:
            db.execute("UPDATE records SET data = '{\"version\": 1}'")

        with pytest.raises(StateError, match=r"entry 1 of the run \w+-0 is damaged .KeyError"):
            misfits(state, "new", stores=True)

    def test_a_store_that_cannot_be_read_is_an_error_that_names_it(self, state):
        (state.parent / "calls.db").write_bytes(b"no database" * 1000)

        with pytest.raises(StateError, match=r"action store .calls., .* cannot be read"):
            misfits(state, "new", stores=True)
