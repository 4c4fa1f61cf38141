"""The table of a collection: made at the first item, and what is done to it."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql

from headrace.errors import ResourceError
from headrace.vectors import VectorItem
from headrace_pgvector._conditions import condition_sql
from headrace_pgvector._database import lock

if TYPE_CHECKING:
    from array import array
    from collections.abc import AsyncIterator, Sequence

    from psycopg import AsyncConnection
    from psycopg.rows import TupleRow

    from headrace.vectors import Change, Row, VectorQuery
    from headrace_pgvector._database import Database

__all__ = ["HnswIndex", "Table", "collections_of"]

_MARK = "headrace-pgvector 1"
"""The table's comment: whose it is, and of which form."""
_BATCH = 500
"""Items of one statement."""
_HNSW_DIMENSIONS = 2000
_EF_LIMIT = 1000
_WORD = re.compile(r"[^\W_]+")
_WORDS = 64
"""How many different words are looked up."""
_INDEXED = 250_000
"""Characters of a text whose words are found: PostgreSQL holds the words of no very long one."""
_PREFIX = "headrace_"


class HnswIndex:
    """An index that finds most of the nearest, quickly.

    Args:
        m: Links of each vector.
        ef_construction: Candidates looked at for each that is added.
        ef_search: Candidates looked at in a search.
    """

    __slots__ = ("ef_construction", "ef_search", "m")

    def __init__(self, m: int, ef_construction: int, ef_search: int) -> None:
        self.m = m
        self.ef_construction = ef_construction
        self.ef_search = ef_search


