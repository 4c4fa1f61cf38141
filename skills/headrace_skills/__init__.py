"""Agent Skills for headrace: read SKILL.md files, find them in pip packages, disclose and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_skills._finding import find_skills
    from headrace_skills._model import (
        BrokenSkill,
        Origin,
        Skill,
        SkillConflict,
        SkillFile,
        SkillSet,
    )
    from headrace_skills._reading import load_body, read_skill
    from headrace_skills.errors import (
        SandboxError,
        SkillBrokenError,
        SkillConflictError,
        SkillError,
        SkillFormatError,
        SkillNotFoundError,
        SkillNotGrantedError,
        SkillPathError,
    )
    from headrace_skills.needs import Grants, Needs, check_granted, needs_of

__all__ = [
    "BrokenSkill",
    "Grants",
    "Needs",
    "Origin",
    "SandboxError",
    "Skill",
    "SkillBrokenError",
    "SkillConflict",
    "SkillConflictError",
    "SkillError",
    "SkillFile",
    "SkillFormatError",
    "SkillNotFoundError",
    "SkillNotGrantedError",
    "SkillPathError",
    "SkillSet",
    "check_granted",
    "find_skills",
    "load_body",
    "needs_of",
    "read_skill",
]

_HOMES = {
    "_finding": ("find_skills",),
    "_model": ("BrokenSkill", "Origin", "Skill", "SkillConflict", "SkillFile", "SkillSet"),
    "_reading": ("load_body", "read_skill"),
    "errors": (
        "SandboxError",
        "SkillBrokenError",
        "SkillConflictError",
        "SkillError",
        "SkillFormatError",
        "SkillNotFoundError",
        "SkillNotGrantedError",
        "SkillPathError",
    ),
    "needs": ("Grants", "Needs", "check_granted", "needs_of"),
}
# Listings need little of this package.
__getattr__ = lazily(__name__, _HOMES)
