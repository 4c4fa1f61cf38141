"""The agent as a Flink function, on state that is a dict: what it keeps, and what it leaves."""

from __future__ import annotations

import json
import pickle
import time

import pytest

pytest.importorskip("pyflink")

from approval_agents import Refunds
from function_worker import Store, Turn, Worker
from recovery_agents import Narrow, Waiter, held, note, notes

from headrace.approvals import Decision
from headrace.flink._tags import APPROVALS
from headrace.flink._waking import END_OF_TIME


def inputs(count, **more):
    return [{"key": "k", "n": n, **more} for n in range(count)]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def worker(store, tmp_path):
    made = Worker(Waiter(folder=str(tmp_path)), store)
    yield made
    made.function.close()


class TestJournals:
    """A key with a long life leaves nothing behind but its memory."""

    @pytest.fixture(scope="class")
    def lived(self, tmp_path_factory):
        """A worker after many inputs of a key, and what the pending ones took meanwhile."""
        worker = Worker(Waiter(folder=str(tmp_path_factory.mktemp("long"))), Store())
        worker.sizes = []
        for value in inputs(1000, do="call"):
            outputs = worker.element(value)
            worker.sizes.append(len(pickle.dumps(worker.store.of("pending"))))
            worker.until(1, outputs)
        yield worker
        worker.function.close()

    def test_pending_state_does_not_grow_with_the_number_of_inputs(self, lived):
        assert max(lived.sizes[500:]) <= max(lived.sizes[:500]) + 10

    def test_no_input_and_no_journal_is_left_when_all_runs_are_done(self, lived):
        assert lived.store.of("pending") == []

    def test_nothing_is_held_in_the_worker_when_all_runs_are_done(self, lived):
        [shard] = lived.function._runs._shards.values()

        assert (shard.pending, list(shard.done), shard.waiting) == ({}, [], 0)
        assert len(lived.function._runs._lanes) == 0


class TestRestored:
    """What a checkpoint holds is enough for another worker."""

    @pytest.fixture
    def crashed(self, worker, store, tmp_path):
        """The state of a worker that died while a key's first run waited."""
        for value in inputs(5, do="call and wait"):
            worker.element(value)
        deadline = time.monotonic() + 20
        while "called k 0" not in notes(tmp_path) or not recorded(store):
            assert time.monotonic() < deadline
            worker.ticks()
        return store

    @pytest.fixture
    def outputs(self, crashed, tmp_path):
        note(tmp_path, "go on")
        second = Worker(Waiter(folder=str(tmp_path)), crashed)
        made = second.until(6, second.element({"key": "k", "n": 5, "do": "call and wait"}))
        second.function.close()
        return made

    def test_its_inputs_are_run_before_new_ones_and_in_order(self, outputs):
        assert [output["n"] for output in outputs] == [0, 1, 2, 3, 4, 5]

    def test_memory_counts_each_once(self, outputs):
        assert [output["count"] for output in outputs] == [1, 2, 3, 4, 5, 6]

    @pytest.mark.usefixtures("outputs")
    def test_a_recorded_call_is_not_made_again(self, tmp_path):
        assert notes(tmp_path).count("called k 0") == 1


class TestFull:
    """An element that finds too much in flight is taken into the state, so that Python is free."""

    FIVE = [{"key": f"k{n}", "n": n, "do": "call and wait"} for n in range(5)]  # noqa: RUF012

    @pytest.fixture
    def full(self, store, tmp_path):
        """A worker that has been given more than may be in flight, and was not held up by it."""
        made = Worker(Narrow(folder=str(tmp_path)), store)
        assert [output for value in self.FIVE for output in made.element(value)] == []
        yield made
        made.function.close()

    def begun(self, folder):
        return sorted(line for line in notes(folder) if line.startswith("called"))

    def test_no_more_runs_begin_than_may(self, full, tmp_path):
        deadline = time.monotonic() + 20
        while len(self.begun(tmp_path)) < 2:
            assert time.monotonic() < deadline
            full.ticks()

        assert self.begun(tmp_path) == ["called k0 0", "called k1 1"]

    def test_the_others_are_in_the_state(self, full, store):
        assert sum(len(pending) for pending in store.of("pending")) == 5
        assert full.function._runs.queued == 3

    def test_they_begin_when_there_is_room(self, full, tmp_path):
        note(tmp_path, "go on")

        assert sorted(one["n"] for one in full.until(5)) == [0, 1, 2, 3, 4]
        assert full.function._runs.queued == 0

    def test_a_restored_worker_begins_no_more_than_may_either(self, full, store, tmp_path):
        deadline = time.monotonic() + 20
        while len(self.begun(tmp_path)) < 2 or not recorded(store):
            assert time.monotonic() < deadline
            full.ticks()
        kept = Store()
        kept.kept = pickle.loads(pickle.dumps(store.kept))
        second = Worker(Narrow(folder=str(tmp_path)), kept)
        second.element({"key": "k0", "n": 5, "do": "wait"})
        second.busy |= full.busy
        second.ticks()
        queued = second.function._runs.queued
        note(tmp_path, "go on")
        outputs = second.until(6)
        second.function.close()

        assert queued == 4
        assert sorted(one["n"] for one in outputs) == [0, 1, 2, 3, 4, 5]

    def test_the_end_of_a_bounded_input_ends_them_too(self, full, store, tmp_path):
        note(tmp_path, "go on")
        store.current = full.shard({"key": "k0"})
        outputs = list(full.function.on_timer(END_OF_TIME, Turn(store)))

        assert sorted(one["n"] for one in outputs) == [0, 1, 2, 3, 4]


