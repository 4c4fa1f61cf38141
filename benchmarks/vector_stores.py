"""Embedded vector stores: sqlite-vec beside qdrant-client's local mode.

The same vectors (seeded, 384 numbers), texts and metadata in both, each step of each store in a
process of its own. What is found is held against all cosines, computed with numpy. Our store is
asked through its plugin, with all that this costs; qdrant-client as its users ask it, in threads.

    python benchmarks/vector_stores.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from array import array
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from figures import Figure, alternating, table
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Sequence

__all__ = ["measure"]

DIMENSIONS = 384
SIZES = (1_000, 10_000, 100_000)
BATCH = 256
QUESTIONS = 20
SINGLES = 100
TOGETHER = 64
LIMIT = 10
CONDITIONS: dict[str, dict[str, Any] | None] = {"all": None, "tenth": {"desk": 3}}
YARDSTICK = "qdrant-client, local"


class Ours:
    """The plugin's store."""

    def __init__(self, folder: Path) -> None:
        from headrace_sqlite_vec import SqliteVectorStore

        self._store = SqliteVectorStore(str(folder / "vectors.db"))

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def add(self, numbered: list[tuple[int, list[float]]]) -> None:
        from headrace.vectors import VectorItem

        await self._store.add(
            [
                VectorItem(id=f"{n}", text=text(n), metadata=metadata(n), vector=vector)
                for n, vector in numbered
            ]
        )

    async def search(self, vector: list[float], where: dict[str, Any] | None) -> list[int]:
        from headrace.vectors import VectorQuery

        found = await self._store.query(VectorQuery(vector=vector, limit=LIMIT, where=where))
        return [int(item["id"]) for item in found]

    async def count(self) -> int:
        return await self._store.count()


class Qdrant:
    """qdrant-client without a server; its calls block, so that they are made in threads."""

    def __init__(self, folder: Path) -> None:
        from qdrant_client import QdrantClient, models

        self._models = models
        self._client: Any = None
        self._make = lambda: QdrantClient(path=str(folder), force_disable_check_same_thread=True)

    async def open(self) -> None:
        models = self._models
        warnings.simplefilter("ignore")  # it advises against more than 20,000 vectors
        self._client = await asyncio.to_thread(self._make)
        if not self._client.collection_exists("c"):
            parameters = models.VectorParams(size=DIMENSIONS, distance=models.Distance.COSINE)
            self._client.create_collection("c", vectors_config=parameters)

    async def close(self) -> None:
        self._client.close()

    async def add(self, numbered: list[tuple[int, list[float]]]) -> None:
        points = [
            self._models.PointStruct(id=n, vector=vector, payload={"text": text(n), **metadata(n)})
            for n, vector in numbered
        ]
        await asyncio.to_thread(self._client.upsert, "c", points)

    async def search(self, vector: list[float], where: dict[str, Any] | None) -> list[int]:
        models = self._models
        condition = where and models.Filter(
            must=[
                models.FieldCondition(key=name, match=models.MatchValue(value=value))
                for name, value in where.items()
            ]
        )
        found = await asyncio.to_thread(
            self._client.query_points, "c", query=vector, limit=LIMIT, query_filter=condition
        )
        return [int(point.id) for point in found.points]

    async def count(self) -> int:
        return int((await asyncio.to_thread(self._client.count, "c")).count)


KINDS: dict[str, Any] = {"ours": Ours, "qdrant": Qdrant}
PACKAGES = {"ours": "headrace-sqlite-vec", "qdrant": "qdrant-client"}
MODULES = {"ours": "sqlite3, sqlite_vec", "qdrant": "qdrant_client"}


# ------------------------------------------------------------ in a process of its own
async def fill(kind: str, data: Path, folder: Path) -> dict[str, Any]:
    """Adds all vectors, in batches."""
    store = KINDS[kind](folder)
    await store.open()
    spent, total = 0.0, 0
    for batch in batches(enumerate(vectors(data))):
        spent += (await timed(store.add(batch)))[1]
        total += len(batch)
    await store.close()
    return {"add": total / spent, "disk": on_disk(folder)}


