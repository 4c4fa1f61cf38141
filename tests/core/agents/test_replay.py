"""Law 5 for ready agents and retrieval: what was recorded is not done again."""

from __future__ import annotations

import asyncio
import json

import pytest
from semantic_ready import ASKED, CALLS, Librarian, Whole

from headrace import AgentPlan
from headrace.operator import Journal, Operator, RunInput
from headrace.values import encode, key_id

CALLED = "call look a; weigh b > look c"
EARLIER = [{"role": role, "content": text} for text in "xy" for role in ("user", "assistant")]


@pytest.fixture(autouse=True)
def _anew():
    ASKED.clear()
    CALLS.clear()


class Worker:
    """Runs one input; may die when so many calls were recorded."""

    def __init__(self, agent, dies_after=None):
        self.loop = asyncio.new_event_loop()
        self.recorded = 0
        self._dies_after = dies_after
        self._stopped = asyncio.Event()
        self._operator = Operator(
            AgentPlan.from_agent(agent),
            self.loop,
            on_done=lambda _run: self._stopped.set(),
            recorded=self._record,
        )

    async def _record(self, run):
        self.recorded += 1
        if self.recorded == self._dies_after:
            self.journal = json.loads(json.dumps(run.journal.stored()))
            self._stopped.set()
            await asyncio.Event().wait()

    def run(self, value, journal=None):
        item = RunInput("key", key_id("key"), encode(value), 0)
        stored = {"history": EARLIER}
        run = self._operator.begin(item, stored, None if journal is None else Journal(journal))
        if run.outcome is None:
            self.loop.run_until_complete(self._stopped.wait())
        return run

    def close(self):
        self.loop.run_until_complete(self._operator.close())
        self.loop.close()


@pytest.fixture
def worker():
    made = []

    def worker(*arguments):
        made.append(Worker(*arguments))
        return made[-1]

    yield worker
    for each in made:
        each.close()


# Searching memory, three answers, three tools, the notes, what was learned.
@pytest.mark.parametrize("recorded", range(1, 10))
def test_a_worker_that_dies_after_any_call_is_taken_over_by_another(worker, recorded):
    whole = worker(Whole())
    expected = whole.run(CALLED).outcome
    assert whole.recorded == 9
    ASKED.clear()
    died = worker(Whole(), recorded)
    died.run(CALLED)

    outcome = worker(Whole()).run(CALLED, died.journal).outcome

    assert (outcome.outputs, outcome.changes) == (expected.outputs, expected.changes)


def test_a_model_is_not_asked_again_for_what_was_recorded(worker):
    died = worker(Whole(), 9)
    died.run(CALLED)
    ASKED.clear()

    worker(Whole()).run(CALLED, died.journal)

    assert ASKED == []


def test_a_search_that_was_recorded_is_not_made_again(worker):
    died = worker(Librarian(), 1)
    died.run({"query": "tide"})
    assert CALLS["search"] == 1

    run = worker(Librarian()).run({"query": "tide"}, died.journal)

    assert (CALLS["search"], len(run.outcome.outputs)) == (1, 1)
