"""Collections in Chroma, and what is done to them. All of it on threads of the store's."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from chromadb.errors import InvalidArgumentError, NotFoundError

from headrace.errors import ResourceError
from headrace.vectors import VectorItem
from headrace_chroma._conditions import JSON, entries_of, where_of
from headrace_chroma._errors import ChromaVectorError, RefusedError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headrace.vectors import Change, Row, VectorQuery

__all__ = ["Collections"]

T = TypeVar("T")

Collection: TypeAlias = Any
"""Chroma's, whose types name less than it takes and gives."""

_BEGINNING, _END = "headrace-", "-1"
"""What names begin and end with in Chroma; the end is the form of what is in them."""
_TRIES = 5
_BYTES = 8_000_000
"""Of one request, about: a server takes 40 MB."""


class Collections:
    """The collections that a client reaches.

    Args:
        client: Chroma's client.
        ef_search: Candidates that an index looks at, of collections that are made.
    """

    def __init__(self, client: Any, ef_search: int) -> None:
        self._client = client
        self._ef_search = ef_search
        self._most = client.get_max_batch_size()
        self._known: dict[str, Collection] = {}

    def put(self, name: str, rows: Sequence[Row]) -> None:
        """Keeps items; those that are there are replaced."""
        length = len(rows[0].vector)

        def write(held: Collection) -> None:
            _check_length(length, held)
            for part in self._parts(rows):
                self._write(held, part)

        self._with_made(name, length, write)

    def change(self, name: str, changes: Sequence[Change]) -> list[str]:
        """Changes items that are there; gives their ids."""

        def write(held: Collection) -> list[str]:
            for change in changes:
                if change.vector is not None:
                    _check_length(len(change.vector), held)
            there: list[str] = []
            for part in self._batches(changes):
                there += _change(held, part)
            return there

        return self._with(name, write, [])

    def nearest(self, name: str, vector: array[float], query: VectorQuery) -> list[VectorItem]:
        """The items nearest to a vector, best first."""
        where = where_of(query.where)
        texts = query.native.get("where_document")

        def ask(held: Collection) -> list[VectorItem]:
            _check_length(len(vector), held)
            if where is False:
                return []
            given = {"where": None if where is True else where, "where_document": texts}
            try:
                return _nearest(held, vector, query.limit, given)
            except (ValueError, InvalidArgumentError) as error:
                if texts is None:
                    raise
                raise RefusedError(f"native: where_document: {error}") from None

        return self._with(name, ask, [])

    def get(self, name: str, ids: Sequence[str]) -> list[VectorItem]:
        """The items of ids."""

        def ask(held: Collection) -> list[VectorItem]:
            items = []
            for part in self._batches(ids):
                found = held.get(ids=part, include=["metadatas", "documents"])
                rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
                items += [_item(*row) for row in rows]
            return items

        return self._with(name, ask, [])

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Drops items."""

        def drop(held: Collection) -> None:
            for part in self._batches(ids):
                held.delete(ids=part)

        self._with(name, drop, None)

    def count(self, name: str) -> int:
        """How many items there are."""
        return self._with(name, _count, 0)

    def names(self) -> list[str]:
        """The names of the collections."""
        return [
            _plain(held.name)
            for held in self._client.list_collections()
            if _is_ours(held.name) and _length(held) is not None
        ]

    def create(self, name: str, length: int) -> int:
        """Makes a collection where there is none; gives the length of its vectors."""
        return _checked(self._made(name, length))

    def drop(self, name: str) -> None:
        """Drops a collection where there is one."""
        if self._found(name) is not None:
            with suppress(NotFoundError):  # another worker was quicker
                self._client.delete_collection(_stored(name))
        self._known.pop(name, None)

    # ------------------------------------------------------------ parts
    def _with(self, name: str, work: Callable[[Collection], T], without: T) -> T:
        """What is done to a collection; ``without`` where it is not there."""
        for _ in range(_TRIES):
            held = self._known.get(name) or self._found(name)
            if held is None:
                return without
            try:
                return work(held)
            except NotFoundError:  # another worker has dropped it, and may have made it again
                self._known.pop(name, None)
        raise _vanishing(name)

    def _with_made(self, name: str, length: int, work: Callable[[Collection], T]) -> T:
        """What is done to a collection, which is made where it is not there."""
        for _ in range(_TRIES):
            held = self._known.get(name) or self._made(name, length)
            try:
                return work(held)
            except NotFoundError:
                self._known.pop(name, None)
        raise _vanishing(name)

    def _found(self, name: str) -> Collection | None:
        try:
            held = self._client.get_collection(_stored(name), embedding_function=None)
        except NotFoundError:
            return None
        _checked(held)
        self._known[name] = held
        return held

    def _made(self, name: str, length: int) -> Collection:
        held = self._client.get_or_create_collection(
            _stored(name),
            metadata={"headrace.dimensions": length},  # of one that is there, it is left as it is
            configuration={"hnsw": {"space": "cosine", "ef_search": self._ef_search}},
            embedding_function=None,
        )
        _checked(held)
        self._known[name] = held
        return held

    @staticmethod
    def _write(held: Collection, rows: Sequence[Row]) -> None:
        ids = [row.id for row in rows]
        held.upsert(
            ids=ids,
            embeddings=[row.vector.tolist() for row in rows],
            documents=[row.text for row in rows],
            metadatas=_replacing(held, ids, [entries_of(row.metadata, row.json) for row in rows]),
        )

    def _parts(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Items as many as one request takes, which Chroma keeps all or none."""
        part: list[Row] = []
        size = 0
        for row in rows:
            more = 20 * len(row.vector) + 3 * len(row.json) + len(row.text)
            if part and (len(part) == self._most or size + more > _BYTES):
                yield part
                part, size = [], 0
            part.append(row)
            size += more
        yield part

    def _batches(self, given: Sequence[T]) -> Iterator[list[T]]:
        for start in range(0, len(given), self._most):
            yield [*given[start : start + self._most]]