async def ask(kind: str, data: Path, folder: Path) -> dict[str, Any]:
    """Opens what was filled, and searches."""
    asked = list(vectors(data.with_suffix(".asked")))
    before = resident()
    store = KINDS[kind](folder)
    row: dict[str, Any] = {"open": (await timed(store.open()))[1]}
    for name, where in CONDITIONS.items():
        times, row[f"found_{name}"] = [], []
        for vector in asked:
            found, took = await timed(store.search(vector, where))
            times.append(took * 1e3)
            row[f"found_{name}"].append(found)
        row[f"search_{name}"] = median(times)
    row["memory"] = resident() - before
    await store.close()
    return row


async def crowd(kind: str, data: Path, folder: Path) -> dict[str, Any]:
    """Adds one by one, then many at a time with searches between; counts when opened again."""
    asked = list(vectors(data.with_suffix(".asked")))
    store = KINDS[kind](folder)
    await store.open()
    before = await store.count()
    began = time.perf_counter()
    for n in range(SINGLES):
        await store.add([(10**9 + n, asked[n % QUESTIONS])])
    row: dict[str, Any] = {"single": SINGLES / (time.perf_counter() - began)}
    answers, took = await timed(
        asyncio.gather(
            *(store.add([(2 * 10**9 + n, asked[n % QUESTIONS])]) for n in range(TOGETHER)),
            *(store.search(asked[n % QUESTIONS], None) for n in range(TOGETHER)),
            return_exceptions=True,
        )
    )
    row["together"] = took
    row["answered"] = sum(not isinstance(answer, BaseException) for answer in answers)
    row["answered"] /= 2 * TOGETHER
    await store.close()
    again = KINDS[kind](folder)
    await again.open()
    row["kept"] = (await again.count() - before - SINGLES) / TOGETHER
    await again.close()
    return row


STEPS = {"fill": fill, "ask": ask, "crowd": crowd}


def text(n: int) -> str:
    """An item's text."""
    return f"Text {n}. " * 20


def metadata(n: int) -> dict[str, Any]:
    """What is known of an item besides its text."""
    return {"desk": n % 10, "lang": ("de", "en", "fr")[n % 3], "year": 2000 + n % 27}


def vectors(path: Path) -> Iterator[list[float]]:
    """The vectors in a file, one by one."""
    with path.open("rb") as file:
        while data := file.read(4 * DIMENSIONS):
            yield array("f", data).tolist()


def batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    """The items, some at a time."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def timed(awaitable: Awaitable[Any]) -> tuple[Any, float]:
    """What it gives, and the seconds that it took."""
    began = time.perf_counter()
    value = await awaitable
    return value, time.perf_counter() - began


def resident() -> float:
    """The memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def on_disk(folder: Path) -> float:
    """The size of all files, in MB."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


# ------------------------------------------------------------ in the process that compares
def measure_size(size: int) -> dict[str, dict[str, Any]]:
    """All figures of both stores with one number of vectors."""
    import numpy as np

    draw = np.random.default_rng(size)
    kept = draw.standard_normal((size, DIMENSIONS), dtype=np.float32)
    asked = draw.standard_normal((QUESTIONS, DIMENSIONS), dtype=np.float32)
    cosines = (asked @ kept.T) / np.linalg.norm(kept, axis=1)
    best: dict[str, list[set[int]]] = {
        "all": [set(np.argsort(-row)[:LIMIT].tolist()) for row in cosines],
        "tenth": [set((np.argsort(-row[3::10])[:LIMIT] * 10 + 3).tolist()) for row in cosines],
    }
    rows: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "kept")
        kept.tofile(data)
        asked.tofile(data.with_suffix(".asked"))
        for step in STEPS:
            for kind in KINDS:
                folder = Path(scratch, kind)
                folder.mkdir(exist_ok=True)
                command = [sys.executable, __file__, "--step", step, kind, str(data), str(folder)]
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
                rows[kind] |= json.loads(done.stdout)
    for row in rows.values():
        for name, wanted in best.items():
            found = [
                len(one & {*ids}) for one, ids in zip(wanted, row[f"found_{name}"], strict=True)
            ]
            row[f"recall_{name}"] = sum(found) / (LIMIT * QUESTIONS)
    return rows


def installed(package: str) -> float:
    """What a package and all that it needs weigh, without what headrace has anyhow; in MB."""
    have, wanted = needed("headrace-core"), needed(package)
    files = [file for name in wanted - have for file in distribution(name).files or ()]
    return sum(file.size or 0 for file in files) / 1e6


def needed(package: str) -> set[str]:
    """A package and all that it needs."""
    found: set[str] = set()
    waiting = [Requirement(package)]
    while waiting:
        asked = waiting.pop()
        if asked.name.lower() in found:
            continue
        try:
            requirements = distribution(asked.name).requires or []
        except PackageNotFoundError:
            continue
        found.add(asked.name.lower())
        parsed = map(Requirement, requirements)
        waiting += [
            each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return found


def import_times() -> dict[str, float]:
    """Milliseconds that importing takes, beyond Python's own start."""

    def start(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return (time.perf_counter() - began) * 1e3

    kinds = {kind: f"import {module}" for kind, module in MODULES.items()} | {"bare": "pass"}
    seen, _ = alternating(5, {kind: lambda code=code: start(code) for kind, code in kinds.items()})
    return {kind: seen[kind] - seen["bare"] for kind in MODULES}


def measure(*, quick: bool) -> list[Figure]:
    """The smaller sizes: to fill the largest takes the other store a quarter of an hour."""
    return compare(SIZES[:1] if quick else SIZES[:2])


def compare(sizes: Sequence[int]) -> list[Figure]:
    """All figures of some sizes."""
    figures = []
    for size in sizes:
        rows = measure_size(size)
        ours, theirs = rows["ours"], rows["qdrant"]
        for key, name, unit, more in (
            ("add", f"added {BATCH} at a time", "items/s", True),
            ("single", "added one by one", "items/s", True),
            ("search_all", f"search, the nearest {LIMIT}, p50", "ms", False),
            ("search_tenth", "search with a condition that one of ten fulfils, p50", "ms", False),
            ("recall_all", f"recall of the nearest {LIMIT}", "of 1", True),
            ("recall_tenth", "recall with the condition", "of 1", True),
            ("open", "opened again", "s", False),
            ("memory", "memory when open and searched", "MiB", False),
            ("disk", "disk", "MB", False),
            ("together", f"{TOGETHER} adds and {TOGETHER} searches at a time", "s", False),
            ("answered", "of those the calls that did not fail", "of 1", True),
            ("kept", "of those the items that are there when opened again", "of 1", True),
        ):
            figures.append(
                Figure(
                    f"{size:,} vectors: {name}",
                    ours[key],
                    unit,
                    YARDSTICK,
                    theirs[key],
                    None,
                    higher_is_better=more,
                )
            )
    took = import_times()
    weights = {kind: installed(package) for kind, package in PACKAGES.items()}
    for name, unit, values in (
        ("import", "ms", took),
        ("installed, beyond headrace-core", "MB", weights),
    ):
        figures.append(
            Figure(
                f"vector store: {name}",
                values["ours"],
                unit,
                YARDSTICK,
                values["qdrant"],
                None,
                higher_is_better=False,
            )
        )
    return figures


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="up to 10,000 vectors")
    parser.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        step, kind, data, folder = given.step
        print(json.dumps(asyncio.run(STEPS[step](kind, Path(data), Path(folder)))))
        return
    figures = compare(SIZES[:2] if given.quick else SIZES)
    print(json.dumps([f.as_dict() for f in figures], indent=1) if given.json else table(figures))


if __name__ == "__main__":
    main()
