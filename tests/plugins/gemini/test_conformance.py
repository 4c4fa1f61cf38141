"""What the runtime relies on, by the kit for authors of plugins."""

from __future__ import annotations

import pytest

from headrace.testing import ChatModelSuite, EmbeddingModelSuite
from headrace_gemini import GeminiEmbeddingModel


class TestGeminiChatModel(ChatModelSuite):
    @pytest.fixture
    def backend(self, provider):
        return provider


class TestGeminiEmbeddingModel(EmbeddingModelSuite):
    @pytest.fixture
    def model(self, provider):
        return GeminiEmbeddingModel("gemini-embedding-test", base_url=provider.url)
