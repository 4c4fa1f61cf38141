"""What stores and memories rely on, by the kit for authors of plugins."""

from __future__ import annotations

import pytest

from headrace.testing import EmbeddingModelSuite
from headrace_lexical import LexicalEmbeddingModel


class TestLexicalEmbeddingModel(EmbeddingModelSuite):
    @pytest.fixture
    def model(self):
        return LexicalEmbeddingModel()
