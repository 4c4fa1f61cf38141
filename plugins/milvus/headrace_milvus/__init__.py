"""A vector store in Milvus, embedded or on a server, for headrace.

The client is imported when a worker opens the store, and not before.
"""

from __future__ import annotations

from headrace_milvus._errors import MilvusVectorError
from headrace_milvus._store import MilvusVectorStore

__all__ = ["MilvusVectorError", "MilvusVectorStore"]
