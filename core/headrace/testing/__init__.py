"""The kit for authors of plugins: one conformance class for each kind, for pytest.

Subclass the class of your plugin's kind in a test module and say how to make its object; the
inherited tests say what the runtime relies on. It needs ``headrace-core[testing]``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from headrace.testing._chat_models import ChatBackend, ChatModelSuite
    from headrace.testing._embedding_models import EmbeddingModelSuite
    from headrace.testing._memory import MemoryBackendSuite
    from headrace.testing._suite import Suite
    from headrace.testing._toolsets import ToolsetSuite
    from headrace.testing._vector_stores import VectorStoreSuite

_HOMES = {
    "ChatBackend": "_chat_models",
    "ChatModelSuite": "_chat_models",
    "EmbeddingModelSuite": "_embedding_models",
    "MemoryBackendSuite": "_memory",
    "Suite": "_suite",
    "ToolsetSuite": "_toolsets",
    "VectorStoreSuite": "_vector_stores",
}

__all__ = [
    "ChatBackend",
    "ChatModelSuite",
    "EmbeddingModelSuite",
    "MemoryBackendSuite",
    "Suite",
    "ToolsetSuite",
    "VectorStoreSuite",
]


# So that a failing assertion tells its values, as in a test module.
pytest.register_assert_rewrite(*(f"{__name__}.{home}" for home in sorted(set(_HOMES.values()))))


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"headrace.testing.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
