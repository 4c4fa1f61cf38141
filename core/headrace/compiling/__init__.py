"""From an agent's definition to its plan, with every fault that can be known before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.compiling._compilation import compile_agent
    from headrace.compiling._prompts import fields_of, unknown_fields
    from headrace.compiling._triggers import BUILT_IN_EVENTS

_HOMES = {
    "_compilation": ("compile_agent",),
    "_prompts": ("fields_of", "unknown_fields"),
    "_triggers": ("BUILT_IN_EVENTS",),
}

__all__ = ["BUILT_IN_EVENTS", "compile_agent", "fields_of", "unknown_fields"]

__getattr__ = lazily(__name__, _HOMES)
