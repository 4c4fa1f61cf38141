"""The failure of a store that trying again may mend."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = ["PgVectorError"]


class PgVectorError(HeadraceError):
    """The server cannot be reached, is overloaded, or took too long; policies try again."""
