"""The table of a collection: made at the first item, and what is done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from headrace.errors import ResourceError
from headrace.interfaces import VectorItem
from headrace_pgvector._conditions import condition_sql
from headrace_pgvector._database import lock

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping, Sequence

    from psycopg import AsyncConnection
    from psycopg.rows import TupleRow

    from headrace.vectors import Row
    from headrace_pgvector._database import Database

__all__ = ["HnswIndex", "Table"]

_MARK = "headrace-pgvector 1"
"""The table's comment: whose it is, and of which form."""
_BATCH = 500
"""Items of one statement."""
_HNSW_DIMENSIONS = 2000
_EF_LIMIT = 1000
_MOST = 2**31


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

    Args:
        database: Where it is.
        collection: The collection's name, which was checked.
        index: The index that is wanted; without one, all vectors are looked at.
    """

    def __init__(self, database: Database, collection: str, index: HnswIndex | None) -> None:
        self._database = database
        self._index = index
        self._name = sql.Identifier(f"headrace_{collection}")
        self._index_name = sql.Identifier(f"headrace_{collection}_hnsw")
        self._dimensions: int | None = None
        self._ready = False

    async def add(self, rows: Sequence[Row]) -> None:
        """Keeps items, all or none.

        Raises:
            ValueError: Their vectors are longer or shorter than those in the table.
        """
        length = len(rows[0].vector)
        if not self._ready:
            self._dimensions = await self._made(length)
            self._ready = True
        if length != self._dimensions:
            raise _wrong_length(length, self._dimensions)
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
        async with self._database.transaction() as connection:
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

    async def search(
        self, vector: array[float], limit: int, where: Mapping[str, Any] | None
    ) -> list[VectorItem]:
        """The nearest of the items that fulfil the condition."""
        condition, values = condition_sql(where)
        limit = min(limit, _MOST)
        known = await self._known()
        if known is None:
            return []
        if known != len(vector):
            raise _wrong_length(len(vector), known)
        statement = sql.SQL(
            "SELECT id, text, metadata, vector <=> %s::vector AS distance FROM {} "
            "WHERE {} ORDER BY distance LIMIT %s"
        ).format(self._name, sql.SQL(condition))
        bound = [_literal(vector), *values, limit]
        async with self._database.transaction(**self._settings(limit)) as connection:
            found = await (await connection.execute(statement, bound)).fetchall()
            if self._index is not None and len(found) < limit:
                # The index gives up after many that do not fulfil the condition. A condition that
                # so few fulfil is answered without it.
                await connection.execute("SET LOCAL enable_indexscan = off")
                found = await (await connection.execute(statement, bound)).fetchall()
        return [_item(*row, score=1 - distance) for *row, distance in found]

    async def get(self, names: Sequence[str]) -> list[VectorItem]:
        """The items of ids."""
        statement = "SELECT id, text, metadata FROM {} WHERE id = ANY (%s)"
        rows = await self._rows(statement, [*names])
        found = {row[0]: row for row in rows}
        return [_item(*found[name]) for name in names if name in found]

    async def delete(self, names: Sequence[str]) -> None:
        """Drops items."""
        await self._rows(
            "WITH chosen AS (SELECT id FROM {0} WHERE id = ANY (%s) ORDER BY id FOR UPDATE) "
            "DELETE FROM {0} USING chosen WHERE {0}.id = chosen.id RETURNING 1",
            [*names],
        )

    async def count(self) -> int:
        """How many there are."""
        rows = await self._rows("SELECT count(*) FROM {}")
        return int(rows[0][0]) if rows else 0

    async def _rows(self, statement: str, *values: Any) -> list[TupleRow]:
        """What a statement gives; nothing where there is no table."""
        if await self._known() is None:
            return []
        composed = sql.SQL(statement).format(self._name)
        async with self._database.transaction() as connection:
            return await (await connection.execute(composed, values)).fetchall()

    async def _known(self) -> int | None:
        """The length of the vectors; ``None`` while there is no table."""
        if self._dimensions is None:
            async with self._database.transaction() as connection:
                self._dimensions = await self._found(connection)
        return self._dimensions

    async def _made(self, length: int) -> int:
        """Makes what is not there; gives the length of the vectors, which is another's perhaps.

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
                    sql.SQL("COMMENT ON TABLE {} IS {}").format(self._name, sql.Literal(_MARK))
                )
                known = length
            if self._index is not None:
                await self._make_index(connection, self._index, known)
        return known

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

    def _settings(self, limit: int) -> dict[str, Any]:
        if self._index is None:
            # An index that somebody else wants on the table must not make this store inexact.
            return {"enable_indexscan": "off"}
        candidates = min(max(self._index.ef_search, limit), _EF_LIMIT)
        return {"hnsw__ef_search": candidates, "hnsw__iterative_scan": "strict_order"}


def _item(name: str, text: str, metadata: dict[str, Any], **more: float) -> VectorItem:
    return VectorItem(id=name, text=text, metadata=metadata, **more)


def _literal(vector: array[float]) -> str:
    return f"[{','.join(map(repr, vector))}]"


def _wrong_length(length: int, known: int | None) -> ValueError:
    return ValueError(f"the vector has {length} numbers, those in the collection {known}")
