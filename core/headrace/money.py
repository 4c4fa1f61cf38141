"""Amounts, as people read them."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["in_words"]


def in_words(amount: Decimal | int) -> str:
    """A number with all of its digits, and none that says nothing: ``0.0315``, ``12``."""
    text = format(Decimal(amount), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
