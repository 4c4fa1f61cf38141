"""The failures of the store."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = ["ChromaVectorError", "RefusedError"]


class ChromaVectorError(HeadraceError):
    """The server cannot be reached or took too long, or Chroma failed; policies try again."""


class RefusedError(ValueError):
    """What cannot be asked of a collection: ours, not one of the many that Chroma raises."""
