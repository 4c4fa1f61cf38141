"""Many runs through an action store: how many entries and bytes it has meanwhile, and at the end.

python benchmarks/many_runs.py --store redis --runs 1000000
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from action_stores import Bare, postgres

from headrace import Agent, AgentPlan, use
from headrace.local import IterableSource, LocalEngine, Sink

sys.path[:0] = [str(Path(__file__).parents[1])]

from tests.redis_server import RedisServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Look: TypeAlias = "Callable[[], tuple[int, int]]"
    """Gives a store's entries and bytes."""


class Kept(Bare):
    """Makes a durable call for each input, and keeps it in a store."""

    plugin: str
    path: str = ""

    def resources(self) -> dict[str, Any]:
        """The store."""
        given = {"path": self.path} if self.path else {}
        return {"calls": use("action_stores", self.plugin, **given)}


class Nowhere(Sink):
    """Keeps nothing: a million outputs in memory would slow it down more and more."""

    def write(self, _lines: list[Any]) -> int:
        """Takes some."""
        return 0


@contextmanager
def in_sqlite(folder: Path) -> Iterator[tuple[Agent, Look]]:
    """In a file; its bytes are with its journal."""
    path = folder / "calls.db"

    def look() -> tuple[int, int]:
        with closing(sqlite3.connect(path)) as db:
            [[count]] = db.execute("SELECT count(*) FROM records")
        return count, sum(one.stat().st_size for one in folder.glob("calls.db*"))

    yield Kept(plugin="sqlite", path=str(path)), look


@contextmanager
def in_postgres(_folder: Path) -> Iterator[tuple[Agent, Look]]:
    """In a table; its bytes are with its indices and what dropped rows left."""
    with postgres() as dsn:

        def look() -> tuple[int, int]:
            with psycopg.connect(dsn) as connection:
                [row] = connection.execute(
                    "SELECT count(*), pg_total_relation_size('headrace_actions') "
                    "FROM headrace_actions"
                ).fetchall()
            return row[0], row[1]

        yield Kept(plugin="postgres"), look


@contextmanager
def in_redis(folder: Path) -> Iterator[tuple[Agent, Look]]:
    """On a server with an append-only file; its bytes are those of its memory."""
    (folder / "redis").mkdir()
    server = RedisServer(folder / "redis", "--appendonly", "yes")
    server.start()
    os.environ["REDIS_URL"] = server.url

    def look() -> tuple[int, int]:
        [*found] = server.run("KEYS", "*:run:*")
        return sum(server.run("LLEN", one) for one in found), server.run("INFO")["used_memory"]

    try:
        yield Kept(plugin="redis"), look
    finally:
        del os.environ["REDIS_URL"]
        server.kill()


STORES = {"sqlite": in_sqlite, "postgres": in_postgres, "redis": in_redis}


def many(runs: int, store: str) -> None:
    """Does so many runs, and prints what the store holds ten times in between and at the end."""
    with tempfile.TemporaryDirectory(prefix="hr-b-") as scratch:
        folder = Path(scratch)
        with STORES[store](folder) as (agent, look):
            began = time.perf_counter()

            def tell(number: int) -> None:
                entries, size = look()
                rate = number / (time.perf_counter() - began)
                print(f"{store}: {number:>9,} runs, {entries:>6,} entries, {size / 1e6:7.2f} MB, "
                      f"{rate:,.0f} runs/s", flush=True)  # fmt: skip

            def inputs() -> Iterator[list[Any]]:
                for number in range(runs):
                    if number and number % (runs // 10) == 0:
                        tell(number)
                    yield [number, "x"]

            plan = AgentPlan.from_agent(agent)
            engine = LocalEngine(
                plan,
                key=lambda value: value[0] % 10_000,
                state=folder / "state.db",
                output=Nowhere(),
            )
            result = engine.run(IterableSource(inputs()))
            assert result.finished == runs
            tell(runs)


def main() -> None:
    """Does them."""
    parser = argparse.ArgumentParser(description="Many runs through an action store.")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    given = parser.parse_args()
    many(given.runs, given.store)


if __name__ == "__main__":
    main()
