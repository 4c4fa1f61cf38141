"""What the tests of plugins of models ask with: ``opened`` and ``opened_embedder`` are theirs."""

from __future__ import annotations

import pytest
from tests.loopback import asking, embedding, streaming


@pytest.fixture
def ask(opened):
    """Asks once and gives the answer."""
    return asking(opened)


@pytest.fixture
def stream(opened):
    """Asks once for a stream; gives the answer and the parts that were told."""
    return streaming(opened)


@pytest.fixture
def embed(opened_embedder):
    """Embeds texts once."""
    return embedding(opened_embedder)