class TestApprovals:
    """A call that waits for somebody's decision is state like any other."""

    ASKS = {"key": "k", "wish": 500}  # noqa: RUF012 - read only

    @pytest.fixture
    def request_of(self, store):
        """Asks in a worker that has no turn from then on; gives the one request that left it."""
        first = Worker(Refunds(), store)
        [(tag, request)] = first.until(1, first.element(self.ASKS))
        assert tag.tag_id == APPROVALS.tag_id
        yield request
        first.function.close()

    def answer(self, store, request, *, before=()):
        """What another worker gives for a decision."""
        second = Worker(Refunds(), store)
        outputs = [output for value in before for output in second.element(value)]
        yes = Decision(id=request["id"], key_id=request["key_id"], approved=True)
        outputs = second.until(1, outputs + second.element(yes.as_input()))
        second.function.close()
        return outputs

    def test_a_restored_run_goes_on_with_a_decision(self, store, request_of):
        assert self.answer(store, request_of) == [{"key": "k", "said": "paid 500"}]

    def test_it_asks_nothing_twice(self, store, request_of):
        third = Worker(Refunds(), store)
        outputs = third.element({"key": "k"}) + third.ticks() + third.ticks()
        third.function.close()

        assert outputs == []

    def test_a_decision_that_was_read_is_kept_though_its_run_did_not_end(self, store, request_of):
        second = Worker(Refunds(), store)
        yes = Decision(id=request_of["id"], key_id=request_of["key_id"], approved=True)
        second.element(yes.as_input())
        kept = pickle.loads(pickle.dumps(store.kept))  # what a checkpoint has just then
        second.function.close()
        other = Store()
        other.kept = kept
        third = Worker(Refunds(), other)
        outputs = third.until(1, third.element({"key": "k"}))
        third.function.close()

        assert outputs[0] == {"key": "k", "said": "paid 500"}

    def test_a_worker_in_which_all_wait_for_decisions_has_few_turns(self, store):
        due = []

        class Watched(Turn):
            def register_processing_time_timer(self, timestamp):
                due.append(timestamp - time.time() * 1000)

        first = Worker(Refunds(), store)
        first.until(1, first.element(self.ASKS))
        due.clear()
        list(
            first.function.on_timer(
                first.function._runs._shards[store.current].tick, Watched(store)
            )
        )
        first.function.close()

        assert min(due) > 500


class TestBoundedInput:
    """What is under way when there are no more inputs ends before the job does."""

    @pytest.fixture
    def ended(self, worker, tmp_path):
        """What leaves with the last turn of one shard, while runs of two wait."""
        for value in inputs(3, do="wait"):
            worker.element(value)
            worker.element({**value, "key": "other", "n": value["n"] + 10})
        assert len(worker.busy) == 2
        note(tmp_path, "go on")
        worker.store.current = worker.shard({"key": "k"})
        return list(worker.function.on_timer(END_OF_TIME, Turn(worker.store)))

    def test_the_first_shards_last_turn_ends_the_runs_of_all(self, ended):
        assert sorted(one["n"] for one in ended) == [0, 1, 2, 10, 11, 12]

    def test_each_key_keeps_its_own_memory(self, ended):
        counts = {one["n"]: one["count"] for one in ended}
        assert counts == {0: 1, 1: 2, 2: 3, 10: 1, 11: 2, 12: 3}

    @pytest.mark.usefixtures("ended")
    def test_no_input_is_left_in_the_state_of_any(self, store):
        assert store.of("pending") == []

    @pytest.mark.usefixtures("ended")
    def test_flinks_key_at_hand_is_the_one_of_the_turn(self, worker):
        assert worker.store.current == worker.shard({"key": "k"})


def recorded(store):
    return '"finished"' in json.dumps(store.of("pending"))


def grown(before):
    """What there is more of than before."""
    return {name: count for name, count in held().items() if count > before[name]}


class TestTwentyWorkers:
    """A process that runs one worker after the other holds what one of them holds."""

    def again(self, store, folder, close):
        """A worker that recovers waiting runs, and ends."""
        worker = Worker(Waiter(folder=str(folder)), store)
        for value in inputs(3, do="wait"):
            worker.element(value)
        if close:
            worker.function.close()

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "dropped"])
    def test_nothing_of_them_is_left(self, tmp_path, close):
        before = held()  # jobs of other tests may be going still
        store = Store()
        for _ in range(20):
            self.again(store, tmp_path, close)
        deadline = time.monotonic() + 20
        while (more := grown(before)) and time.monotonic() < deadline:
            time.sleep(0.01)

        assert not more
