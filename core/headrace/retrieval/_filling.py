"""Filling a vector store with texts, and keeping it up to date with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.retrieval._search import LISTED
from headrace.retrieval._splitting import split_text
from headrace.values import digest
from headrace.vectors import VectorItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.interfaces import EmbeddingModel
    from headrace.vectors import VectorStore

__all__ = ["Document", "Indexed", "index_texts", "remove_texts"]

_DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be found, whole."""

    id: str
    """Its name: a path, an address, a number; unique in its store."""
    text: str
    """The text."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON that searches may be narrowed by; its pieces have it, and ``document`` (the id)."""


@dataclass(slots=True)
class Indexed:
    """What ``index_texts`` has done."""

    documents: int = 0
    """Documents that it looked at."""
    added: int = 0
    """Pieces that were embedded and kept."""
    unchanged: int = 0
    """Pieces that were there already."""
    removed: int = 0
    """Pieces that were dropped, because their document no longer has them."""


async def index_texts(
    store: VectorStore,
    embedder: EmbeddingModel | None,
    texts: Mapping[str, str] | Iterable[Document],
    *,
    collection: str | None = None,
    size: int = 1_000,
    overlap: int = 100,
    batch: int = 64,
) -> Indexed:
    """Fills a store with texts, in pieces; brings it up to date where it has some already.

    A piece is known by its document and content. So indexing again embeds and writes nothing, and
    of a document that has changed what is new is added and what is gone is removed. Where it was
    broken off, the next time finishes it. Two that index the same document at the same time are not
    kept apart.

    Vectors of two models do not go together: for another model, use another collection.

    Args:
        store: An opened store.
        embedder: An opened model; ``None``: the store's own.
        texts: Documents; or texts by their id.
        collection: Which of the store's; its own where ``None``.
        size: As of ``split_text``.
        overlap: As of ``split_text``.
        batch: How many pieces are embedded and written at a time.

    Raises:
        ValueError: An id is there twice, or metadata use a name that is taken.
    """
    done = Indexed()
    filling = _Filling(store, collection, embedder, batch)
    seen: set[str] = set()
    group: list[_Pieces] = []
    waiting = 0
    for document in _documents(texts):
        if document.id in seen:
            raise ValueError(f"the document {document.id!r} is there twice")
        seen.add(document.id)
        pieces = _Pieces(document, split_text(document.text, size, overlap))
        group.append(pieces)
        waiting += len(pieces.wanted)
        if waiting >= batch or len(group) >= batch:
            await _bring_up_to_date(filling, group, done)
            group, waiting = [], 0
    await _bring_up_to_date(filling, group, done)
    return done


async def remove_texts(
    store: VectorStore, documents: Iterable[str], *, collection: str | None = None
) -> int:
    """Drops all pieces of documents; says how many there were."""
    removed = 0
    for document in documents:
        header = digest([document])
        ids = [header, *_listed(await store.get([header], collection=collection))[header]]
        there = [item["id"] for item in await store.get(ids, collection=collection)]
        # The one that lists the others goes last: where this is broken off, it can be done again.
        await store.delete([one for one in there if one != header], collection=collection)
        await store.delete([header], collection=collection)
        removed += len(there)
    return removed


def _documents(texts: Mapping[str, str] | Iterable[Document]) -> Iterator[Document]:
    if isinstance(texts, Mapping):
        yield from (Document(name, text) for name, text in texts.items())
    else:
        yield from texts


class _Pieces:
    """The pieces that a document should have.

    The first has an id of the document alone, so that it is always found, and lists the others.
    """

    def __init__(self, document: Document, texts: Sequence[str]) -> None:
        taken = {_DOCUMENT, LISTED} & document.metadata.keys()
        if taken:
            raise ValueError(
                f"the document {document.id!r}: its metadata use {', '.join(sorted(taken))}, which "
                "is the name of something else"
            )
        self.header = digest([document.id])
        metadata = {**document.metadata, _DOCUMENT: document.id}
        self.wanted: dict[str, VectorItem] = {}
        seen: Counter[str] = Counter()
        for number, text in enumerate(texts):
            seen[text] += 1
            name = digest([document.id, text, seen[text]]) if number else self.header
            self.wanted[name] = VectorItem(id=name, text=text, metadata=metadata)
        self.others = [name for name in self.wanted if name != self.header]
        if self.wanted:
            self.wanted[self.header] = self.listing(self.others)

    def listing(self, others: Iterable[str]) -> VectorItem:
        """The first piece, as the one that lists these others."""
        first = self.wanted[self.header]
        metadata = {**first["metadata"], LISTED: " ".join(others)}
        return VectorItem({**first, "metadata": metadata})


