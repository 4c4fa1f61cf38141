"""The store is what every vector store is: in a folder, and on a server over HTTP."""

from __future__ import annotations

from functools import partial

import pytest

from headrace.testing import VectorStoreSuite
from headrace_chroma import ChromaVectorStore


class TestInAFolder(VectorStoreSuite):
    exact = False

    @pytest.fixture
    def stores(self, tmp_path):
        return lambda collection: ChromaVectorStore(str(tmp_path / "chroma"), collection=collection)


class TestOnAServer(VectorStoreSuite):
    exact = False

    @pytest.fixture
    def stores(self, database):
        return partial(_on, database)


def _on(database, collection):
    return ChromaVectorStore(collection=collection, **database)
