"""Searching a vector store: by itself, and as a tool for models."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from headrace.chat import ToolSpec
from headrace.errors import ModelError, ResourceError, ToolError
from headrace.interfaces import Toolset
from headrace.records import tell
from headrace.vectors import VectorQuery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.interfaces import EmbeddingModel
    from headrace.vectors import Mode, VectorItem, VectorStore

__all__ = ["LISTED", "RetrievalTools", "retrieve"]

LISTED = "headrace.pieces"
"""Of a document's first piece: what its metadata call the list of the others (``index_texts``)."""
_LONGEST_QUERY = 8_000


async def retrieve(
    store: VectorStore,
    query: VectorQuery,
    *,
    embedder: EmbeddingModel | None = None,
    name: str = "",
) -> list[dict[str, Any]]:
    """The passages that are asked for, best first.

    Args:
        store: Where to look.
        query: What is looked for.
        embedder: The model that made the store's vectors; ``None``: the store's own.
        name: What the store is called, for those who watch.

    Returns:
        For each its ``id``, ``text``, ``score`` (best 1; see ``VectorQuery.mode``) and
        ``metadata``.

    Raises:
        ValueError: The store cannot do what is asked.
    """
    if faults := store.faults_of(query):
        raise ValueError("; ".join(faults))  # before a model is asked
    if embedder is not None and query.mode != "keyword" and query.vector is None:
        query = dataclasses.replace(query, vector=await embedder.embed_query(query.text or ""))
    passages = [_passage(item) for item in await store.query(query)]
    found = [one["id"] for one in passages]
    tell("searched", name, query=query.text, limit=query.limit, mode=query.mode, found=found)
    return passages


def _passage(item: VectorItem) -> dict[str, Any]:
    metadata = {name: value for name, value in item["metadata"].items() if name != LISTED}
    return {
        "id": item["id"],
        "text": item["text"],
        "score": item["score"],
        "metadata": metadata,
    }


class RetrievalTools(Toolset):
    """A tool that searches a vector store for passages.

    ::

        docs = use("vector_stores", "sqlite-vec", path="docs.db")
        embedder = use("embedding_models", "openai")
        search = use(
            "tools", "headrace.retrieval:RetrievalTools", store="docs", embedder="embedder"
        )

    Args:
        store: The name of one of the agent's ``vector_stores``.
        embedder: The name of the one of its ``embedding_models`` that made the store's vectors;
            ``None``: the store has an embedder of its own, or none is needed (``keyword``).
        mode: How passages are found: ``vector``, or where the store can, ``keyword`` or ``hybrid``.
        collection: Which of the store's; its own where ``None``.
        limit: How many passages are given where the model does not say.
        most: How many it may ask for.
        where: Conditions on the metadata (``headrace.filters``) that the model cannot change.
        least_score: Passages with a lower score are left out (``vector``: the cosine).
        max_chars: Characters of a passage that the model is told; a longer one is cut.
        name: What the tool is called.
        description: What the model is told of it.

    Raises:
        ResourceError: With all that is wrong with the arguments.
    """

    def __init__(
        self,
        store: str,
        embedder: str | None = None,
        *,
        mode: Mode = "vector",
        collection: str | None = None,
        limit: int = 5,
        most: int = 20,
        where: Mapping[str, Any] | None = None,
        least_score: float | None = None,
        max_chars: int = 2_000,
        name: str = "search_documents",
        description: str = "Searches the documents for passages that have to do with a question. "
        "Gives the nearest first, each with its id, score (1 is best), metadata and text.",
    ) -> None:
        faults = [
            f"{label} must be a whole number above 0, got {value!r}"
            for label, value in (("limit", limit), ("most", most), ("max_chars", max_chars))
            if not _is_count(value)
        ]
        if not faults and limit > most:
            faults.append(f"limit ({limit}) is above most ({most})")
        try:
            self._asked = VectorQuery("", where=where, mode=mode, collection=collection)
        except ValueError as error:
            faults.append(str(error))
        try:
            self._spec = _search_spec(name, description, limit, most)
        except ValueError:
            faults.append(f"name: {name!r} is no name of a tool (letters, digits, _ and -, 64)")
        if faults:
            raise ResourceError(f"RetrievalTools: {'; '.join(faults)}")
        self._store = store
        self._embedder = embedder
        self._limit = limit
        self._most = most
        self._least = least_score
        self._max_chars = max_chars

    def specs(self) -> Sequence[ToolSpec]:
        """The one tool."""
        return (self._spec,)

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Searches; gives passages, the nearest first.

        Raises:
            ToolError: The arguments do not fit, or the embedding model gave no vector.
        """
        query, limit = self._checked(name, arguments)
        store = await self.resource("vector_stores", self._store)
        embedder = None
        if self._embedder is not None:
            embedder = await self.resource("embedding_models", self._embedder)
        asked = dataclasses.replace(self._asked, text=query, limit=limit)
        try:
            found = await retrieve(store, asked, embedder=embedder, name=self._store)
        except (ModelError, ValueError) as error:
            raise ToolError(f"the search failed: {error}") from None
        return [
            {**one, "text": _shortened(one["text"], self._max_chars)}
            for one in found
            if self._least is None or one["score"] >= self._least
        ]

    def _checked(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, int]:
        if name != self._spec.name:
            raise ToolError(f"there is no tool called {name!r}")
        query, limit = arguments.get("query"), arguments.get("limit", self._limit)
        faults = [f"{other!r} is no argument" for other in arguments.keys() - {"query", "limit"}]
        if not isinstance(query, str) or not query.strip():
            faults.append("query must be a text that is not empty")
        elif len(query) > _LONGEST_QUERY:
            faults.append(f"query has {len(query)} characters, and may have {_LONGEST_QUERY}")
        if not _is_count(limit) or limit > self._most:
            faults.append(f"limit must be a whole number from 1 to {self._most}")
        if faults:
            raise ToolError(f"the arguments of the tool {name} do not fit: {'; '.join(faults)}")
        return str(query), limit


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _search_spec(name: str, description: str, limit: int, most: int) -> ToolSpec:
    properties = {
        "query": {"type": "string", "description": "What is looked for, in words."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": most,
            "default": limit,
            "description": "How many passages at most.",
        },
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["query"],
        "additionalProperties": False,
    }
    return ToolSpec(name=name, description=description, parameters=schema)


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: {limit} of {len(text)} characters]"
