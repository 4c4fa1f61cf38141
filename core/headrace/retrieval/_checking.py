"""What can be told of searches when a plan is compiled."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from headrace.errors import Fault, HeadraceError
from headrace.filters import features_of
from headrace.references import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.plan import ResourceProvider
    from headrace.vectors import VectorStore

__all__ = ["check_retrieval"]

_EVERYWHERE = {"equal"}
"""What any store can ask of metadata, so that no plugin is imported to find out."""


def check_retrieval(
    agent: str, providers: Mapping[str, Mapping[str, ResourceProvider]]
) -> Iterator[Fault]:
    """What is wrong with an agent's vector stores and the tools that search them.

    A store's plugin is imported where a tool asks for what not every store has, and never built.
    """
    for name, store in providers.get("vector_stores", {}).items():
        yield from _named(
            f"{agent}.{name}", "embedding_models", store.arguments.get("embedder"), providers
        )
    for name, tool in providers.get("tools", {}).items():
        if tool.plugin is None and "store" in tool.arguments and _is_retrieval(tool):
            yield from _tool(f"{agent}.{name}", tool.arguments, providers)


def _is_retrieval(tool: ResourceProvider) -> bool:
    from headrace.retrieval._search import RetrievalTools

    target = find(tool.target) if tool.target is not None else None
    return isinstance(target, type) and issubclass(target, RetrievalTools)


def _tool(
    where: str,
    arguments: Mapping[str, Any],
    providers: Mapping[str, Mapping[str, ResourceProvider]],
) -> Iterator[Fault]:
    yield from _named(where, "embedding_models", arguments.get("embedder"), providers)
    yield from _named(where, "vector_stores", arguments.get("store"), providers)
    store = providers.get("vector_stores", {}).get(str(arguments.get("store")))
    if store is None:
        return
    mode, condition = arguments.get("mode", "vector"), arguments.get("where")
    try:
        asks_more = mode != "vector" or not features_of(condition) <= _EVERYWHERE
    except ValueError as error:
        yield Fault(where, str(error))
        return
    made = _class_of(store) if asks_more else None
    if made is not None:
        for fault in made.lacks(mode, condition):
            yield Fault(
                where, f"the store {store.name!r} cannot do what the tool asks: {fault}", _HINT
            )
    if mode != "keyword" and not (arguments.get("embedder") or store.arguments.get("embedder")):
        yield Fault(
            where,
            "nobody makes vectors of what is looked for",
            'name one of the agent\'s embedding_models: embedder="..."',
        )


_HINT = "ask for something else, or take another store: docs/retrieval.md says what each can do"


def _named(
    where: str,
    kind: str,
    name: Any,
    providers: Mapping[str, Mapping[str, ResourceProvider]],
) -> Iterator[Fault]:
    known = providers.get(kind, {})
    if isinstance(name, str) and name not in known:
        near = difflib.get_close_matches(name, known, 1)
        listed = ", ".join(known) or "none"
        yield Fault(
            where,
            f"it names {name!r}, which is none of the agent's {kind} ({listed})",
            f"did you mean {near[0]!r}?" if near else f"declare it: {name} = use({kind!r}, ...)",
        )


def _class_of(store: ResourceProvider) -> type[VectorStore] | None:
    """The store's class; ``None`` where it cannot be had here: then the worker refuses."""
    from headrace.vectors import VectorStore

    try:
        target = find(store.target) if store.target is not None else None
    except HeadraceError:
        return None
    return target if isinstance(target, type) and issubclass(target, VectorStore) else None
