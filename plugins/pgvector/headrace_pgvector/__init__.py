"""A vector store in PostgreSQL, by pgvector, for headrace.

The driver is imported when a worker opens the store, and not before.
"""

from __future__ import annotations

from headrace_pgvector._errors import PgVectorError
from headrace_pgvector._store import PgVectorStore

__all__ = ["PgVectorError", "PgVectorStore"]
