"""An action store in PostgreSQL for headrace.

The driver is imported when a worker opens the store, and not before.
"""

from __future__ import annotations

from headrace_actions_postgres._store import PostgresActionStore

__all__ = ["PostgresActionStore"]
