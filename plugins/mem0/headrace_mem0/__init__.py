"""Long-term memory by mem0 for headrace.

mem0 is imported when a worker opens the memory, and not before: with its telemetry off, and away
from the home folder.
"""

from __future__ import annotations

from headrace_mem0._memory import Mem0Memory

__all__ = ["Mem0Memory"]
