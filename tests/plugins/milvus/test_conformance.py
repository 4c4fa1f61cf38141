"""The store is what every vector store is, in a file of Milvus Lite."""

from __future__ import annotations

import pytest

from headrace.testing import VectorStoreSuite
from headrace_milvus import MilvusVectorStore


@pytest.mark.slow
class TestInAFile(VectorStoreSuite):
    @pytest.fixture
    def stores(self, tmp_path):
        return lambda collection: MilvusVectorStore(
            str(tmp_path / "vectors.db"), collection=collection
        )
