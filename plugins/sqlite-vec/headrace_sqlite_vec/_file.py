# ruff: noqa: S608 - what is put into statements are numbers and text of our own; values are bound
"""The file: its tables, and what is done to them. All of it in one thread."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.errors import ResourceError
from headrace.vectors import VectorItem
from headrace_sqlite_vec._conditions import condition_sql, entries_of
from headrace_sqlite_vec._errors import SqliteVectorError
from headrace_sqlite_vec._extension import connect
from headrace_sqlite_vec._words import matched

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Mapping, Sequence

    from headrace.vectors import Change, Row, VectorQuery

__all__ = ["VectorFile"]

_APPLICATION = 0x68726476
"""Says in the file's head whose it is: "hrdv"."""
_SCHEMA = 2

_TABLES = (
    """
    CREATE TABLE items_{n} (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, text TEXT NOT NULL,
        metadata TEXT NOT NULL
    )
    """,
    "CREATE TABLE vectors_{n} (id INTEGER PRIMARY KEY, vector BLOB NOT NULL)",
    """
    CREATE TABLE entries_{n} (
        item INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, value NOT NULL,
        PRIMARY KEY (item, name)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX entries_{n}_by_value ON entries_{n} (name, kind, value)",
    # The words of the texts, which stay where they are: SQLite tells the index of each change.
    """
    CREATE VIRTUAL TABLE words_{n} USING fts5(
        text, content='items_{n}', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER words_{n}_added AFTER INSERT ON items_{n} BEGIN
        INSERT INTO words_{n} (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER words_{n}_gone AFTER DELETE ON items_{n} BEGIN
        INSERT INTO words_{n} (words_{n}, rowid, text) VALUES ('delete', old.id, old.text);
    END
    """,
    """
    CREATE TRIGGER words_{n}_changed AFTER UPDATE OF text ON items_{n}
    WHEN old.text <> new.text BEGIN
        INSERT INTO words_{n} (words_{n}, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO words_{n} (rowid, text) VALUES (new.id, new.text);
    END
    """,
)
"""Of each collection: texts, vectors close together, what filters ask for by its value, words."""
_PARTS = ("words", "entries", "vectors", "items")


class Collection(NamedTuple):
    """A collection that is there."""

    number: int
    dimensions: int


class VectorFile:
    """A file of collections.

    Args:
        path: The file, or ``:memory:``.
        timeout: Seconds to wait for another process's lock.

    Raises:
        ResourceError: The file is another program's, or of another version; or SQLite takes no
            extensions.
        SqliteVectorError: It cannot be opened.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        with self._told():
            self._database = connect(path, timeout)
        try:
            with self._told():
                self._prepare(timeout)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def add(self, collection: str, rows: Sequence[Row]) -> None:
        """Keeps items, all or none.

        Raises:
            ValueError: Their vectors are longer or shorter than those in the collection.
        """
        length = len(rows[0].vector)
        with self._told(), self._writing():
            number, known = self._made(collection, length)
            if known != length:
                raise _wrong_length(length, known)
            for row in rows:
                at = self._placed(number, row)
                self._keep_vector(number, at, row.vector)
                self._keep_entries(number, at, row.metadata)

    def change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        """Changes items that are there, all or none; gives their ids.

        Raises:
            ValueError: Their vectors are longer or shorter than those in the collection.
        """
        there = []
        with self._told(), self._writing():
            known = self._known(collection)
            if known is None:
                return []
            number, dimensions = known
            for change in changes:
                if change.vector is not None and len(change.vector) != dimensions:
                    raise _wrong_length(len(change.vector), dimensions)
                at = self._place(number, change.id)
                if at is None:
                    continue
                there.append(change.id)
                if change.text is not None:
                    self._run(f"UPDATE items_{number} SET text = ? WHERE id = ?", change.text, at)
                if change.vector is not None:
                    self._keep_vector(number, at, change.vector)
                if change.metadata is not None:
                    self._run(
                        f"UPDATE items_{number} SET metadata = ? WHERE id = ?", change.json, at
                    )
                    self._keep_entries(number, at, change.metadata)
        return there

    def nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        """The nearest of the items that fulfil the condition."""
        with self._told(), self._reading():
            known = self._known(collection)
            if known is None:
                return []
            number, dimensions = known
            if dimensions != len(vector):
                raise _wrong_length(len(vector), dimensions)
            condition, values = condition_sql(f"entries_{number}", query.where)
            found = self._run(
                "SELECT name, text, metadata, distance FROM ("
                f"SELECT id, vec_distance_L2(vector, ?) AS distance FROM vectors_{number} "
                f"WHERE {condition} ORDER BY distance, id LIMIT ?) AS nearest "
                f"JOIN items_{number} AS items ON items.id = nearest.id "
                "ORDER BY distance, nearest.id",
                vector.tobytes(),
                *values,
                query.limit,
            ).fetchall()
        # Of vectors of length one: |a - b|² = 2 - 2 cos(a, b).
        return [_item(*row, score=1 - distance**2 / 2) for *row, distance in found]

    def matching(self, collection: str, text: str, query: VectorQuery) -> list[VectorItem]:
        """The items that have words of a text and fulfil the condition."""
        asked = matched(text)
        if not asked:
            return []
        with self._told(), self._reading():
            known = self._known(collection)
            if known is None:
                return []
            number = known.number
            condition, values = condition_sql(f"entries_{number}", query.where)
            found = self._run(
                "SELECT name, items.text, metadata, strength FROM ("
                f"SELECT rowid AS id, -bm25(words_{number}) AS strength FROM words_{number} "
                f"WHERE words_{number} MATCH ? AND rowid IN "
                f"(SELECT id FROM items_{number} WHERE {condition}) "
                "ORDER BY strength DESC, rowid LIMIT ?) AS best "
                f"JOIN items_{number} AS items ON items.id = best.id "
                "ORDER BY strength DESC, best.id",
                asked,
                *values,
                query.limit,
            ).fetchall()
        best = found[0][-1] if found else 1.0
        return [_item(*row, score=strength / best) for *row, strength in found]

    def get(self, collection: str, names: Sequence[str]) -> list[VectorItem]:
        """The items of ids."""
        with self._told(), self._reading():
            known = self._known(collection)
            if known is None:
                return []
            asked = f"SELECT name, text, metadata FROM items_{known.number} WHERE name = ?"
            return [_item(*row) for name in names for row in self._run(asked, name)]

    def delete(self, collection: str, names: Sequence[str]) -> None:
        """Drops items."""
        with self._told(), self._writing():
            known = self._known(collection)
            for name in names if known is not None else ():
                number = known.number  # type: ignore[union-attr] # as was just asked
                at = self._place(number, name)
                if at is not None:
                    self._run(f"DELETE FROM items_{number} WHERE id = ?", at)
                    self._run(f"DELETE FROM vectors_{number} WHERE id = ?", at)
                    self._run(f"DELETE FROM entries_{number} WHERE item = ?", at)

    def count(self, collection: str) -> int:
        """How many there are."""
        with self._told(), self._reading():
            known = self._known(collection)
            if known is None:
                return 0
            [(count,)] = self._run(f"SELECT count(*) FROM items_{known.number}")
        return int(count)

    def collections(self) -> list[str]:
        """The names of all."""
        with self._told():
            return [name for (name,) in self._run("SELECT name FROM collections")]

    def create(self, collection: str, dimensions: int) -> int:
        """Makes a collection where there is none; gives the length of its vectors."""
        with self._told(), self._writing():
            return self._made(collection, dimensions).dimensions

    def drop(self, collection: str) -> None:
        """Drops a collection where there is one."""
        with self._told(), self._writing():
            known = self._known(collection)
            if known is not None:
                for part in _PARTS:
                    self._run(f"DROP TABLE {part}_{known.number}")
                self._run("DELETE FROM collections WHERE id = ?", known.number)

    def _prepare(self, timeout: float) -> None:
        """Makes what a file has that is new."""
        self._run("PRAGMA page_size = 8192")  # of a new file; two vectors of 768 numbers a page
        self._use_wal(time.monotonic() + timeout)
        self._run("PRAGMA synchronous = FULL")  # what was kept is kept, also without power
        with self._reading():
            if self._checked():
                return
        with self._writing():  # another process may have been quicker
            if not self._checked():
                self._run(f"PRAGMA application_id = {_APPLICATION}")
                self._run(f"PRAGMA user_version = {_SCHEMA}")
                # A number is never given twice: another process may still have it in mind.
                self._run(
                    "CREATE TABLE collections (id INTEGER PRIMARY KEY AUTOINCREMENT, "
                    "name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL)"
                )

    def _made(self, collection: str, dimensions: int) -> Collection:
        known = self._known(collection)
        if known is None:
            number = self._inserted(
                "INSERT INTO collections (name, dimensions) VALUES (?, ?)", collection, dimensions
            )
            for statement in _TABLES:
                self._run(statement.format(n=number))
            known = Collection(number, dimensions)
        return known

    def _known(self, collection: str) -> Collection | None:
        found = self._run("SELECT id, dimensions FROM collections WHERE name = ?", collection)
        row = found.fetchone()
        return None if row is None else Collection(*row)

    def _placed(self, number: int, row: Row) -> int:
        """Keeps an item's texts, in the place that it had; gives the place."""
        at = self._place(number, row.id)
        if at is None:
            return self._inserted(
                f"INSERT INTO items_{number} (name, text, metadata) VALUES (?, ?, ?)",
                row.id,
                row.text,
                row.json,
            )
        self._run(
            f"UPDATE items_{number} SET text = ?, metadata = ? WHERE id = ?", row.text, row.json, at
        )
        return at

    def _keep_vector(self, number: int, at: int, vector: array[float]) -> None:
        self._run(f"REPLACE INTO vectors_{number} VALUES (?, ?)", at, vector.tobytes())

    def _keep_entries(self, number: int, at: int, metadata: Mapping[str, Any]) -> None:
        self._run(f"DELETE FROM entries_{number} WHERE item = ?", at)
        self._database.executemany(
            f"INSERT INTO entries_{number} VALUES (?, ?, ?, ?)",
            [(at, *entry) for entry in entries_of(metadata)],
        )

    def _place(self, number: int, name: str) -> int | None:
        found = self._run(f"SELECT id FROM items_{number} WHERE name = ?", name).fetchone()
        return None if found is None else int(found[0])

    def _use_wal(self, deadline: float) -> None:
        """Lets readers and a writer work side by side.

        Two processes that make one file at a time get in each other's way here, and SQLite does
        not wait by itself.
        """
        while True:
            try:
                self._run("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _checked(self) -> bool:
        """Whether the tables are there.

        Raises:
            ResourceError: The file is not ours.
        """
        [(application,)] = self._run("PRAGMA application_id")
        [(version,)] = self._run("PRAGMA user_version")
        [(tables,)] = self._run("SELECT count(*) FROM sqlite_master")
        if not (application or version or tables):
            return False
        if application != _APPLICATION:
            raise ResourceError(f"{self._path} is another program's database: name another file")
        if version > _SCHEMA:
            raise ResourceError(
                f"{self._path} was written by a newer headrace-sqlite-vec (its form is {version}, "
                f"known is {_SCHEMA}): upgrade this one"
            )
        if version < _SCHEMA:
            raise ResourceError(
                f"{self._path} was written by an older headrace-sqlite-vec (its form is {version}, "
                f"known is {_SCHEMA}): name another file, and index anew"
            )
        return True

    def _inserted(self, statement: str, *values: Any) -> int:
        return int(self._run(statement, *values).lastrowid or 0)

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._run("BEGIN IMMEDIATE")
        yield from self._ended()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._run("BEGIN")
        yield from self._ended()

    def _ended(self) -> Iterator[None]:
        try:
            yield
            self._run("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # SQLite ends some by itself
                self._run("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's failures as ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "no such module" in str(error):
                raise ResourceError(
                    f"this Python's SQLite was built without FTS5, its full-text search: {error}"
                ) from error
            raise SqliteVectorError(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise ResourceError(f"{self._path}: {error}") from error


def _item(name: str, text: str, metadata: str, **more: float) -> VectorItem:
    return VectorItem(id=name, text=text, metadata=json.loads(metadata), **more)


def _wrong_length(length: int, known: int) -> ValueError:
    return ValueError(f"the vector has {length} numbers, those in the collection {known}")
