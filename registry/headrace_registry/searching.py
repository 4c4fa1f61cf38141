"""Search in catalogues: a full-text index of each in one SQLite file, made once for its digest.

Looking something up imports neither the catalogue's models nor anything of the network.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headrace_registry.catalogue import Catalogue, Package, Release
    from headrace_registry.client import Snapshot

__all__ = ["PLUGINS", "SKILLS", "Hit", "build_entries", "nearest_names", "search"]

SKILLS = "skills"
"""The kind of skills."""
PLUGINS = "plugins"
"""Stands for all kinds but skills."""
MAX_WORDS = 32
"""Different words of a request that are looked at."""
MAX_ROWS = 3_000
"""Entries that are ranked at most, unless the rarest word alone has more."""
_WORD = re.compile(r"[^\W_]{2,}")
_WEIGHTS = (8.0, 6.0, 3.0, 4.0)  # name, package, keywords, description
_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE entries(
        id INTEGER PRIMARY KEY, name TEXT, kind TEXT, package TEXT, version TEXT, description TEXT
    );
    CREATE VIRTUAL TABLE words USING fts5(
        name, package, keywords, description,
        content = '', tokenize = "porter unicode61 remove_diacritics 2"
    );
"""
_INDEX = """
    CREATE INDEX entries_by_name ON entries(name);
    CREATE INDEX entries_by_package ON entries(package);
    CREATE TABLE kinds AS SELECT kind, min(id) AS first, max(id) AS last FROM entries GROUP BY kind;
    INSERT INTO words(words) VALUES ('optimize');
"""
_NEAREST = """
    SELECT rowid, bm25(words, ?, ?, ?, ?) AS far FROM words
    WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY far, rowid LIMIT ?
"""
_NAMED = "SELECT id FROM entries WHERE ? IN (name, package) AND id BETWEEN ? AND ? LIMIT ?"


@dataclass(frozen=True, slots=True)
class Hit:
    """A skill or plugin of a registry that a request is near to."""

    name: str
    """Its name; what a registry says is not to be printed as it is."""
    kind: str
    """``skills``, ``tools``, ``chat_models`` and so on."""
    package: str
    """The package that brings it."""
    version: str
    """That package's newest version."""
    registry: str
    """The registry's name."""
    description: str
    """What it does."""
    score: float
    """How near; scores of one search may be compared."""


def build_entries(catalogue: Catalogue, path: Path) -> None:
    """Writes the index of a catalogue: the skills and plugins of each package's newest release.

    The entries of a kind stand together, skills first: a kind is a range of numbers.
    """
    entries = sorted(_entries(catalogue), key=lambda one: (one[2] != SKILLS, one[2]))
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA)
        with database:
            for number, (package, release, kind, name, text) in enumerate(entries):
                database.execute(
                    "INSERT INTO entries VALUES (?,?,?,?,?,?)",
                    (number, name, kind, package.name, release.version, text),
                )
                database.execute(
                    "INSERT INTO words(rowid, name, package, keywords, description) "
                    "VALUES (?,?,?,?,?)",
                    (
                        number,
                        re.sub(r"[-_.]", " ", name),
                        package.name.replace("-", " "),
                        f"{' '.join(release.keywords)} {kind.replace('_', ' ')}",
                        text if text == release.summary else f"{text} {release.summary}",
                    ),
                )
        database.executescript(_INDEX)


def search(
    indexes: Sequence[Snapshot], words: str, *, kind: str | None = None, limit: int = 20
) -> list[Hit]:
    """The skills and plugins that are nearest to a request, best first.

    Args:
        indexes: The registries' snapshots.
        words: What is asked, in any words; it is no query language.
        kind: Only this kind; ``plugins`` is all but skills.
        limit: How many at most.
    """
    asked = list(dict.fromkeys(word.lower() for word in _WORD.findall(words[:20_000])))[:MAX_WORDS]
    if not asked or limit < 1:
        return []
    name = "-".join(words.lower().split())
    hits: list[Hit] = []
    for one in indexes:
        if one.entries is not None:
            with closing(_open(one.entries)) as database:
                index = _Index(database, one.registry.name, kind)
                hits += index.search(asked, name, limit, shares=len(indexes) > 1)
    hits.sort(key=lambda hit: -hit.score)  # stable: of equals, the first registry's
    return hits[:limit]


