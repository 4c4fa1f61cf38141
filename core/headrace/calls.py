"""The names of durable calls, in journals, recordings, records and the rules of replays.

What the runtime serves is named by its kind: ``chat:MODEL``, ``tool:NAME``, ``memory:VERB``. A
function is named by where it is, ``module:name``; one whose module is called like a kind has
``function:`` before that.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["KINDS", "function_name", "kind_of"]

KINDS: Final = frozenset(
    {"agent", "approval", "chat", "memory", "prompt", "retrieval", "suggestions", "tool"}
)
"""What the runtime serves."""
_FUNCTION: Final = "function"


def function_name(function: Any) -> str:
    """The name of a call of a function, or of anything else that can be called."""
    plain = getattr(function, "__func__", function)
    named = plain if hasattr(plain, "__qualname__") else type(plain)
    prefix = f"{_FUNCTION}:" if named.__module__ in {*KINDS, _FUNCTION} else ""
    return f"{prefix}{named.__module__}:{named.__qualname__}"


def kind_of(name: str) -> str:
    """What is called: one of ``KINDS``, or ``function``."""
    kind = name.partition(":")[0]
    return kind if kind in KINDS else _FUNCTION