class Table:
    """A collection's table.

    What is there is asked in each transaction: another worker may make or drop it at any time.

    Args:
        database: Where it is.
        collection: The collection's name, which was checked.
        index: The index that is wanted; without one, all vectors are looked at.
        language: PostgreSQL's configuration that takes texts apart into words.
    """

    def __init__(
        self, database: Database, collection: str, index: HnswIndex | None, language: str
    ) -> None:
        self._database = database
        self._index = index
        self._name = sql.Identifier(f"{_PREFIX}{collection}")
        self._index_name = sql.Identifier(f"{_PREFIX}{collection}_hnsw")
        self._words_name = sql.Identifier(f"{_PREFIX}{collection}_words")
        self._words = sql.SQL("to_tsvector({}::regconfig, left(text, {}))").format(
            sql.Literal(language), sql.Literal(_INDEXED)
        )
        self._language = language
        self._ready = False

    async def add(self, rows: Sequence[Row]) -> None:
        """Keeps items, all or none.

        Raises:
            ValueError: Their vectors are longer or shorter than those in the table.
        """
        length = len(rows[0].vector)
        # In one order everywhere: two workers with the same ids would wait for each other.
        rows = sorted(rows, key=lambda row: row.id)
        statement = sql.SQL(
            "INSERT INTO {} (id, text, metadata, vector) "
            "SELECT id, text, metadata::jsonb, vector::vector "
            "FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) "
            "AS given (id, text, metadata, vector) "
            "ON CONFLICT (id) DO UPDATE SET text = excluded.text, metadata = excluded.metadata, "
            "vector = excluded.vector"
        ).format(self._name)
        async with self._made_table(length) as (connection, known):
            if length != known:
                raise _wrong_length(length, known)
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                await connection.execute(
                    statement,
                    [
                        [row.id for row in part],
                        [row.text for row in part],
                        [row.json for row in part],
                        [_literal(row.vector) for row in part],
                    ],
                )

    async def change(self, changes: Sequence[Change]) -> list[str]:
        """Changes items that are there, all or none; gives their ids.

        Raises:
            ValueError: Their vectors are longer or shorter than those in the table.
        """
        statement = sql.SQL(
            "UPDATE {} SET text = coalesce(%s::text, text), "
            "metadata = coalesce(%s::jsonb, metadata), vector = coalesce(%s::vector, vector) "
            "WHERE id = %s RETURNING id"
        ).format(self._name)
        there = []
        async with self._database.transaction() as connection:
            known = await self._found(connection)
            for change in sorted(changes) if known is not None else ():
                vector = None if change.vector is None else _literal(change.vector)
                if change.vector is not None and len(change.vector) != known:
                    raise _wrong_length(len(change.vector), known)
                bound = [change.text, change.json, vector, change.id]
                there += await (await connection.execute(statement, bound)).fetchall()
        return [row[0] for row in there]

    async def nearest(self, vector: array[float], query: VectorQuery) -> list[VectorItem]:
        """The nearest of the items that fulfil the condition."""
        condition, values = condition_sql(query.where)
        limit = query.limit
        statement = sql.SQL(
            "SELECT id, text, metadata, vector <=> %s::vector AS distance FROM {} "
            "WHERE {} ORDER BY distance LIMIT %s"
        ).format(self._name, sql.SQL(condition))
        bound = [_literal(vector), *values, limit]
        settings = self._settings(limit, query.native.get("ef_search"))
        async with self._database.transaction(**settings) as connection:
            known = await self._found(connection)
            if known is None:
                return []
            if known != len(vector):
                raise _wrong_length(len(vector), known)
            found = await (await connection.execute(statement, bound)).fetchall()
            if self._index is not None and len(found) < limit:
                # The index gives up after many that do not fulfil the condition. A condition that
                # so few fulfil is answered without it.
                await connection.execute("SET LOCAL enable_indexscan = off")
                found = await (await connection.execute(statement, bound)).fetchall()
        return [_item(*row, score=1 - distance) for *row, distance in found]

    async def matching(self, text: str, query: VectorQuery) -> list[VectorItem]:
        """The items that have words of a text and fulfil the condition."""
        words = list(dict.fromkeys(_WORD.findall(text.lower())))[:_WORDS]
        if not words:
            return []
        condition, values = condition_sql(query.where)
        statement = sql.SQL(
            "SELECT id, text, metadata, ts_rank({words}, asked) AS strength "
            "FROM {table}, to_tsquery(%s::regconfig, %s) AS asked "
            "WHERE {words} @@ asked AND {condition} ORDER BY strength DESC, id LIMIT %s"
        ).format(words=self._words, table=self._name, condition=sql.SQL(condition))
        asked = " | ".join(f"'{word}'" for word in words)  # letters and digits alone
        found = await self._rows(statement, self._language, asked, *values, query.limit)
        best = found[0][-1] if found else 1.0
        return [_item(*row, score=strength / best) for *row, strength in found]

    async def get(self, names: Sequence[str]) -> list[VectorItem]:
        """The items of ids."""
        statement = sql.SQL("SELECT id, text, metadata FROM {} WHERE id = ANY (%s)")
        return [_item(*row) for row in await self._rows(statement.format(self._name), [*names])]

    async def delete(self, names: Sequence[str]) -> None:
        """Drops items."""
        statement = sql.SQL(
            "WITH chosen AS (SELECT id FROM {0} WHERE id = ANY (%s) ORDER BY id FOR UPDATE) "
            "DELETE FROM {0} USING chosen WHERE {0}.id = chosen.id RETURNING 1"
        )
        await self._rows(statement.format(self._name), [*names])

    async def count(self) -> int:
        """How many there are."""
        rows = await self._rows(sql.SQL("SELECT count(*) FROM {}").format(self._name))
        return int(rows[0][0]) if rows else 0

    async def create(self, length: int) -> int:
        """Makes what is not there; gives the length of the vectors."""
        async with self._made_table(length) as (_, known):
            return known

    async def drop(self) -> None:
        """Drops the table where there is one."""
        async with self._database.transaction() as connection:
            await lock(connection)
            if await self._found(connection) is not None:
                await connection.execute(sql.SQL("DROP TABLE {}").format(self._name))

    async def _rows(self, statement: sql.Composed, *values: Any) -> list[TupleRow]:
        """What a statement gives; nothing where there is no table."""
        async with self._database.transaction() as connection:
            if await self._found(connection) is None:
                return []
            return await (await connection.execute(statement, values)).fetchall()

    @asynccontextmanager
    async def _made_table(
        self, length: int
    ) -> AsyncIterator[tuple[AsyncConnection[TupleRow], int]]:
        """A transaction in which the table is there, and the length of its vectors."""
        while True:
            if not self._ready:
                await self._make(length)
                self._ready = True
            async with self._database.transaction() as connection:
                known = await self._found(connection)
                if known is not None:
                    yield connection, known
                    return
            self._ready = False  # another worker has dropped it

    async def _make(self, length: int) -> None:
        """Makes what is not there.

        Without limit of time: an index on a table that is there may take long.
        """
        async with self._database.transaction(timeout=0) as connection:
            await lock(connection)
            known = await self._found(connection)
            if known is None:
                await connection.execute(
                    sql.SQL(
                        'CREATE TABLE {} (id text COLLATE "C" PRIMARY KEY, text text NOT NULL, '
                        "metadata jsonb NOT NULL, vector vector({}) NOT NULL)"
                    ).format(self._name, sql.Literal(length))
                )
                await connection.execute(
                    sql.SQL("CREATE INDEX ON {} USING gin (metadata jsonb_path_ops)").format(
                        self._name
                    )
                )
                await connection.execute(
                    sql.SQL("CREATE INDEX {} ON {} USING gin ({})").format(
                        self._words_name, self._name, self._words
                    )
                )
                await connection.execute(
                    sql.SQL("COMMENT ON TABLE {} IS {}").format(self._name, sql.Literal(_MARK))
                )
                known = length
            if self._index is not None:
                await self._make_index(connection, self._index, known)

    async def _make_index(
        self, connection: AsyncConnection[TupleRow], index: HnswIndex, length: int
    ) -> None:
        if length > _HNSW_DIMENSIONS:
            raise ResourceError(
                f"an hnsw index takes vectors of {_HNSW_DIMENSIONS} numbers at most, not {length}: "
                "leave `index` out, or use a model of shorter vectors"
            )
        await connection.execute(
            sql.SQL(
                "CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (vector vector_cosine_ops) "
                "WITH (m = {}, ef_construction = {})"
            ).format(
                self._index_name,
                self._name,
                sql.Literal(index.m),
                sql.Literal(index.ef_construction),
            )
        )

    async def _found(self, connection: AsyncConnection[TupleRow]) -> int | None:
        """The length of the vectors in the table, if there is one.

        Raises:
            ResourceError: The table is another program's, or of a newer version.
        """
        cursor = await connection.execute(
            "SELECT atttypmod, obj_description(wanted.oid, 'pg_class') "
            "FROM (SELECT to_regclass(%s)::oid AS oid) AS wanted LEFT JOIN pg_attribute "
            "ON attrelid = wanted.oid AND attname = 'vector' WHERE wanted.oid IS NOT NULL",
            [self._name.as_string(connection)],
        )
        found = await cursor.fetchone()
        if found is None:
            return None
        if found[1] != _MARK:
            raise ResourceError(
                f"the table {self._name.as_string(connection)} is not one of this version of "
                f"headrace-pgvector (its comment is {found[1]!r:.50}, not {_MARK!r}): upgrade, or "
                "name another collection"
            )
        return int(found[0])

    def _settings(self, limit: int, ef_search: int | None) -> dict[str, Any]:
        if self._index is None:
            # An index that somebody else wants on the table must not make this store inexact.
            return {"enable_indexscan": "off"}
        candidates = min(max(ef_search or self._index.ef_search, limit), _EF_LIMIT)
        return {"hnsw__ef_search": candidates, "hnsw__iterative_scan": "strict_order"}


async def collections_of(database: Database) -> list[str]:
    """The names of the collections in a database."""
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) "
            "AND starts_with(relname, %s) AND obj_description(oid, 'pg_class') = %s",
            [_PREFIX, _MARK],
        )
        return [row[0].removeprefix(_PREFIX) for row in await cursor.fetchall()]


def _item(name: str, text: str, metadata: dict[str, Any], **more: float) -> VectorItem:
    return VectorItem(id=name, text=text, metadata=metadata, **more)


def _literal(vector: array[float]) -> str:
    return f"[{','.join(map(repr, vector))}]"


def _wrong_length(length: int, known: int | None) -> ValueError:
    return ValueError(f"the vector has {length} numbers, those in the collection {known}")
