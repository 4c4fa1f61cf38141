"""Vector stores: what agents ask of them, what they keep, and what they refuse.

``VectorStore`` is what agents use and plugins implement, ``VectorQuery`` what is asked, the same of
every store. What is checked, is checked here: a plugin is given ``Row``, ``Change`` and vectors of
length one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.vectors._items import (
        DIMENSIONS,
        ID_BYTES,
        Change,
        Row,
        VectorItem,
        changes_of,
        rows_of,
        storable,
        unit,
        written,
    )
    from headrace.vectors._queries import Mode, VectorQuery, narrowed
    from headrace.vectors._stores import VectorStore

_HOMES = {
    "_items": (
        "DIMENSIONS",
        "ID_BYTES",
        "Change",
        "Row",
        "VectorItem",
        "changes_of",
        "rows_of",
        "storable",
        "unit",
        "written",
    ),
    "_queries": ("Mode", "VectorQuery", "narrowed"),
    "_stores": ("VectorStore",),
}

__all__ = [
    "DIMENSIONS",
    "ID_BYTES",
    "Change",
    "Mode",
    "Row",
    "VectorItem",
    "VectorQuery",
    "VectorStore",
    "changes_of",
    "narrowed",
    "rows_of",
    "storable",
    "unit",
    "written",
]

__getattr__ = lazily(__name__, _HOMES)
