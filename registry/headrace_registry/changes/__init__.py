"""Changes of a project's packages: planned and shown first, then made whole or not at all."""

from __future__ import annotations

from headrace_registry.changes._choosing import Chosen, UnknownNameError, choose
from headrace_registry.changes._diffs import skill_diffs
from headrace_registry.changes._review import Kind, Move, Objection, Review, objections

__all__ = [
    "Chosen",
    "Kind",
    "Move",
    "Objection",
    "Review",
    "UnknownNameError",
    "choose",
    "objections",
    "skill_diffs",
]
