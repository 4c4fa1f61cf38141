"""What the runtime relies on in every model, by the kit for authors of plugins."""

from __future__ import annotations

import pytest

from headrace.testing import ChatModelSuite, EmbeddingModelSuite
from headrace_bedrock import BedrockEmbeddingModel


class TestBedrockChatModel(ChatModelSuite):
    @pytest.fixture
    def backend(self, provider):
        return provider


class TestTitan(EmbeddingModelSuite):
    @pytest.fixture
    def model(self, provider):
        return BedrockEmbeddingModel(
            "amazon.titan-embed-text-v2:0", region="eu-west-1", base_url=provider.url
        )


class TestCohere(EmbeddingModelSuite):
    @pytest.fixture
    def model(self, provider):
        return BedrockEmbeddingModel(
            "cohere.embed-multilingual-v3", region="eu-west-1", base_url=provider.url
        )
