"""Values as keys, for stores that can compare no more than texts and whole numbers."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

__all__ = ["equality_key", "order_key"]

_LONG = 100
"""Longer texts are compared by their digest."""
_EXACT = 2.0**53


def equality_key(value: Any) -> str:
    """A text that equal values have in common, and others do not, as ``headrace.filters`` says.

    Args:
        value: What stands in metadata or in a condition. All lists have one key, and all mappings:
            no condition asks for one.
    """
    if isinstance(value, bool):
        return f"truth {value}"
    if isinstance(value, (int, float)):
        whole = isinstance(value, int) or value.is_integer()
        return f"number {int(value) if whole else repr(value)}"
    if not isinstance(value, str):
        return "other"
    if len(value) <= _LONG:
        return f"text {value}"
    return f"digest {hashlib.sha256(value.encode()).hexdigest()}"


def order_key(number: float) -> tuple[int, int | None]:
    """Two whole numbers of 64 bits by which numbers are in their exact order.

    Returns:
        The place of the nearest float among all floats. And for numbers from 2**53 on, what that
        float leaves out: where the places are equal, this says which is less.
    """
    near = float(number) + 0.0  # one zero
    # Of floats the order is that of their bits, turned round below zero.
    (bits,) = struct.unpack("<q", struct.pack("<d", near))
    place = bits if bits >= 0 else -(bits & (2**63 - 1))
    return place, int(number) - int(near) if abs(near) >= _EXACT else None
