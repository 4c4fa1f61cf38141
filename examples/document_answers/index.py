"""Indexes the documents: ``python index.py``. Indexing again changes nothing.

Run it when documents have changed. One that is no longer there is dropped with ``--remove NAME``.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from library import INDEX, bring_up_to_date

from headrace.retrieval import remove_texts
from headrace_lexical import LexicalEmbeddingModel
from headrace_sqlite_vec import SqliteVectorStore


async def main() -> None:
    """Brings the index up to date, and says what was done."""
    parser = argparse.ArgumentParser(description="Indexes the documents.")
    parser.add_argument("--index", type=Path, default=INDEX, help=f"the file (default: {INDEX})")
    parser.add_argument("--remove", action="append", default=[], metavar="NAME", help="a document")
    given = parser.parse_args()
    store, embedder = SqliteVectorStore(str(given.index)), LexicalEmbeddingModel()
    await store.open()
    try:
        dropped = await remove_texts(store, given.remove)
        done = await bring_up_to_date(store, embedder)
    finally:
        await store.close()
    print(
        f"{done.documents} documents: {done.added} passages indexed, "
        f"{done.unchanged} unchanged, {done.removed + dropped} removed"
    )


if __name__ == "__main__":
    asyncio.run(main())
