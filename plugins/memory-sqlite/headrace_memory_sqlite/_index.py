"""Where memories are looked up by their words: one full-text index, written by hand.

The index keeps no text (``content=''``), so what is taken out of it has to be told to it again: the
words of a text must come out the same for as long as ``SCHEMA`` is the same.
"""

# ruff: noqa: S608 - what is put into the SQL are names of columns, all of them our own

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_memory_sqlite._scopes import tokens
from headrace_memory_sqlite._words import alike, grams, index_words, query_words

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["COLUMNS", "CREATE", "enter", "leave", "ranked"]

CREATE = """
CREATE VIRTUAL TABLE lookup USING fts5(
    home, words, grams, content='',
    tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co M*'"
)
"""
COLUMNS = (
    "m.number, m.agent, m.key, m.user, m.item_id, m.text, m.metadata, m.created, m.updated, "
    'm.expires, m."set"'
)
"""What is read of a memory, in this order."""
SPELT = 30
"""How many more memories than asked for are looked at for mistyped words."""
STEM = 4
"""The fewest letters that the beginning of a word is looked up by."""


def enter(db: sqlite3.Connection, number: int, scope: Mapping[str, str], text: str) -> None:
    """Puts a text into the index."""
    db.execute(
        "INSERT INTO lookup(rowid, home, words, grams) VALUES (?, ?, ?, ?)",
        (number, *_columns(scope, text)),
    )


def leave(db: sqlite3.Connection, number: int, scope: Mapping[str, str], text: str) -> None:
    """Takes a text out of the index."""
    db.execute(
        "INSERT INTO lookup(lookup, rowid, home, words, grams) VALUES ('delete', ?, ?, ?, ?)",
        (number, *_columns(scope, text)),
    )


def ranked(
    db: sqlite3.Connection, scope: Mapping[str, str], query: str, now: float, enough: int
) -> Iterator[tuple[float, Sequence[object]]]:
    """Strengths (more is better, of no unit) and rows of what a query finds, best first.

    Where whole words and beginnings of words find fewer than ``enough``, what is spelt like them
    comes after.
    """
    words = query_words(query)
    if not words:
        return
    seen: set[object] = set()
    terms = [f'"{word}"' for word in words]
    terms += [f'"{stem}" *' for word in words if (stem := _stem(word)) is not None]
    weakest = 1.0
    for strength, row in _match(db, scope, "words", terms, now, -1):
        seen.add(row[0])
        weakest = strength
        yield strength, row
    if len(seen) >= enough or not (letters := list(dict.fromkeys(grams(words)))):
        return
    spelt = []
    for _, row in _match(
        db, scope, "grams", [f'"{gram}"' for gram in letters], now, SPELT + enough
    ):
        if row[0] not in seen and (near := alike(words, str(row[5]))):
            spelt.append((weakest * near * 0.9, row))
    yield from sorted(spelt, key=lambda found: -found[0])


def _columns(scope: Mapping[str, str], text: str) -> tuple[str, str, str]:
    words = index_words(text)
    return " ".join(tokens(scope)), " ".join(words), " ".join(grams(words))


def _stem(word: str) -> str | None:
    """The beginning that other forms of a word share: invoices, invoiced; allergic, allergy."""
    return word[: max(STEM, len(word) - 3)] if len(word) > STEM else None


def _match(
    db: sqlite3.Connection,
    scope: Mapping[str, str],
    column: str,
    terms: Sequence[str],
    now: float,
    limit: int,
) -> Iterator[tuple[float, Sequence[object]]]:
    asked = f'home : "{tokens(scope)[-1]}" AND {column} : ({" OR ".join(terms)})'
    # Ranked by number alone, and each row read when it is wanted: most of what a common word finds
    # never is. Of equals the newer comes first.
    ranking = db.execute(
        "SELECT rowid, -bm25(lookup, 0, 1, 1) FROM lookup WHERE lookup MATCH ?"
        " ORDER BY 2 DESC, rowid DESC LIMIT ?",
        (asked, limit),
    )
    # The scope is asked of the row too: the index knows only its digest.
    same = "".join(f' AND m."{name}" = :{name}' for name in scope)
    row_of = (
        f"SELECT {COLUMNS} FROM memories AS m WHERE m.number = :number{same}"
        " AND (m.expires IS NULL OR m.expires > :now)"
    )
    for number, strength in ranking:
        row = db.execute(row_of, {**scope, "number": number, "now": now}).fetchone()
        if row is not None:
            yield strength, row
