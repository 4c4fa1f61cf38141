"""The kit for authors of plugins: one conformance class for each kind, for pytest.

For authors of agents there is ``effects_of``: the effects that one asks for, without doing them.

Subclass the class of your plugin's kind in a test module and say how to make its object; the
inherited tests say what the runtime relies on. It needs ``headrace-core[testing]``.
"""

from __future__ import annotations

from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pytest

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.testing._action_stores import ActionStoreSuite
    from headrace.testing._chat_models import ChatBackend, ChatModelSuite
    from headrace.testing._effects import AskedEffect, effects_of
    from headrace.testing._embedding_models import EmbeddingModelSuite
    from headrace.testing._memory import MemoryBackendSuite
    from headrace.testing._prompts import PromptSuite
    from headrace.testing._suite import Suite
    from headrace.testing._toolsets import ToolsetSuite
    from headrace.testing._vector_stores import VectorStoreSuite

_HOMES = {
    "_action_stores": ("ActionStoreSuite",),
    "_chat_models": ("ChatBackend", "ChatModelSuite"),
    "_effects": ("AskedEffect", "effects_of"),
    "_embedding_models": ("EmbeddingModelSuite",),
    "_memory": ("MemoryBackendSuite",),
    "_prompts": ("PromptSuite",),
    "_suite": ("Suite",),
    "_toolsets": ("ToolsetSuite",),
    "_vector_stores": ("VectorStoreSuite",),
}

__all__ = [
    "ActionStoreSuite",
    "AskedEffect",
    "ChatBackend",
    "ChatModelSuite",
    "EmbeddingModelSuite",
    "MemoryBackendSuite",
    "PromptSuite",
    "Suite",
    "ToolsetSuite",
    "VectorStoreSuite",
    "effects_of",
]


# So that a failing assertion tells its values, as in a test module.
pytest.register_assert_rewrite(*(f"{__name__}.{part.name}" for part in iter_modules(__path__)))


__getattr__ = lazily(__name__, _HOMES)
