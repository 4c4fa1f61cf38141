"""Changes of a project's packages: planned and shown first, then made whole or not at all."""

from __future__ import annotations

from headrace_registry.changes._adding import plan_add
from headrace_registry.changes._applying import apply
from headrace_registry.changes._choosing import Chosen, UnknownNameError, choose
from headrace_registry.changes._diffs import skill_diffs
from headrace_registry.changes._moves import release_of
from headrace_registry.changes._planning import Plan
from headrace_registry.changes._project import LOCK, PYPROJECT, Project, open_project
from headrace_registry.changes._removing import plan_remove
from headrace_registry.changes._review import Kind, Move, Objection, Review, objections
from headrace_registry.changes._updating import plan_update

__all__ = [
    "LOCK",
    "PYPROJECT",
    "Chosen",
    "Kind",
    "Move",
    "Objection",
    "Plan",
    "Project",
    "Review",
    "UnknownNameError",
    "apply",
    "choose",
    "objections",
    "open_project",
    "plan_add",
    "plan_remove",
    "plan_update",
    "release_of",
    "skill_diffs",
]
