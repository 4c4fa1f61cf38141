"""The file: what is in it and every change of it. Used by one thread."""

# ruff: noqa: S608 - what is put into the SQL are names of columns, all of them our own

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError
from headrace.filters import matches
from headrace.interfaces import MemoryItem
from headrace.scopes import shown_scope
from headrace_memory_sqlite import _index, _ranking
from headrace_memory_sqlite._vectors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Store"]

SCHEMA = 2
PAGE = 500
"""Memories that an export reads at a time."""
REMEMBERED = 30 * 86_400.0
"""Seconds for which a replay of a superseded memory is known as one."""

_TABLES = (
    """
    CREATE TABLE memories (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        agent TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL, item_id TEXT NOT NULL,
        text TEXT NOT NULL, metadata TEXT NOT NULL, topic TEXT,
        created REAL NOT NULL, updated REAL NOT NULL, expires REAL, vector BLOB,
        "set" TEXT NOT NULL DEFAULT '',
        UNIQUE (agent, key, user, "set", item_id)
    )
    """,
    "CREATE INDEX by_key ON memories (key)",
    "CREATE INDEX by_user ON memories (user)",
    'CREATE INDEX by_topic ON memories (agent, key, user, "set", topic) WHERE topic IS NOT NULL',
    "CREATE INDEX by_expiry ON memories (expires) WHERE expires IS NOT NULL",
    """
    CREATE TABLE superseded (
        agent TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL, item_id TEXT NOT NULL,
        at REAL NOT NULL, "set" TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (agent, key, user, "set", item_id)
    ) WITHOUT ROWID
    """,
    # One row, while something that was removed may still be read from the file.
    "CREATE TABLE remains (there INTEGER PRIMARY KEY)",
    _index.CREATE,
)
_WHOSE = 'agent = :agent AND key = :key AND user = :user AND "set" = :set'
_ONE = f"{_WHOSE} AND item_id = :item_id"
_FORMER = ("memories", "superseded")
"""Tables that schema 1 had too, without sets."""


