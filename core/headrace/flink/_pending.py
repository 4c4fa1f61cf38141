"""Whether the unfinished runs of a savepoint fit the code: a job that reads its state, and tells.

Only Flink reads a savepoint. So the job is one of Flink's: in the place of the agents' operators,
with their identities, it has functions that read each shard's state and start nothing. What they
found is told in the way that all clusters pass on: the job fails with it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError
from headrace.eventlog._lines import key_text
from headrace.flink._pyflink import KeyedProcessFunction, Types
from headrace.flink._state import ShardState, pending_runs
from headrace.jobs.pending import MOST, PendingRuns, UnfitRun
from headrace.jobs.worker import ready
from headrace.operator import Fitting, mark_logs
from headrace.plan import AgentPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.flink._pyflink import RuntimeContext, StreamExecutionEnvironment

__all__ = ["PendingRunsToldError", "pending_job"]


def pending_job(
    env: StreamExecutionEnvironment, plans: Mapping[str, AgentPlan], uids: Mapping[str, str]
) -> None:
    """Puts the job together that fails with what it found (``PendingRuns``).

    Args:
        env: One of parallelism 1, without restarts, that goes on from the savepoint.
        plans: The agents, as they are now, by name.
        uids: The identities that their operators have in savepoints.
    """
    told = [
        env.from_collection(range(plan.config.shards), Types.INT())
        .key_by(_same, Types.INT())
        .process(ShardReader(name, plan.model_dump_json()), Types.STRING())
        .name(f"{name}: the unfinished runs")
        .uid(uids[name])
        for name, plan in plans.items()
    ]
    first, *others = told
    shards = sum(plan.config.shards for plan in plans.values())
    together = first.union(*others) if others else first
    together.key_by(_nobody, Types.INT()).process(Gatherer(shards)).print()


class PendingRunsToldError(HeadraceError):
    """How a job tells which unfinished runs do not fit: by its failure."""


class ShardReader(KeyedProcessFunction):
    """Reads the state of the shards whose numbers it is given, and gives what it found, as JSON.

    Args:
        agent: The agent's name.
        plan: Its plan, as JSON.
    """

    def __init__(self, agent: str, plan: str) -> None:
        self._agent = agent
        self._plan_json = plan

    def open(self, runtime_context: RuntimeContext) -> None:
        """Gets ready; refuses a worker whose plugins are not the plan's."""
        mark_logs()
        self._plan = ready(AgentPlan.model_validate_json(self._plan_json))
        self._state = ShardState(runtime_context, self._plan)
        self._loop = asyncio.new_event_loop()
        self._fitting = Fitting(self._plan, self._loop)

    def process_element(self, value: int, _ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        """One shard."""
        shard = self._state.read(value)
        found, unfit = 0, []
        for item, journal in pending_runs(shard):
            found += 1
            cells = shard.pages.cells(item.key_id)
            misfit = self._fitting.misfit_of(item, cells, journal)
            if misfit is not None:
                unfit.append(
                    UnfitRun(self._agent, key_text(item.key_id), item.named() or "", misfit)
                )
        yield json.dumps(
            PendingRuns(
                runs=found,
                unfit=len(unfit),
                shown=tuple(unfit[:MOST]),
                agents={self._agent: int(self._state.known)},
            ).as_data()
        )

    def on_timer(self, _timestamp: int, _ctx: Any) -> Iterator[str]:
        """A timer of the job that the savepoint is of: nothing is begun here."""
        yield from ()

    def close(self) -> None:
        """Closes the action store and the loop."""
        if hasattr(self, "_fitting"):
            self._fitting.close()
            self._loop.close()


class Gatherer(KeyedProcessFunction):
    """Puts what all shards gave into one, and fails with it.

    Args:
        shards: How many there are.
    """

    def __init__(self, shards: int) -> None:
        self._left = shards
        self._found = PendingRuns()

    def process_element(self, value: str, _ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        """What one shard gave."""
        self._found += PendingRuns.of_data(json.loads(value))
        self._left -= 1
        if not self._left:
            raise PendingRunsToldError(f"it fails to tell what it found: {self._found.as_text()}")
        yield from ()


def _same(number: int) -> int:
    return number


def _nobody(_: Any) -> int:
    return 0
