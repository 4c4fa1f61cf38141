"""The README's figures are those that its own set of texts and questions gives."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "plugins" / "lexical" / "README.md"
SET = json.loads((Path(__file__).parent / "retrieval.json").read_text(encoding="utf-8"))
KINDS = ("keyword", "other form", "paraphrase")


def recall(search) -> list[int]:
    """How many questions of each kind find their text among the first five."""
    found = dict.fromkeys(KINDS, 0)
    for question in SET["queries"]:
        found[question["kind"]] += question["text"] in search(question["query"])[:5]
    return list(found.values())


def stated(name: str) -> list[int]:
    """What the README's table says."""
    row = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", README.read_text("utf-8"), re.MULTILINE)
    assert row is not None, name
    return [int(cell) for cell in row[1].split("|")]


def test_the_set_is_what_the_readme_says():
    kinds = [question["kind"] for question in SET["queries"]]

    assert len(SET["texts"]) == 60
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(KINDS, 10)


@pytest.mark.parametrize("dimensions", [128, 512, 2048])
def test_recall_of_the_vectors_is_as_stated(embed, dimensions):
    texts = embed(*SET["texts"], dimensions=dimensions)

    def search(query: str) -> list[int]:
        [vector] = embed(query, dimensions=dimensions)
        scores = [sum(a * b for a, b in zip(vector, text, strict=True)) for text in texts]
        return sorted(range(len(texts)), key=lambda at: -scores[at])

    assert recall(search) == stated(f"`dimensions={dimensions}`")


@pytest.mark.parametrize("tokenizer", ["unicode61", "porter"])
def test_recall_of_full_text_search_is_as_stated(tokenizer):
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='{tokenizer}')")
    database.executemany("INSERT INTO texts(rowid, text) VALUES (?, ?)", enumerate(SET["texts"]))

    def search(query: str) -> list[int]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        rows = database.execute(
            "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY bm25(texts), rowid", [words]
        )
        return [at for (at,) in rows]

    found = recall(search)
    database.close()

    assert found == stated(f"SQLite FTS5, bm25, `{tokenizer}`")
