"""A vector store in one SQLite file for headrace.

SQLite's extension is loaded when a worker opens the store, and not before.
"""

from __future__ import annotations

from headrace_sqlite_vec._errors import SqliteVectorError
from headrace_sqlite_vec._store import SqliteVectorStore

__all__ = ["SqliteVectorError", "SqliteVectorStore"]
