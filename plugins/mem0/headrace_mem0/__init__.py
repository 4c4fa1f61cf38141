"""Long-term memory by mem0 for headrace, and the stores of vectors that mem0 speaks to.

mem0 is imported when a worker opens the memory, and not before: with its telemetry off, and away
from the home folder.
"""

from __future__ import annotations

from headrace_mem0._failures import Mem0VectorError
from headrace_mem0._memory import Mem0Memory
from headrace_mem0._vectors import Mem0VectorStore

__all__ = ["Mem0Memory", "Mem0VectorError", "Mem0VectorStore"]
