"""Google's Gemini for headrace, through the official client: chat and embedding models.

The client is imported when a worker opens a model, and not before.
"""

from __future__ import annotations

from headrace_gemini._chat import GeminiChatModel
from headrace_gemini._embeddings import GeminiEmbeddingModel

__all__ = ["GeminiChatModel", "GeminiEmbeddingModel"]
