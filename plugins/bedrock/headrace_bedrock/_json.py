"""What is JSON: Python writes and reads more than that."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_fault"]


def json_fault(data: Any) -> str:
    """Why data, of which bytes are no part, cannot be written as JSON in UTF-8; empty if they can.

    Numbers that are none, halves of characters, objects of other kinds, nesting without end.
    """
    try:
        json.dumps(data, ensure_ascii=False, allow_nan=False, default=_blob).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _blob(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"a {type(value).__name__} has no form in JSON")
    return ""
