"""The base of vector stores: what agents use, and what plugins implement."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.filters import FEATURES, features_of
from headrace.interfaces import Resource
from headrace.vectors._items import DIMENSIONS, ID_BYTES, changes_of, rows_of, storable, unit
from headrace.vectors._queries import fused

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping, Sequence

    from headrace.vectors._items import Change, Row, VectorItem
    from headrace.vectors._queries import Mode, VectorQuery

__all__ = ["VectorStore"]

_COLLECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,47}")
_MOST = 2**31 - 1
_MERGED = 100
"""How many of each ranking are merged, at least."""
_MANY = 64
"""Items from which on it takes a thread to bring their vectors to length one."""


class VectorStore(Resource, ABC):
    """Kind ``vector_stores``: texts found by their vectors (cosine), and by their words.

    All stores mean the same and refuse the same, so that an agent may change its store. Items are
    in collections. One is made by its first item, or by ``create_collection``; reading one that is
    not there makes nothing and finds nothing.

    What plugins implement begins with an underscore: there everything has been checked.
    """

    modes: ClassVar[frozenset[Mode]] = frozenset({"vector"})
    """How it finds items. One with ``vector`` and ``keyword`` has ``hybrid`` from this class."""
    filters: ClassVar[frozenset[str]] = FEATURES
    """What it can ask of metadata (``headrace.filters.FEATURES``)."""
    native: ClassVar[frozenset[str]] = frozenset()
    """The arguments of its own that a query may have."""
    collection: str = "default"
    """The collection that is meant where none is named."""
    embedder: str | None = None
    """The agent's embedding model that texts without vectors are given to, by its name."""

    # ------------------------------------------------------------ what agents use
    async def add(
        self, items: Sequence[Mapping[str, Any]], *, collection: str | None = None
    ) -> None:
        """Keeps items, all or none; one whose ``id`` is there already takes its place.

        Of two with one ``id`` the last is kept. The first makes the collection, for vectors of its
        length. An item without a ``vector`` gets the one that the embedder makes of its ``text``.

        Raises:
            ValueError: A vector's length is not that of those in the collection, or it has no
                length (zeros), or is not finite; or an item is none that every store could hold.
        """
        name = self._named(collection)
        if items:
            rows = await _checked(rows_of, await self._embedded(items))
            await self._put(name, rows)

    async def update(
        self, items: Sequence[Mapping[str, Any]], *, collection: str | None = None
    ) -> list[str]:
        """Changes items that are there, all or none; what an item does not have stays.

        A ``text`` comes with its ``vector``, or gets it from the embedder. ``metadata`` take the
        place of all that were there. Of an ``id`` that is not there nothing is kept.

        Returns:
            The ids of those that were there.

        Raises:
            ValueError: As ``add``.
        """
        name = self._named(collection)
        changes = await _checked(changes_of, await self._embedded(items))
        there = {*await self._change(name, changes)} if changes else set()
        return [change.id for change in changes if change.id in there]

    async def query(self, query: VectorQuery) -> list[VectorItem]:
        """Items that are asked for, best first, each with its ``score``.

        Raises:
            ValueError: The store cannot do that, or the vector is none that it could hold.
        """
        if faults := self.faults_of(query):
            raise ValueError("; ".join(faults))
        name = self._named(query.collection)
        vector = None if query.mode == "keyword" else unit(await self._asked(query))
        if query.limit < 1:
            return []
        query = dataclasses.replace(query, limit=min(query.limit, _MOST))
        if vector is None:
            return await self._matching(name, query.text or "", query)
        if query.mode == "vector":
            return await self._nearest(name, vector, query)
        more = dataclasses.replace(query, limit=min(max(_MERGED, 2 * query.limit), _MOST))
        by_vector = await self._nearest(name, vector, more)
        return fused([by_vector, await self._matching(name, query.text or "", more)], query.limit)

    async def get(self, ids: Sequence[str], *, collection: str | None = None) -> list[VectorItem]:
        """The items of ids, in that order; those that are not there are left out."""
        name, asked = self._named(collection), _possible(ids)
        found = {item["id"]: item for item in await self._get(name, asked)} if asked else {}
        return [found[one] for one in ids if one in found]

    async def delete(self, ids: Sequence[str], *, collection: str | None = None) -> None:
        """Drops items; nothing happens for those that are not there."""
        name, asked = self._named(collection), _possible(ids)
        if asked:
            await self._delete(name, asked)

    async def count(self, *, collection: str | None = None) -> int:
        """How many items there are; 0 where the collection is not there."""
        return await self._count(self._named(collection))

    async def collections(self) -> list[str]:
        """The names of the collections that are there, in order."""
        return sorted(await self._collections())

    async def create_collection(self, name: str, dimensions: int) -> None:
        """Makes a collection, for vectors of a length; nothing happens where it is that already.

        Raises:
            ValueError: It is there for vectors of another length, or cannot have the name.
        """
        if not 0 < dimensions <= DIMENSIONS:
            raise ValueError(f"a collection's vectors have 1 to {DIMENSIONS} numbers")
        there = await self._create(self._named(name), dimensions)
        if there != dimensions:
            raise ValueError(
                f"the collection {name!r} is there, for vectors of {there} numbers, not "
                f"{dimensions}: drop it first, or name another"
            )

    async def drop_collection(self, name: str) -> None:
        """Drops a collection with all that is in it; nothing happens where it is not there."""
        await self._drop(self._named(name))

    @classmethod
    def faults_of(cls, query: VectorQuery) -> list[str]:
        """What the store cannot do of what is asked; empty where it can do it all."""
        faults = cls.lacks(query.mode, query.where)
        if unknown := sorted(query.native.keys() - cls.native):
            known = ", ".join(sorted(cls.native)) or "none"
            faults.append(
                f"native: {cls.__name__} has no argument {', '.join(map(repr, unknown))} (it has: "
                f"{known})"
            )
        return faults

    @classmethod
    def lacks(cls, mode: Mode, where: Mapping[str, Any] | None) -> list[str]:
        """Why a search of this mode and condition cannot be; empty where it can."""
        faults = []
        if mode not in cls.modes:
            faults.append(
                f"{cls.__name__} does not search by {mode!r} (it does by: "
                f"{', '.join(sorted(cls.modes))})"
            )
        lacking = sorted(features_of(where) - cls.filters)
        return faults + [f"filter: {cls.__name__} cannot {_MEANINGS[one]}" for one in lacking]

    # ------------------------------------------------------------ what plugins implement
    @abstractmethod
    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        """Keeps items, all or none; makes the collection where it is not there.

        Raises:
            ValueError: The collection is for vectors of another length.
        """

    @abstractmethod
    async def _change(self, collection: str, changes: Sequence[Change]) -> Sequence[str]:
        """Changes items, all or none; gives the ids of those that are there."""

    @abstractmethod
    async def _nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        """The items nearest to a vector of length one; ``query`` has limit, where and native.

        Raises:
            ValueError: The collection is for vectors of another length.
        """

    async def _matching(self, collection: str, words: str, query: VectorQuery) -> list[VectorItem]:
        """The items with any of the words of a text, those with more and rarer ones first.

        A store of the mode ``keyword`` overrides it.
        """
        raise NotImplementedError

    @abstractmethod
    async def _get(self, collection: str, ids: Sequence[str]) -> list[VectorItem]:
        """The items of ids, in any order."""

    @abstractmethod
    async def _delete(self, collection: str, ids: Sequence[str]) -> None:
        """Drops items."""

    @abstractmethod
    async def _count(self, collection: str) -> int:
        """How many items there are; 0 where the collection is not there."""

    @abstractmethod
    async def _collections(self) -> Sequence[str]:
        """The names of the collections."""

    @abstractmethod
    async def _create(self, collection: str, dimensions: int) -> int:
        """Makes a collection where it is not there; gives the length of its vectors."""

    @abstractmethod
    async def _drop(self, collection: str) -> None:
        """Drops a collection where it is there."""

    # ------------------------------------------------------------ parts
    @staticmethod
    def collection_faults(name: Any) -> list[str]:
        """Why a collection cannot have a name; empty where it can."""
        if isinstance(name, str) and _COLLECTION.fullmatch(name):
            return []
        return ["collection must be 1 to 48 letters, digits, _, . and -, and not begin with . or -"]

    def _named(self, collection: str | None) -> str:
        name = self.collection if collection is None else collection
        if faults := self.collection_faults(name):
            raise ValueError(f"{faults[0]}, not {name!r:.60}")
        return name

    async def _asked(self, query: VectorQuery) -> Sequence[float]:
        if query.vector is not None:
            return query.vector
        if self.embedder is None:
            raise ValueError(
                "the store has no embedder to make a vector of the text: give a vector, or set "
                "the store up with embedder=NAME, one of the agent's embedding_models"
            )
        model = await self.resource("embedding_models", self.embedder)
        return await model.embed_query(query.text)  # type: ignore[no-any-return]

    async def _embedded(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Items with the vectors of their texts, where an embedder is there to make them."""
        given = list(items)
        bare = [
            place
            for place, item in enumerate(given)
            if item.get("vector") is None and isinstance(item.get("text"), str)
        ]
        if self.embedder is None or not bare:
            return given
        model = await self.resource("embedding_models", self.embedder)
        vectors = await model.embed([given[place]["text"] for place in bare])
        for place, vector in zip(bare, vectors, strict=True):
            given[place] = {**given[place], "vector": vector}
        return given


_MEANINGS = {
    "equal": "ask for values",
    "null": "ask for an entry that is not there",
    "numbers": "compare numbers",
    "texts": "compare texts by their order: compare numbers",
    "or": "join conditions by $or",
    "not": "turn a condition round by $not",
}


async def _checked(check: Any, items: Sequence[Mapping[str, Any]]) -> Any:
    """Many in a thread: bringing vectors to length one takes its time."""
    return await asyncio.to_thread(check, items) if len(items) > _MANY else check(items)


def _possible(ids: Sequence[str]) -> list[str]:
    """The ids that an item could have, each once."""
    asked = dict.fromkeys(one for one in ids if storable(one) and one)
    return [one for one in asked if len(one.encode()) <= ID_BYTES]
