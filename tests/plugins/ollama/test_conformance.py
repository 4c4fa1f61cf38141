"""What the runtime relies on, by the kit for authors of plugins."""

from __future__ import annotations

import pytest

from headrace.testing import ChatModelSuite, EmbeddingModelSuite
from headrace_ollama import OllamaEmbeddingModel


class TestOllamaChatModel(ChatModelSuite):
    forces_tools = False

    @pytest.fixture
    def backend(self, provider):
        return provider


class TestOllamaEmbeddingModel(EmbeddingModelSuite):
    @pytest.fixture
    def model(self, provider):
        return OllamaEmbeddingModel("embed-test", host=provider.url)
