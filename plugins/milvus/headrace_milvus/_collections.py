"""Collections in Milvus, and what is done to them. All of it on threads of the store's."""

from __future__ import annotations

import hashlib
import json
import re
import string
from typing import TYPE_CHECKING, Any, TypeVar

from pymilvus import (  # type: ignore[import-untyped]
    DataType,
    Function,
    FunctionType,
    MilvusClient,
    MilvusException,
)

from headrace.errors import ResourceError
from headrace.vectors import VectorItem
from headrace_milvus._conditions import ENTRIES, entries_of, where_of
from headrace_milvus._errors import RefusedError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headrace.vectors import Change, Row, VectorQuery
    from headrace_milvus._conditions import Where

__all__ = ["Collections"]

T = TypeVar("T")

_BEGINNING = "headrace_1_"
"""What names begin with in Milvus, with the form of what is in them."""
_ESCAPES = {"_": "__", ".": "_d", "-": "_h"}
_KEPT = ["id", "text", "metadata"]
_MISSING = 100
"""Milvus's code of a collection that is not there."""
_TRIES = 5
_MOST = 1_000
"""Items of one request."""
_BYTES = 8_000_000
"""Of one request, about: Milvus takes 64 MB."""
_FOUND = 16_384
"""What Milvus finds at most."""
_LONGEST = 65_535
"""Bytes of a text or of metadata that Milvus keeps."""
_WORDS = 10_000
"""Characters of a question whose words are looked for."""


class Collections:
    """The collections that a client reaches.

    Args:
        client: Milvus's client.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._loaded: set[str] = set()

    def put(self, name: str, rows: Sequence[Row]) -> None:
        """Keeps items; those that are there are replaced."""
        length = len(rows[0].vector)
        made = [_row(row.id, row.text, row.metadata, row.json, row.vector.tolist()) for row in rows]

        def write(stored: str) -> None:
            _check_length(length, self.create(name, length))
            for part in _parts(made):
                self._client.upsert(stored, part, timeout=self._timeout)

        self._with(name, write)

    def change(self, name: str, changes: Sequence[Change]) -> list[str]:
        """Changes items that are there; gives their ids."""
        by_key = {_key(change.id): change for change in changes}

        def write(stored: str) -> list[str]:
            known = self._length(stored)
            if known is None:
                return []
            for change in changes:
                if change.vector is not None:
                    _check_length(len(change.vector), known)
            there = self._rows(stored, [*by_key], [*_KEPT, "key", "vector"])
            changed = [_changed(row, by_key[row["key"]]) for row in there]
            for part in _parts(changed):
                self._client.upsert(stored, part, timeout=self._timeout)
            return [row["id"] for row in changed]

        return self._with(name, write) or []

    def nearest(self, name: str, vector: array[float], query: VectorQuery) -> list[VectorItem]:
        """The items nearest to a vector, best first."""
        where = where_of(query.where)

        def ask(stored: str) -> list[VectorItem]:
            known = self._length(stored)
            if known is None:
                return []
            _check_length(len(vector), known)
            return self._searched(stored, vector.tolist(), "vector", "COSINE", query.limit, where)

        return self._with(name, ask) or []

    def matching(self, name: str, words: str, query: VectorQuery) -> list[VectorItem]:
        """The items that have words of a text, best first; the best has the score 1."""
        where = where_of(query.where)

        def ask(stored: str) -> list[VectorItem]:
            if self._length(stored) is None or not re.search(r"[^\W_]", words):
                return []
            asked = words[:_WORDS]
            found = self._searched(stored, asked, "words", "BM25", query.limit, where)
            best = found[0]["score"] if found else 1.0
            for item in found:
                item["score"] /= best
            return found

        return self._with(name, ask) or []

    def get(self, name: str, ids: Sequence[str]) -> list[VectorItem]:
        """The items of ids."""
        keys = [_key(one) for one in ids]

        def ask(stored: str) -> list[VectorItem]:
            if self._length(stored) is None:
                return []
            return [_item(row) for row in self._rows(stored, keys, _KEPT)]

        return self._with(name, ask) or []

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Drops items."""
        keys = [_key(one) for one in ids]

        def drop(stored: str) -> None:
            if self._length(stored) is not None:
                for part in _batches(keys):
                    self._client.delete(stored, ids=part, timeout=self._timeout)

        self._with(name, drop)

    def count(self, name: str) -> int:
        """How many items there are."""

        def ask(stored: str) -> int:
            if self._length(stored) is None:
                return 0
            found = self._client.query(
                stored, filter="", output_fields=["count(*)"], timeout=self._timeout
            )
            return int(found[0]["count(*)"])

        return self._with(name, ask) or 0

    def names(self) -> list[str]:
        """The names of the collections."""
        there = self._client.list_collections(timeout=self._timeout)
        return [_plain(stored) for stored in there if stored.startswith(_BEGINNING)]

    def create(self, name: str, length: int) -> int:
        """Makes a collection where there is none; gives the length of its vectors."""
        stored = _stored(name)
        known = self._length(stored)
        if known is not None:
            return known
        if length < 2:  # noqa: PLR2004 - Milvus's own limit
            raise RefusedError("Milvus keeps vectors of two numbers and more")
        try:
            self._make(stored, length)
        except MilvusException:  # another worker may have been quicker
            known = self._length(stored)
            if known is None:
                raise
            return known
        return length

    def drop(self, name: str) -> None:
        """Drops a collection where there is one."""
        stored = _stored(name)
        if self._client.has_collection(stored, timeout=self._timeout):
            self._client.drop_collection(stored, timeout=self._timeout)
        self._loaded.discard(stored)

    # ------------------------------------------------------------ parts
    def _with(self, name: str, work: Callable[[str], T]) -> T | None:
        """What is done to a collection, again where another worker drops it meanwhile."""
        stored = _stored(name)
        for left in reversed(range(_TRIES)):
            try:
                return work(stored)
            except MilvusException as error:
                if error.code != _MISSING or not left:
                    raise
        return None

    def _length(self, stored: str) -> int | None:
        """The length of a collection's vectors, if it is there."""
        if not self._client.has_collection(stored, timeout=self._timeout):
            return None
        told = self._client.describe_collection(stored, timeout=self._timeout)
        fields = {field["name"]: field for field in told["fields"]}
        if not {"key", ENTRIES, "vector", "words", *_KEPT} <= fields.keys():
            raise ResourceError(
                f"the collection {stored} in Milvus is not one of headrace-milvus's: name another"
            )
        if stored not in self._loaded:
            self._client.load_collection(stored, timeout=self._timeout)
            self._loaded.add(stored)
        return int(fields["vector"]["params"]["dim"])

    def _make(self, stored: str, length: int) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("id", DataType.VARCHAR, max_length=1024)
        schema.add_field("text", DataType.VARCHAR, max_length=_LONGEST, enable_analyzer=True)
        schema.add_field("metadata", DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field(ENTRIES, DataType.JSON)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=length)
        schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
        words = Function(
            name="words_of_text",
            function_type=FunctionType.BM25,
            input_field_names=["text"],
            output_field_names=["words"],
        )
        schema.add_function(words)
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("vector", index_type="FLAT", metric_type="COSINE")
        indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        self._client.create_collection(
            stored,
            schema=schema,
            index_params=indexes,
            consistency_level="Strong",
            timeout=self._timeout,
        )
        self._loaded.add(stored)

    def _searched(
        self, stored: str, asked: Any, field: str, metric: str, limit: int, where: Where
    ) -> list[VectorItem]:
        if where is False:
            return []
        [found] = self._client.search(
            stored,
            data=[asked],
            anns_field=field,
            search_params={"metric_type": metric},
            filter=where if isinstance(where, str) else "",
            limit=min(limit, _FOUND),
            output_fields=_KEPT,
            timeout=self._timeout,
        )
        return [_item(hit["entity"], score=float(hit["distance"])) for hit in found]

    def _rows(self, stored: str, keys: Sequence[str], fields: list[str]) -> list[dict[str, Any]]:
        return [
            row
            for part in _batches(keys)
            for row in self._client.get(
                stored, ids=part, output_fields=fields, timeout=self._timeout
            )
        ]


