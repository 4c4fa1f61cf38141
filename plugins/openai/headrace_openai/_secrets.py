"""Keeps secrets out of texts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Secrets"]

_MASKED = re.compile(r"\S*\*{3,}\S*")
"""OpenAI quotes a refused key with its ends: ``sk-ab*****wxyz``."""


class Secrets:
    """The secrets of a model."""

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[str]) -> None:
        written = {form for value in values for form in (value, json.dumps(value)[1:-1])}
        # The longest first: one may be a part of another.
        self._values = sorted(written, key=len, reverse=True)

    def hide(self, text: str, limit: int = 500) -> str:
        """The text without the secrets, shortened to ``limit`` characters."""
        for value in self._values:
            text = text.replace(value, "***")
        # Shortened between the two: before, it could cut a secret; after, the search would be slow.
        shown = _MASKED.sub("***", text[:limit])
        return shown if len(text) <= limit else f"{shown}... ({len(text)} characters)"

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)} hidden)"
