"""The failures of the store."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = ["MilvusVectorError", "RefusedError"]


class MilvusVectorError(HeadraceError):
    """Milvus cannot be reached, took too long, or failed; policies try again."""


class RefusedError(ValueError):
    """What cannot be kept in a collection or asked of it."""
