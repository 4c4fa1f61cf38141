"""The operator without an engine: a test gives it inputs, and plays its crashes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from headrace import AgentPlan
from headrace.operator import Journal, Operator, RunInput
from headrace.values import encode, key_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.operator import Run


class Bench:
    """Runs inputs on a loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._in_threads: set[asyncio.Future[Any]] = set()
        self._in_executor = self.loop.run_in_executor
        self.loop.run_in_executor = self._noted  # type: ignore[method-assign]
        self.records: list[Any] = []
        self._operators: list[Operator] = []

    def operator(self, agent: Any, **more: Any) -> Operator:
        plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)
        made = Operator(
            plan, self.loop, on_done=lambda _run: None, observers=[self.records.append], **more
        )
        self._operators.append(made)
        return made

    def begin(self, agent: Any, value: Any = None, journal: Any = None) -> Run:
        """Starts a run as a worker does after a crash that left ``journal``."""
        stored = None if journal is None else Journal(json.loads(json.dumps(journal)))
        item = RunInput("key", key_id("key"), encode(value), 0)
        return self.operator(agent).begin(item, {}, stored)

    def until_it_stops(self, run: Run, turns: int = 50) -> Run:
        """Turns the loop until the run is done, or waits for what never comes."""

        async def turn() -> None:
            for _ in range(turns):
                while self._in_threads:
                    await asyncio.wait(set(self._in_threads))
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())
        return run

    def _noted(self, *work: Any) -> asyncio.Future[Any]:
        future = self._in_executor(*work)
        self._in_threads.add(future)
        future.add_done_callback(self._in_threads.discard)
        return future

    def run(self, agent: Any, value: Any = None, journal: Any = None) -> Run:
        """Runs to the end."""
        run = self.begin(agent, value, journal)
        if run.outcome is None:
            self.loop.run_until_complete(run.asyncio_task)
        return run

    def close(self) -> None:
        for operator in self._operators:
            self.loop.run_until_complete(operator.close())
        self.loop.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()