def nearest_names(indexes: Sequence[Snapshot], words: str, *, kind: str | None = None) -> list[str]:
    """Names that a request may have meant, where it found nothing."""
    from difflib import get_close_matches
    from heapq import nlargest

    asked = "-".join(words.lower().split())[:64]
    names: set[str] = set()
    for one in indexes:
        if one.entries is not None:
            with closing(_open(one.entries)) as database:
                names.update(_Index(database, "", kind).names())
    pairs = _pairs(asked)
    # Comparing letter by letter costs: only with those that share the most pairs of letters.
    likely = nlargest(50, sorted(names), key=lambda name: len(pairs & _pairs(name)))
    return get_close_matches(asked, likely, 3, 0.7)


class _Index:
    """The index of one registry, open, and the part of it that a kind is."""

    def __init__(self, database: sqlite3.Connection, registry: str, kind: str | None) -> None:
        self._database = database
        self._registry = registry
        skills, (last,) = self._range(SKILLS), self._one("SELECT max(id) FROM entries")
        if kind is None:
            self._part = (0, last or 0)
        elif kind == PLUGINS:
            self._part = (skills[1] + 1, last or 0)
        else:
            self._part = self._range(kind)

    def search(self, asked: list[str], name: str, limit: int, *, shares: bool) -> Iterator[Hit]:
        """The nearest entries, and those whose name or package is what was asked for."""
        named = {row for (row,) in self._database.execute(_NAMED, (name, *self._part, limit))}
        terms = self._telling(asked) or self._telling(asked, "*")
        far = dict.fromkeys(named, 0.0)
        if terms:
            values = (*_WEIGHTS, " OR ".join(terms), *self._part, limit)
            far.update(self._database.execute(_NEAREST, values).fetchall())
        best = min(far.values(), default=0.0) or -1.0
        # Scores of two indexes do not compare: what is rare in one is not in the other. How near
        # an entry is to its registry's best does, and how much of the request it has.
        for row, distance in far.items():
            share = self._share(terms, row) / len(asked) if shares else 0.0
            found = self._one("SELECT * FROM entries WHERE id = ?", row)
            title, kind, package, version, text = found[1:]
            score = 2.0 * (row in named) + distance / best + share
            yield Hit(title, kind, package, version, self._registry, text, score)

    def names(self) -> Iterator[str]:
        """The names of all entries."""
        found = self._database.execute(
            "SELECT name FROM entries WHERE id BETWEEN ? AND ?", self._part
        )
        return (name for (name,) in found)

    def _telling(self, words: list[str], more: str = "") -> list[str]:
        """The words to look for, the rarest first, as long as few enough entries have them."""
        counts = []
        for word in words:
            term = f'"{word}"{more}'
            (found,) = self._one(
                "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? "
                "AND rowid BETWEEN ? AND ? LIMIT ?)",
                term,
                *self._part,
                MAX_ROWS,
            )
            if found:
                counts.append((found, term))
        counts.sort(key=lambda one: one[0])
        rows, chosen = 0, list[str]()
        for found, term in counts:
            rows += found
            if chosen and rows > MAX_ROWS:
                break
            chosen.append(term)
        return chosen

    def _share(self, terms: list[str], row: int) -> int:
        """How many of some terms an entry has."""
        query = "SELECT count(*) FROM words WHERE words MATCH ? AND rowid = ?"
        return sum(self._one(query, term, row)[0] for term in terms)

    def _range(self, kind: str) -> tuple[int, int]:
        """The numbers of a kind's entries; an empty range where there are none."""
        found = self._database.execute("SELECT first, last FROM kinds WHERE kind = ?", (kind,))
        return found.fetchone() or (0, -1)

    def _one(self, query: str, *values: object) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._database.execute(query, values).fetchone()
        return found


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)


def _entries(catalogue: Catalogue) -> Iterator[tuple[Package, Release, str, str, str]]:
    for package in catalogue.packages:
        release = package.newest
        if release is None:
            continue
        described = {skill.name for skill in release.skills}
        for skill in release.skills:
            yield package, release, SKILLS, skill.name, skill.description
        for one in release.provides:
            if one.kind != SKILLS or one.name not in described:
                yield package, release, one.kind, one.name, release.summary
