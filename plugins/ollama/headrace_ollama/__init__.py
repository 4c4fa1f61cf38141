"""Ollama's chat and embedding models for headrace, through the official client.

The client is imported when a worker opens a model, and not before.
"""

from __future__ import annotations

from headrace_ollama._chat import OllamaChatModel
from headrace_ollama._embeddings import OllamaEmbeddingModel

__all__ = ["OllamaChatModel", "OllamaEmbeddingModel"]