def _nearest(
    held: Collection, vector: array[float], limit: int, given: Mapping[str, Any]
) -> list[VectorItem]:
    found = held.query(
        query_embeddings=[vector.tolist()],
        n_results=limit,
        include=["metadatas", "documents", "distances"],
        **given,
    )
    names = ("ids", "documents", "metadatas", "distances")
    rows = [*zip(*(found[name][0] for name in names), strict=True)]
    if len(rows) < limit and len(held.get(include=[], **given)["ids"]) > len(rows):
        # The index does not reach all: those of equal vectors may be cut off from each other.
        return _compared(held, vector, limit, given)
    return [_item(*row, score=1 - distance) for *row, distance in rows]


def _compared(
    held: Collection, vector: array[float], limit: int, given: Mapping[str, Any]
) -> list[VectorItem]:
    """The same without the index, of all that fulfil the condition."""
    found = held.get(include=["metadatas", "documents", "embeddings"], **given)
    scores = [
        float(sum(a * b for a, b in zip(vector, one, strict=True))) for one in found["embeddings"]
    ]
    rows = zip(found["ids"], found["documents"], found["metadatas"], scores, strict=True)
    best = sorted(rows, key=lambda row: -row[-1])[:limit]
    return [_item(*row, score=score) for *row, score in best]


def _change(held: Collection, changes: Sequence[Change]) -> list[str]:
    by_id = {change.id: change for change in changes}
    found = held.get(ids=[*by_id], include=["metadatas", "documents", "embeddings"])
    ids: list[str] = found["ids"]
    if not ids:
        return []
    vectors, texts, entries = [], [], []
    for one, vector, text, kept in zip(
        ids, found["embeddings"], found["documents"], found["metadatas"], strict=True
    ):
        change = by_id[one]
        vectors.append((vector if change.vector is None else change.vector).tolist())
        texts.append(text if change.text is None else change.text)
        metadata, written = change.metadata, change.json
        if metadata is None or written is None:
            written = kept[JSON]
            metadata = json.loads(written)
        entries.append(_without(kept, entries_of(metadata, written)))
    # Not upsert: what another worker has deleted meanwhile stays deleted.
    held.update(ids=ids, embeddings=vectors, documents=texts, metadatas=entries)
    return ids


def _replacing(
    held: Collection, ids: list[str], entries: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Entries with those that are to go: Chroma leaves what a new item does not have."""
    found = held.get(ids=ids, include=["metadatas"])
    there = dict(zip(found["ids"], found["metadatas"], strict=True))
    return [_without(there.get(one, {}), new) for one, new in zip(ids, entries, strict=True)]


def _without(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(old.keys() - new.keys()), **new}


def _count(held: Collection) -> int:
    return int(held.count())


def _item(name: str, text: str, entries: Mapping[str, Any], **more: float) -> VectorItem:
    return VectorItem(id=name, text=text, metadata=json.loads(entries[JSON]), **more)


def _stored(name: str) -> str:
    """A name that Chroma takes, which no other has: not two dots beside each other."""
    return f"{_BEGINNING}{name.replace('.', '.-')}{_END}"


def _plain(stored: str) -> str:
    return stored.removeprefix(_BEGINNING).removesuffix(_END).replace(".-", ".")


def _is_ours(stored: str) -> bool:
    return stored.startswith(_BEGINNING) and stored.endswith(_END)


def _length(held: Collection) -> int | None:
    length = (held.metadata or {}).get("headrace.dimensions")
    return length if isinstance(length, int) else None


def _checked(held: Collection) -> int:
    """The length of a collection's vectors.

    Raises:
        ResourceError: The collection is another program's.
    """
    length = _length(held)
    if length is None:
        raise ResourceError(
            f"the collection {held.name} in Chroma is not one of headrace-chroma's: name another"
        )
    return length


def _check_length(length: int, held: Collection) -> None:
    known = _checked(held)
    if length != known:
        raise RefusedError(f"the vector has {length} numbers, those in the collection {known}")


def _vanishing(name: str) -> ChromaVectorError:
    return ChromaVectorError(f"the collection {name} is dropped again and again by another worker")
