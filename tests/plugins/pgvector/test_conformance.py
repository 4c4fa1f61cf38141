"""The store is what every vector store is, exact and with an index."""

from __future__ import annotations

from functools import partial

import pytest

from headrace.testing import VectorStoreSuite


class TestExact(VectorStoreSuite):
    @pytest.fixture
    def stores(self, stores):
        return stores


class TestWithAnIndex(VectorStoreSuite):
    exact = False

    @pytest.fixture
    def stores(self, stores):
        return partial(stores, index="hnsw")
