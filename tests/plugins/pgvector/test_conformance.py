"""The store is what every vector store is, exact and with an index."""

from __future__ import annotations

from functools import partial

import pytest

from headrace.testing import VectorStoreSuite


class TestExact(VectorStoreSuite):
    @pytest.fixture
    def stores(self, empty):
        return empty


class TestWithAnIndex(VectorStoreSuite):
    exact = False

    @pytest.fixture
    def stores(self, empty):
        return partial(empty, index="hnsw")
