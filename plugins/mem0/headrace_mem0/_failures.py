"""The failures of a store of vectors."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = ["Mem0VectorError", "WrongLengthError"]


class Mem0VectorError(HeadraceError):
    """The store that mem0 speaks to failed; policies try again."""


class WrongLengthError(ValueError):
    """A vector is longer or shorter than those of its collection: ours, not the store's."""