def _row(
    name: str, text: str, metadata: Mapping[str, Any], written: str, vector: list[float]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": _key(name),
        "id": name,
        "text": text,
        "metadata": written,
        ENTRIES: entries_of(metadata),
        "vector": vector,
    }
    for part in ("text", "metadata"):
        size = len(row[part].encode())
        if size > _LONGEST:
            raise RefusedError(f"its {part} has {size} bytes; Milvus keeps {_LONGEST}")
    return row


def _changed(row: Mapping[str, Any], change: Change) -> dict[str, Any]:
    written = row["metadata"] if change.json is None else change.json
    return _row(
        row["id"],
        row["text"] if change.text is None else change.text,
        json.loads(written),
        written,
        [*map(float, row["vector"])] if change.vector is None else change.vector.tolist(),
    )


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Items as many as one request takes."""
    part: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        more = 8 * len(row["vector"]) + 3 * len(row["metadata"]) + len(row["text"])
        if part and (len(part) == _MOST or size + more > _BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += more
    if part:
        yield part


def _batches(keys: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _MOST):
        yield [*keys[start : start + _MOST]]


def _item(row: Mapping[str, Any], **more: float) -> VectorItem:
    return VectorItem(id=row["id"], text=row["text"], metadata=json.loads(row["metadata"]), **more)


def _key(name: str) -> str:
    """What stands for an id: Milvus Lite takes no quote in one."""
    return hashlib.sha256(name.encode()).hexdigest()


def _stored(name: str) -> str:
    """A name that Milvus takes and that no other has: of small letters, digits and ``_``.

    To Milvus Lite, names that differ in large and small letters alone are the same.
    """
    return _BEGINNING + re.sub("[A-Z_.-]", lambda found: _escaped(found[0]), name)


def _escaped(letter: str) -> str:
    return _ESCAPES.get(letter) or f"_c{letter.lower()}"


def _plain(stored: str) -> str:
    back = {_escaped(each): each for each in (*_ESCAPES, *string.ascii_uppercase)}
    return re.sub("_c.|_.", lambda found: back[found[0]], stored.removeprefix(_BEGINNING))


def _check_length(length: int, known: int) -> None:
    if length != known:
        raise RefusedError(f"the vector has {length} numbers, those in the collection {known}")
