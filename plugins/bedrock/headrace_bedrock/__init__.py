"""Amazon Bedrock for headrace, through AWS's client: chat models by Converse, and embeddings.

The client is imported when a worker opens a model, and not before.
"""

from __future__ import annotations

from headrace_bedrock._chat import BedrockChatModel
from headrace_bedrock._embeddings import BedrockEmbeddingModel

__all__ = ["BedrockChatModel", "BedrockEmbeddingModel"]
