"""What the tests of the SQLite memory share."""

from __future__ import annotations

import asyncio
import hashlib
import re

import pytest

from headrace.interfaces import EmbeddingModel


class Hashed(EmbeddingModel):
    """An embedder without intelligence: a text is near to those that share its words.

    ``means`` gives words that count as another one, as a model would know them.
    """

    DIMENSIONS = 512

    def __init__(self, means=None):
        self.means = means or {}
        self.asked = []

    async def embed(self, texts):
        self.asked += texts
        return [self.vector(text) for text in texts]

    def vector(self, text):
        vector = [0.0] * self.DIMENSIONS
        for word in re.findall(r"\w+", text.casefold()):
            digest = hashlib.sha256(self.means.get(word, word).encode()).digest()
            vector[int.from_bytes(digest[:4], "big") % self.DIMENSIONS] += 1.0
        return vector if any(vector) else [1.0] * self.DIMENSIONS


@pytest.fixture
def hashed():
    return Hashed


@pytest.fixture
def lookup():
    """Answers ``resource`` with an embedder, as an agent that declares it does."""

    def answering(embedder):
        async def find(kind, name):
            assert (kind, name) == ("embedding_models", "near")
            return embedder

        return find

    return answering


@pytest.fixture
def using():
    """Runs ``talk`` with an open memory."""

    def run(memory, talk):
        async def go():
            await memory.open()
            try:
                return await talk(memory)
            finally:
                await memory.close()

        return asyncio.run(asyncio.wait_for(go(), 60))

    return run
