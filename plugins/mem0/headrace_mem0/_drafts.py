"""Stores that stand between mem0 and its own, for one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Draft", "Narrowed"]


class Draft:
    """A store that writes nothing: it keeps what mem0 would have put in.

    So the rows get ids of ours, and all of a call is written at once, or not at all.
    """

    def __init__(self, near: Callable[[Sequence[float], int], list[Any]] | None = None) -> None:
        self.rows: list[tuple[list[float], dict[str, Any]]] = []
        self.found: list[Any] = []
        self._near = near

    def search(self, *, vectors: Sequence[float], top_k: int, **_: Any) -> list[Any]:
        """What is there already, and is shown to the model."""
        self.found = [] if self._near is None else self._near(vectors, top_k)
        return self.found

    def insert(
        self, vectors: Sequence[list[float]], payloads: Sequence[dict[str, Any]], ids: Any = None
    ) -> None:
        """Keeps rows."""
        del ids
        self.rows += zip(vectors, payloads, strict=True)


class Narrowed:
    """A store for a search: mem0 asks by its names of the scope, and the store by ours."""

    def __init__(self, rows: Any, filters: Mapping[str, str]) -> None:
        self._rows = rows
        self._filters = dict(filters)

    def search(self, **asked: Any) -> Any:
        """The nearest rows."""
        return self._rows.search(**{**asked, "filters": self._filters})

    def keyword_search(self, **asked: Any) -> Any:
        """The rows with the same words, where the store can find them."""
        return self._rows.keyword_search(**{**asked, "filters": self._filters})
