"""A vector store in Chroma, embedded or on a server, for headrace.

Chroma is imported when a worker opens the store, and not before.
"""

from __future__ import annotations

from headrace_chroma._errors import ChromaVectorError
from headrace_chroma._store import ChromaVectorStore

__all__ = ["ChromaVectorError", "ChromaVectorStore"]
