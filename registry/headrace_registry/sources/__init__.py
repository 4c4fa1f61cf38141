"""Where packages come from beside registries: folders, zips, wheels and git repositories."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

_COLLECTING = "headrace_registry.sources._collecting"  # the audit and git: not for a mere name
_HOME = dict.fromkeys(("collect", "skills_in", "what_changed"), _COLLECTING)


def __getattr__(name: str) -> Any:
    try:
        module = importlib.import_module(_HOME[name])
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
