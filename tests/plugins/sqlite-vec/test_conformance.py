"""The store is what every vector store is, in a file and in memory."""

from __future__ import annotations

import pytest

from headrace.testing import VectorStoreSuite
from headrace_sqlite_vec import SqliteVectorStore


class TestInAFile(VectorStoreSuite):
    @pytest.fixture
    def stores(self, tmp_path):
        path = tmp_path / "made" / "when needed" / "vectors.db"
        return lambda collection: SqliteVectorStore(str(path), collection=collection)


class TestInMemory(VectorStoreSuite):
    persists = False

    @pytest.fixture
    def stores(self):
        return lambda collection: SqliteVectorStore(":memory:", collection=collection)