class _Filling:
    """A store that is filled, some pieces at a time."""

    def __init__(
        self,
        store: VectorStore,
        collection: str | None,
        embedder: EmbeddingModel | None,
        batch: int,
    ) -> None:
        self._store = store
        self._collection = collection
        self._embedder = embedder
        self._batch = batch

    async def get(self, names: Sequence[str]) -> list[VectorItem]:
        return [
            item
            for part in _parts(names, self._batch)
            for item in await self._store.get(part, collection=self._collection)
        ]

    async def vectors(self, items: Sequence[VectorItem]) -> dict[str, list[float]]:
        """The vectors of new items, by their ids; of none where the store finds them itself."""
        vectors: dict[str, list[float]] = {}
        for part in _parts(items, self._batch) if self._embedder is not None else ():
            made = await self._embedder.embed([item["text"] for item in part])  # type: ignore[union-attr]
            vectors |= {item["id"]: vector for item, vector in zip(part, made, strict=True)}
        return vectors

    async def add(self, items: Sequence[VectorItem], vectors: Mapping[str, list[float]]) -> None:
        for part in _parts(items, self._batch):
            whole = [VectorItem({**item, "vector": vectors.get(item["id"])}) for item in part]
            await self._store.add(whole, collection=self._collection)

    async def delete(self, names: Sequence[str]) -> None:
        await self._store.delete(names, collection=self._collection)


async def _bring_up_to_date(filling: _Filling, group: Sequence[_Pieces], done: Indexed) -> None:
    listed = _listed(await filling.get([pieces.header for pieces in group]))
    names = [name for pieces in group for name in pieces.wanted]
    there = {item["id"]: item for item in await filling.get(names)}
    fresh = {
        name: item
        for pieces in group
        for name, item in pieces.wanted.items()
        if not _same(there.get(name), item)
    }
    vectors = await filling.vectors([*fresh.values()])
    stale = {
        pieces.header: [one for one in listed[pieces.header] if one not in pieces.wanted]
        for pieces in group
    }
    gone = [pieces.header for pieces in group if not pieces.wanted and pieces.header in listed]
    # Whatever is there is listed at any time: what is broken off here is finished the next time.
    headers = [pieces for pieces in group if pieces.header in fresh]
    early = [pieces.listing([*pieces.others, *stale[pieces.header]]) for pieces in headers]
    late = [pieces.wanted[pieces.header] for pieces in headers if stale[pieces.header]]
    others = [item for name, item in fresh.items() if LISTED not in item["metadata"]]
    await filling.add([*early, *others], vectors)
    await filling.delete([name for names in stale.values() for name in names])
    await filling.delete(gone)
    await filling.add(late, vectors)
    done.documents += len(group)
    done.added += len(fresh)
    done.unchanged += len(names) - len(fresh)
    done.removed += sum(map(len, stale.values())) + len(gone)


class _Listed(dict[str, list[str]]):
    """For first pieces those that they list."""

    def __missing__(self, _header: str) -> list[str]:
        return []


def _listed(headers: Iterable[VectorItem]) -> _Listed:
    return _Listed({one["id"]: str(one["metadata"].get(LISTED, "")).split() for one in headers})


def _same(there: VectorItem | None, wanted: VectorItem) -> bool:
    if there is None or there["text"] != wanted["text"]:
        return False
    return json.dumps(there["metadata"], sort_keys=True) == json.dumps(
        wanted["metadata"], sort_keys=True
    )


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))
