"""Where packages come from beside registries: folders, zips, wheels and git repositories."""

from __future__ import annotations

from headrace_registry.sources._collecting import check_source, collect, skills_in
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
from headrace_registry.sources._vendor import (
    VENDOR_FOLDER,
    unneeded_wheels,
    vendor_wheel,
    vendored,
)

__all__ = [
    "VENDOR_FOLDER",
    "Collected",
    "CollectedSkill",
    "FolderSpec",
    "FoundSkill",
    "GitSpec",
    "NameSpec",
    "Spec",
    "WheelSpec",
    "ZipSpec",
    "check_source",
    "collect",
    "parse_spec",
    "skills_in",
    "unneeded_wheels",
    "vendor_wheel",
    "vendored",
]
