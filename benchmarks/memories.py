"""Long-term memory: the time of adding and searching, recall, and size on disk.

The memories and the questions for them were written by hand (``memory_questions.tsv``): half of the
questions use words of their memory, half say it in other words. The memories around them are made
of a grid, from the same trades. All are of one scope, which is the slowest case; the time of one
scope of thousands is told beside it.

The yardstick of both times is what the machine gives without a memory: for adding, a row of as many
bytes put into a table and committed to the disk; for searching, each text looked through for the
words of the question.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Figure

from headrace_lexical import LexicalEmbeddingModel
from headrace_mem0 import Mem0Memory
from headrace_memory_sqlite import SqliteMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.interfaces import MemoryBackend

__all__ = ["measure", "measure_size"]

SIZES = (1_000, 10_000)
SCOPE = {"agent": "desk", "key": "k", "user": "u-1"}
SAMPLE = 100
"""Single calls that are timed."""

WHO = (
    "the baker", "a driver", "the night porter", "Mr Falk", "the clerk of the harbour", "a nurse",
    "Ms Oduya", "the gardener", "our printer", "a teacher", "the ferryman", "the auditor",
    "the plumber", "a student", "the caretaker", "Dr Lim", "the miller", "a pilot", "the cook",
    "the archivist",
)  # fmt: skip
DID = (
    "asked about", "was sent", "has not yet seen", "complained of", "wants to change", "paid for",
    "forgot", "repaired", "counted", "is waiting for", "will bring", "has lost", "agreed to",
    "refused", "copied", "put away", "looks after", "found", "described", "returned",
)  # fmt: skip
WHAT = (
    "the delivery of flour", "two invoices of March", "a broken window", "the new timetable",
    "an offer for paper", "the heating of the annex", "the report on the pumps", "a parcel",
    "the list of visitors", "a contract for cleaning", "the order of copper", "a leaking pipe",
    "the keys of the van", "a letter of complaint", "the price of diesel", "the meeting on Friday",
    "an old map", "the insurance", "the result of the test", "a crate of apples", "the alarm",
    "the password of the printer", "a room for the audit", "the ferry on Sunday", "the museum tour",
)  # fmt: skip


def written() -> list[list[str]]:
    """Memories, with how they are asked for and the question."""
    lines = Path(__file__).with_name("memory_questions.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in lines.splitlines() if not line.startswith("#")]


def others() -> Iterator[str]:
    """Memories around those that are asked for."""
    for who, did, what in product(WHO, DID, WHAT):
        yield f"{who[0].upper()}{who[1:]} {did} {what}."


def made(kind: str, folder: Path) -> MemoryBackend:
    """A memory of a kind, in a folder."""
    embedder = LexicalEmbeddingModel()

    async def find(_: str, __: str) -> Any:
        return embedder

    memory: MemoryBackend
    if kind == "mem0, lexical":
        memory = Mem0Memory(str(folder / "mem0"), embedder="words", dimensions=512)
    else:
        named = "words" if kind == "sqlite, lexical" else None
        memory = SqliteMemory(str(folder / "m.db"), embedder=named)
    memory.resource_lookup = find
    return memory


def bytes_in(folder: Path) -> int:
    """The size of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


KINDS = ("sqlite", "sqlite, lexical", "mem0, lexical")


async def measure_kind(kind: str, size: int, folder: Path) -> dict[str, Any]:
    """All figures of one kind of memory with a number of memories."""
    wanted = written()
    around = list(islice(others(), size - len(wanted)))
    assert len(around) == size - len(wanted)
    memory = made(kind, folder)
    await memory.open()
    try:
        for number, text in enumerate([*[row[0] for row in wanted], *around[:-SAMPLE]]):
            await memory.add(SCOPE, f"m-{number}", text, {"n": number})
        adds = []
        for number, text in enumerate(around[-SAMPLE:]):
            began = time.perf_counter()
            await memory.add(SCOPE, f"late-{number}", text, {"n": number})
            adds.append(time.perf_counter() - began)
        hits = {"words": 0, "other": 0}
        searches = []
        for text, how, question in wanted:
            began = time.perf_counter()
            found = await memory.search(SCOPE, question, 5)
            searches.append(time.perf_counter() - began)
            hits[how] += text in [item["text"] for item in found]
        alone = {**SCOPE, "user": "u-2"}
        await memory.add(alone, "alone", wanted[0][0], {})
        began = time.perf_counter()
        await memory.search(alone, wanted[0][2], 5)
        small = time.perf_counter() - began
    finally:
        await memory.close()
    size_on_disk = bytes_in(folder)
    memory = made(kind, folder)
    began = time.perf_counter()
    await memory.open()
    opened = time.perf_counter() - began
    began = time.perf_counter()
    await memory.erase({"user": "u-2"})
    erased = time.perf_counter() - began
    await memory.close()
    asked = {how: sum(row[1] == how for row in wanted) for how in hits}
    return {
        "memory": kind,
        "memories": size,
        "add_ms": statistics.median(adds) * 1e3,
        "search_ms": statistics.median(searches) * 1e3,
        "search_p95_ms": statistics.quantiles(searches, n=20)[-1] * 1e3,
        "search_of_a_scope_of_one_ms": small * 1e3,
        "recall_at_5_words": hits["words"] / asked["words"],
        "recall_at_5_other": hits["other"] / asked["other"],
        "open_ms": opened * 1e3,
        "erase_one_ms": erased * 1e3,
        "MB": size_on_disk / 1e6,
    }


