"""Long-term memory in one SQLite file for headrace, with no model needed."""

from __future__ import annotations

from headrace_memory_sqlite._memory import SqliteMemory

__all__ = ["SqliteMemory"]
