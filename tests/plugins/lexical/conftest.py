"""Embedding and cosine, in the shortest form."""

from __future__ import annotations

import asyncio

import pytest

from headrace_lexical import LexicalEmbeddingModel


@pytest.fixture
def embed():
    """Embeds texts."""

    def once(*texts: str, **arguments: int) -> list[list[float]]:
        return asyncio.run(LexicalEmbeddingModel(**arguments).embed(texts))

    return once


@pytest.fixture
def alike(embed):
    """The cosine similarity of two texts: their vectors have length 1."""

    def cosine(one: str, other: str, **arguments: int) -> float:
        first, second = embed(one, other, **arguments)
        return sum(a * b for a, b in zip(first, second, strict=True))

    return cosine