def yardsticks(size: int, folder: Path) -> dict[str, float]:
    """Milliseconds of adding a row that is on the disk, and of looking through all texts."""
    texts = [*[row[0] for row in written()], *islice(others(), size - len(written()))]
    adds = []
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE t (id TEXT PRIMARY KEY, text TEXT)")
        for number, text in enumerate(texts[:SAMPLE]):
            began = time.perf_counter()
            db.execute("INSERT INTO t VALUES (?, ?)", (str(number), text))
            adds.append(time.perf_counter() - began)
    searches = []
    for _, _, question in written():
        began = time.perf_counter()
        words = set(question.lower().split())
        sorted(texts, key=lambda text, words=words: -len(words & set(text.lower().split())))  # type: ignore[misc]
        searches.append(time.perf_counter() - began)
    return {"add": statistics.median(adds) * 1e3, "search": statistics.median(searches) * 1e3}


def measure_size(size: int) -> list[dict[str, Any]]:
    """A row of figures for each kind of memory, with the yardsticks of the same go."""
    rows = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            plain = yardsticks(size, Path(folder))
            (Path(folder) / "of").mkdir()
            row = asyncio.run(measure_kind(kind, size, Path(folder) / "of"))
        row["add_over_a_row"] = row["add_ms"] / plain["add"]
        row["search_over_a_walk"] = row["search_ms"] / plain["search"]
        rows.append({**row, "plain": plain})
    return rows


def measure(*, quick: bool = False) -> list[Figure]:
    """The times as figures, for ``run.py``."""
    figures = []
    for row in measure_size(SIZES[0] if quick else SIZES[1]):
        for verb, yardstick in (
            ("add", "a row, committed"),
            ("search", "all texts looked through"),
        ):
            figures.append(
                Figure(
                    name=f"memory {row['memory']}, {row['memories']:,}: {verb}",
                    value=row[f"{verb}_ms"],
                    unit="ms",
                    yardstick=yardstick,
                    yardstick_value=row["plain"][verb],
                    target=None,
                    higher_is_better=False,
                )
            )
    return figures


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    shown: dict[str, Callable[[dict[str, Any]], str]] = {
        "memory": lambda row: row["memory"],
        "memories": lambda row: f"{row['memories']:,}",
        "add, ms": lambda row: f"{row['add_ms']:.1f}",
        "over a row": lambda row: f"{row['add_over_a_row']:.1f}",
        "search, ms (p95)": lambda row: f"{row['search_ms']:.1f} ({row['search_p95_ms']:.1f})",
        "over a walk": lambda row: f"{row['search_over_a_walk']:.2f}",
        "scope of one, ms": lambda row: f"{row['search_of_a_scope_of_one_ms']:.1f}",
        "recall@5, its words": lambda row: f"{row['recall_at_5_words']:.2f}",
        "other words": lambda row: f"{row['recall_at_5_other']:.2f}",
        "open, ms": lambda row: f"{row['open_ms']:,.0f}",
        "erase one, ms": lambda row: f"{row['erase_one_ms']:,.0f}",
        "MB": lambda row: f"{row['MB']:.1f}",
    }
    lines = ["| " + " | ".join(shown) + " |", "|---|" + "---:|" * (len(shown) - 1)]
    lines += ["| " + " | ".join(tell(row) for tell in shown.values()) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="1,000 memories only")
    given = parser.parse_args()
    rows = [row for size in SIZES[: 1 if given.quick else None] for row in measure_size(size)]
    if given.json:
        json.dump(rows, sys.stdout, indent=2)
        return
    print(table(rows))


if __name__ == "__main__":
    main()
