"""The failure of a store that trying again may mend."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = ["SqliteVectorError"]


class SqliteVectorError(HeadraceError):
    """The file is locked for too long, or cannot be read or written; policies try again."""
