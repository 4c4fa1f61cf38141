"""The embedding model: its settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.errors import ResourceError
from headrace.interfaces import EmbeddingModel
from headrace_lexical._features import vector_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LexicalEmbeddingModel"]

_FEWEST, _MOST = 16, 65_536
_BREATH = 5_000
"""Characters that are read before others have a turn: some 10 ms."""


class LexicalEmbeddingModel(EmbeddingModel):
    """Vectors of the words of a text and of their parts; it knows no meaning.

    Args:
        dimensions: The length of the vectors, from 16 to 65,536. The longer, the less do words
            that have nothing in common look alike.

    Raises:
        ResourceError: ``dimensions`` is out of range.
    """

    def __init__(self, *, dimensions: int = 512) -> None:
        if isinstance(dimensions, bool) or not isinstance(dimensions, int):
            raise ResourceError(
                "the lexical embedding model cannot be set up: dimensions must be a whole number"
            )
        if not _FEWEST <= dimensions <= _MOST:
            raise ResourceError(
                "the lexical embedding model cannot be set up: dimensions must be from "
                f"{_FEWEST} to {_MOST}, not {dimensions}"
            )
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text, in order."""
        vectors = []
        read = 0
        for text in texts:
            if len(text) > _BREATH:
                vectors.append(await asyncio.to_thread(vector_of, text, self._dimensions))
                continue
            read += len(text)
            if read > _BREATH:
                read = 0
                await asyncio.sleep(0)
            vectors.append(vector_of(text, self._dimensions))
        return vectors
