# ruff: noqa: S608 - what is put into statements are numbers and text of our own; values are bound
"""The file: its tables, and what is done to them. All of it in one thread."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError
from headrace.interfaces import VectorItem
from headrace_sqlite_vec._conditions import condition_sql, entries_of
from headrace_sqlite_vec._errors import SqliteVectorError
from headrace_sqlite_vec._extension import connect

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Mapping, Sequence

    from headrace.vectors import Row

__all__ = ["VectorFile"]

_APPLICATION = 0x68726476
"""Says in the file's head whose it is: "hrdv"."""
_SCHEMA = 1
_MOST = 2**31

_TABLES = """
CREATE TABLE items_{n} (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, text TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE vectors_{n} (id INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE entries_{n} (
    item INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, value NOT NULL,
    PRIMARY KEY (item, name)
) WITHOUT ROWID;
CREATE INDEX entries_{n}_by_value ON entries_{n} (name, kind, value);
"""
"""Of each collection: texts, vectors close together, and what filters ask for, by its value."""


class VectorFile:
    """One collection of a file.

    Args:
        path: The file, or ``:memory:``.
        collection: The collection's name.
        timeout: Seconds to wait for another process's lock.

    Raises:
        ResourceError: The file is another program's, or of a newer version; or SQLite takes no
            extensions.
        SqliteVectorError: It cannot be opened.
    """

    def __init__(self, path: str, collection: str, timeout: float) -> None:
        self._path = path
        with self._told():
            self._database = connect(path, timeout)
        try:
            with self._told():
                self._number = self._prepared(collection, timeout)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def add(self, rows: Sequence[Row]) -> None:
        """Keeps items, all or none.

        Raises:
            ValueError: Their vectors are longer or shorter than those in the collection.
        """
        number, length = self._number, len(rows[0].vector)
        with self._told(), self._writing():
            known = self._dimensions()
            if known is None:
                self._run("UPDATE collections SET dimensions = ? WHERE id = ?", length, number)
            elif known != length:
                raise _wrong_length(length, known)
            for row in rows:
                at = self._placed(row)
                self._run(f"REPLACE INTO vectors_{number} VALUES (?, ?)", at, row.vector.tobytes())
                self._run(f"DELETE FROM entries_{number} WHERE item = ?", at)
                self._database.executemany(
                    f"INSERT INTO entries_{number} VALUES (?, ?, ?, ?)",
                    [(at, *entry) for entry in entries_of(row.metadata)],
                )

    def search(
        self, vector: array[float], limit: int, where: Mapping[str, Any] | None
    ) -> list[VectorItem]:
        """The nearest of the items that fulfil the condition."""
        number = self._number
        condition, values = condition_sql(f"entries_{number}", where)
        with self._told(), self._reading():
            known = self._dimensions()
            if known is None:
                return []
            if known != len(vector):
                raise _wrong_length(len(vector), known)
            found = self._run(
                "SELECT name, text, metadata, distance FROM ("
                f"SELECT id, vec_distance_L2(vector, ?) AS distance FROM vectors_{number} "
                f"WHERE {condition} ORDER BY distance, id LIMIT ?) AS nearest "
                f"JOIN items_{number} AS items ON items.id = nearest.id "
                "ORDER BY distance, nearest.id",
                vector.tobytes(),
                *values,
                min(limit, _MOST),
            ).fetchall()
        # Of vectors of length one: |a - b|² = 2 - 2 cos(a, b).
        return [_item(*row, score=1 - distance**2 / 2) for *row, distance in found]

    def get(self, names: Sequence[str]) -> list[VectorItem]:
        """The items of ids."""
        asked = f"SELECT name, text, metadata FROM items_{self._number} WHERE name = ?"
        with self._told(), self._reading():
            return [_item(*row) for name in names for row in self._run(asked, name)]

    def delete(self, names: Sequence[str]) -> None:
        """Drops items."""
        number = self._number
        with self._told(), self._writing():
            for name in names:
                at = self._place(name)
                if at is not None:
                    self._run(f"DELETE FROM items_{number} WHERE id = ?", at)
                    self._run(f"DELETE FROM vectors_{number} WHERE id = ?", at)
                    self._run(f"DELETE FROM entries_{number} WHERE item = ?", at)

    def count(self) -> int:
        """How many there are."""
        with self._told():
            [(count,)] = self._run(f"SELECT count(*) FROM items_{self._number}")
        return int(count)

    def _prepared(self, collection: str, timeout: float) -> int:
        """Makes the tables that are not there; gives the collection's number."""
        self._run("PRAGMA page_size = 8192")  # of a new file; two vectors of 768 numbers a page
        self._use_wal(time.monotonic() + timeout)
        self._run("PRAGMA synchronous = FULL")  # what was kept is kept, also without power
        with self._reading():
            number = self._known(collection) if self._checked() else None
        if number is not None:
            return number
        with self._writing():  # another process may have been quicker
            if not self._checked():
                self._run(f"PRAGMA application_id = {_APPLICATION}")
                self._run(f"PRAGMA user_version = {_SCHEMA}")
                self._run(
                    "CREATE TABLE collections "
                    "(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dimensions INTEGER)"
                )
            number = self._known(collection)
            if number is None:
                number = self._inserted("INSERT INTO collections (name) VALUES (?)", collection)
                for statement in _TABLES.format(n=number).split(";"):
                    self._run(statement)
        return number

    def _placed(self, row: Row) -> int:
        """Keeps an item's texts, in the place that it had; gives the place."""
        number = self._number
        at = self._place(row.id)
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

    def _place(self, name: str) -> int | None:
        return self._one(f"SELECT id FROM items_{self._number} WHERE name = ?", name)

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
        return True

    def _known(self, collection: str) -> int | None:
        return self._one("SELECT id FROM collections WHERE name = ?", collection)

    def _dimensions(self) -> int | None:
        return self._one("SELECT dimensions FROM collections WHERE id = ?", self._number)

    def _one(self, statement: str, *values: Any) -> int | None:
        """The number that a statement gives, if any."""
        found: tuple[int | None] | None = self._run(statement, *values).fetchone()
        return None if found is None else found[0]

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
            raise SqliteVectorError(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise ResourceError(f"{self._path}: {error}") from error


def _item(name: str, text: str, metadata: str, **more: float) -> VectorItem:
    return VectorItem(id=name, text=text, metadata=json.loads(metadata), **more)


def _wrong_length(length: int, known: int) -> ValueError:
    return ValueError(f"the vector has {length} numbers, those in the collection {known}")
