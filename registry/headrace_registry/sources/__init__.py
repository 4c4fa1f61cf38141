"""Where packages come from beside registries: folders, zips, wheels and git repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily
from headrace_registry.sources._specs import (
    FolderSpec,
    GitSpec,
    NameSpec,
    Spec,
    WheelSpec,
    ZipSpec,
    parse_spec,
)
from headrace_registry.sources._values import Collected, CollectedSkill, FoundSkill

if TYPE_CHECKING:
    from headrace_registry.sources._collecting import collect, skills_in, what_changed

__all__ = [
    "Collected",
    "CollectedSkill",
    "FolderSpec",
    "FoundSkill",
    "GitSpec",
    "NameSpec",
    "Spec",
    "WheelSpec",
    "ZipSpec",
    "collect",
    "parse_spec",
    "skills_in",
    "what_changed",
]


# The audit and git: not for a mere name.
__getattr__ = lazily(__name__, {"_collecting": ("collect", "skills_in", "what_changed")})


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
