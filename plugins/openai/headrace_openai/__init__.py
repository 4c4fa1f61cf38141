"""OpenAI's chat completions, responses and embeddings for headrace, through the official client.

Also Azure's, and any server that speaks the same. The client is imported when a worker opens a
model, and not before.
"""

from __future__ import annotations

from headrace_openai._chat_model import OpenAIChatModel
from headrace_openai._embedding_model import OpenAIEmbeddingModel
from headrace_openai._responses_model import OpenAIResponsesModel

__all__ = ["OpenAIChatModel", "OpenAIEmbeddingModel", "OpenAIResponsesModel"]
