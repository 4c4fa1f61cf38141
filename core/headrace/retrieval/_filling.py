"""Filling a vector store with texts, and keeping it up to date with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.interfaces import VectorItem
from headrace.retrieval._search import LISTED
from headrace.retrieval._splitting import split_text
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.interfaces import EmbeddingModel, VectorStore

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
    embedder: EmbeddingModel,
    texts: Mapping[str, str] | Iterable[Document],
    *,
    size: int = 1_000,
    overlap: int = 100,
    batch: int = 64,
) -> Indexed:
    """Fills a store with texts, in pieces; brings it up to date where it has some already.

    A piece is known by its document and content. So indexing again embeds and writes nothing, and
    of a document that has changed what is new is added and what is gone is removed. Where it was
    broken off, the next time finishes it. Two that index the same document at the same time are not
    kept apart.

    Vectors of two models do not go together: for another model, use another store.

    Args:
        store: An opened store.
        embedder: An opened model.
        texts: Documents; or texts by their id.
        size: As of ``split_text``.
        overlap: As of ``split_text``.
        batch: How many pieces are embedded and written at a time.

    Raises:
        ValueError: An id is there twice, or metadata use a name that is taken.
    """
    done = Indexed()
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
            await _bring_up_to_date(store, embedder, group, batch, done)
            group, waiting = [], 0
    await _bring_up_to_date(store, embedder, group, batch, done)
    return done


async def remove_texts(store: VectorStore, documents: Iterable[str]) -> int:
    """Drops all pieces of documents; says how many there were."""
    removed = 0
    for document in documents:
        header = digest([document])
        ids = [header, *_listed(await store.get([header]))[header]]
        there = [item["id"] for item in await store.get(ids)]
        # The one that lists the others goes last: where this is broken off, it can be done again.
        await store.delete([one for one in there if one != header])
        await store.delete([header])
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


async def _bring_up_to_date(
    store: VectorStore,
    embedder: EmbeddingModel,
    group: Sequence[_Pieces],
    batch: int,
    done: Indexed,
) -> None:
    listed = _listed(await _get(store, [pieces.header for pieces in group], batch))
    names = [name for pieces in group for name in pieces.wanted]
    there = {item["id"]: item for item in await _get(store, names, batch)}
    fresh = {
        name: item
        for pieces in group
        for name, item in pieces.wanted.items()
        if not _same(there.get(name), item)
    }
    vectors: dict[str, list[float]] = {}
    for part in _parts(list(fresh.values()), batch):
        made = await embedder.embed([item["text"] for item in part])
        vectors |= {item["id"]: vector for item, vector in zip(part, made, strict=True)}
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
    for part in _parts([*early, *others], batch):
        await store.add([VectorItem({**item, "vector": vectors[item["id"]]}) for item in part])
    await store.delete([name for names in stale.values() for name in names])
    await store.delete(gone)
    for part in _parts(late, batch):
        await store.add([VectorItem({**item, "vector": vectors[item["id"]]}) for item in part])
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


async def _get(store: VectorStore, names: Sequence[str], batch: int) -> list[VectorItem]:
    return [item for part in _parts(names, batch) for item in await store.get(part)]


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))
