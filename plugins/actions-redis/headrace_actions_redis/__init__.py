"""An action store in Redis for headrace.

The client is imported when a worker opens the store, and not before.
"""

from __future__ import annotations

from headrace_actions_redis._store import RedisActionStore

__all__ = ["RedisActionStore"]