class Store:
    """An open file."""

    def __init__(self, path: str, timeout: float) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
        try:
            # What is removed is overwritten; what was acknowledged survives a loss of power.
            self._db.execute("PRAGMA secure_delete = ON")
            self._use_wal(time.monotonic() + timeout)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA mmap_size = 268435456")
            self._prepare(path)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def add(
        self,
        scope: Mapping[str, str],
        item_id: str,
        text: str,
        metadata: str,
        now: float,
        *,
        expires: float | None,
        topic: str | None,
        vector: bytes | None,
    ) -> None:
        """Keeps a memory, unless it was kept before."""
        with self._write(now):
            if self._known(scope, item_id):
                return
            if topic is not None:
                self._supersede(scope, topic, now)
            number = self._db.execute(
                "INSERT INTO memories (agent, key, user, item_id, text, metadata, topic, created,"
                ' updated, expires, vector, "set") VALUES (:agent, :key, :user, :item_id, :text,'
                " :metadata, :topic, :now, :now, :expires, :vector, :set)",
                {
                    **scope,
                    "item_id": item_id,
                    "text": text,
                    "metadata": metadata,
                    "topic": topic,
                    "now": now,
                    "expires": expires,
                    "vector": vector,
                },
            ).lastrowid
            _index.enter(self._db, number or 0, scope, text)

    def known(self, scope: Mapping[str, str], item_id: str) -> bool:
        """Whether adding it would change nothing."""
        return self._known(scope, item_id)

    def get(self, scope: Mapping[str, str], item_id: str, now: float) -> MemoryItem | None:
        """A memory."""
        row = self._db.execute(
            f"SELECT {_index.COLUMNS} FROM memories AS m WHERE {_ONE}"
            " AND (expires IS NULL OR expires > :now)",
            {**scope, "item_id": item_id, "now": now},
        ).fetchone()
        return None if row is None else _item(row)

    def update(
        self,
        scope: Mapping[str, str],
        item_id: str,
        text: str,
        now: float,
        vector: bytes | None,
    ) -> None:
        """Gives a memory another text, where there is one."""
        with self._write(now):
            row = self._db.execute(
                f"SELECT number, text FROM memories WHERE {_ONE}",
                {**scope, "item_id": item_id},
            ).fetchone()
            if row is None or row[1] == text:
                return
            number, old = row
            _index.leave(self._db, number, scope, old)
            self._db.execute(
                "UPDATE memories SET text = ?, updated = ?, vector = ? WHERE number = ?",
                (text, now, vector, number),
            )
            _index.enter(self._db, number, scope, text)
            self._leave_remains()

    def delete(self, scope: Mapping[str, str], item_id: str, now: float) -> None:
        """Forgets a memory."""
        with self._write(now):
            self._remove(_ONE, {**scope, "item_id": item_id})

    def erase(self, scope: Mapping[str, str], now: float) -> int:
        """Forgets all of a scope or of a part of one, and cleans the file."""
        held = " AND ".join(f'"{name}" = :{name}' for name in scope)
        with self._write(now):
            count = self._remove(held, dict(scope))
            self._db.execute(f"DELETE FROM superseded WHERE {held}", dict(scope))
        self._clean()
        return count

    def search(
        self,
        scope: Mapping[str, str],
        query: str,
        limit: int,
        now: float,
        where: Mapping[str, Any] | None,
        vector: bytes | None,
    ) -> list[MemoryItem]:
        """The memories nearest to a query."""
        depth = limit if vector is None else max(limit, _ranking.DEPTH)
        rows = _index.ranked(self._db, scope, query, now, limit)
        if where:
            rows = ((strength, row) for strength, row in rows if matches(where, _metadata(row)))
        by_words = list(islice(rows, depth + _ranking.SLACK))
        if vector is None:
            scored = _ranking.by_strength(by_words, now)
        else:
            by_vector = self._nearest(scope, vector, depth, now, where)
            scored = _ranking.fused([row for _, row in by_words], by_vector, now)
        return [_item(row, score) for score, row in scored[:limit]]

    def page(
        self, scope: Mapping[str, str], after: tuple[float, int], now: float
    ) -> tuple[list[MemoryItem], tuple[float, int] | None]:
        """Some of a scope's memories, oldest first, and where the next ones begin."""
        held = " AND ".join(f'm."{name}" = :{name}' for name in scope)
        rows = self._db.execute(
            f"SELECT {_index.COLUMNS} FROM memories AS m WHERE {held}"
            " AND (m.created, m.number) > (:created, :number)"
            " AND (m.expires IS NULL OR m.expires > :now)"
            " ORDER BY m.created, m.number LIMIT :page",
            {**scope, "created": after[0], "number": after[1], "now": now, "page": PAGE},
        ).fetchall()
        return [_item(row) for row in rows], (rows[-1][7], rows[-1][0]) if rows else None

    def _use_wal(self, deadline: float) -> None:
        """Lets readers and a writer work side by side.

        Two processes that make one file at a time get in each other's way here, and SQLite does
        not wait by itself.
        """
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _version(self) -> int:
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _prepare(self, path: str) -> None:
        if self._version() == SCHEMA:
            return  # who only reads waits for no writer
        self._db.execute("BEGIN IMMEDIATE")
        version = self._version()  # another process may have been quicker
        if version > SCHEMA:
            raise ResourceError(
                f"{path} was written by a newer headrace-memory-sqlite (schema {version}; this one "
                f"knows {SCHEMA}): upgrade it"
            )
        if version == 1:
            self._add_sets()
        elif version < SCHEMA:
            if self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise ResourceError(f"{path} is an SQLite file of something else")
            for statement in _TABLES:
                self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        self._db.execute("COMMIT")

    def _add_sets(self) -> None:
        """Schema 1 had no sets: its tables are made anew, and its index, which has the scopes."""
        for name in _FORMER:
            self._db.execute(f"CREATE TABLE former_{name} AS SELECT * FROM {name}")
            self._db.execute(f"DROP TABLE {name}")
        self._db.execute("DROP TABLE lookup")
        for statement in _TABLES:
            if "remains" not in statement:
                self._db.execute(statement)
        for name in _FORMER:
            columns = [row[1] for row in self._db.execute(f"PRAGMA table_info(former_{name})")]
            same = ", ".join(columns)
            self._db.execute(f"INSERT INTO {name} ({same}) SELECT {same} FROM former_{name}")
            self._db.execute(f"DROP TABLE former_{name}")
        rows = self._db.execute("SELECT number, agent, key, user, text FROM memories").fetchall()
        for number, agent, key, user, text in rows:
            scope = {"agent": agent, "key": key, "user": user, "set": ""}
            _index.enter(self._db, number, scope, text)
        self._leave_remains()

    @contextmanager
    def _write(self, now: float) -> Iterator[None]:
        """A transaction, in which what has expired goes first."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._remove("expires <= :now", {"now": now})
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _known(self, scope: Mapping[str, str], item_id: str) -> bool:
        return any(
            self._db.execute(
                f"SELECT 1 FROM {table} WHERE {_ONE}",
                {**scope, "item_id": item_id},
            ).fetchone()
            for table in ("memories", "superseded")
        )

    def _supersede(self, scope: Mapping[str, str], topic: str, now: float) -> None:
        of_topic = f"{_WHOSE} AND topic = :topic"
        self._db.execute(
            'INSERT OR REPLACE INTO superseded SELECT agent, key, user, item_id, :now, "set"'
            f" FROM memories WHERE {of_topic}",
            {**scope, "topic": topic, "now": now},
        )
        self._remove(of_topic, {**scope, "topic": topic})
        self._db.execute(
            f"DELETE FROM superseded WHERE {_WHOSE} AND at < :old",
            {**scope, "old": now - REMEMBERED},
        )

    def _remove(self, condition: str, values: Mapping[str, Any]) -> int:
        rows = self._db.execute(
            f'SELECT number, agent, key, user, "set", text FROM memories WHERE {condition}',
            values,
        ).fetchall()
        for number, agent, key, user, of, text in rows:
            scope = {"agent": agent, "key": key, "user": user, "set": of}
            _index.leave(self._db, number, scope, text)
            self._db.execute("DELETE FROM memories WHERE number = ?", (number,))
        if rows:
            self._leave_remains()
        return len(rows)

    def _leave_remains(self) -> None:
        self._db.execute("INSERT OR IGNORE INTO remains VALUES (1)")

    def _clean(self) -> None:
        """Takes what was removed out of the file: the index, the free pages, the log.

        ``secure_delete`` alone leaves copies that SQLite made when it moved rows between pages.
        """
        if self._db.execute("SELECT 1 FROM remains").fetchone():
            self._db.execute("INSERT INTO lookup(lookup) VALUES ('optimize')")
            self._db.execute("VACUUM")
            self._db.execute("DELETE FROM remains")
        [busy, *_] = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("database is locked")

    def _nearest(
        self,
        scope: Mapping[str, str],
        vector: bytes,
        depth: int,
        now: float,
        where: Mapping[str, Any] | None,
    ) -> list[Sequence[Any]]:
        held = " AND ".join(f'"{name}" = :{name}' for name in scope)
        metadata = "metadata" if where else "NULL"
        rows = self._db.execute(
            f"SELECT number, vector, {metadata} FROM memories WHERE {held}"
            " AND length(vector) = :size AND (expires IS NULL OR expires > :now)",
            {**scope, "size": len(vector), "now": now},
        )
        there = (
            (number, one)
            for number, one, held in rows
            if not where or matches(where, json.loads(held))
        )
        return [
            self._db.execute(
                f"SELECT {_index.COLUMNS} FROM memories AS m WHERE number = ?", (number,)
            ).fetchone()
            for number in nearest(there, vector, depth)
        ]


def _metadata(row: Sequence[Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(row[6])
    return metadata


def _item(row: Sequence[Any], score: float | None = None) -> MemoryItem:
    _, agent, key, user, item_id, text, _, created, updated, expires, of = row
    item = MemoryItem(
        id=item_id,
        text=text,
        metadata=_metadata(row),
        scope=shown_scope({"agent": agent, "key": key, "user": user, "set": of}),
        created=created,
        updated=updated,
        expires=expires,
    )
    if score is not None:
        item["score"] = score
    return item
