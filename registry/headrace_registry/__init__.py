"""Registries of skills and plugins: static files that stock pip and uv install from.

``site`` builds them, ``pages`` shows them to people, ``trust`` signs and verifies them, ``client``
reads them; ``locking`` resolves and installs, ``sources`` and ``projects`` read and write what a
project has, and ``changes`` is what ``agents skills add`` and its like do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_registry.catalogue import (
        Catalogue,
        Package,
        Release,
        ReleaseFile,
        ReleaseSkill,
        read_catalogue,
    )
    from headrace_registry.errors import RegistryError, WheelError
    from headrace_registry.settings import ProjectSettings, RegistrySettings, Target, read_settings
    from headrace_registry.wheels import Provided, WheelEntry, describe_wheel

__all__ = [
    "Catalogue",
    "Package",
    "ProjectSettings",
    "Provided",
    "RegistryError",
    "RegistrySettings",
    "Release",
    "ReleaseFile",
    "ReleaseSkill",
    "Target",
    "WheelEntry",
    "WheelError",
    "describe_wheel",
    "read_catalogue",
    "read_settings",
]

_HOMES = {
    "catalogue": (
        "Catalogue",
        "Package",
        "Release",
        "ReleaseFile",
        "ReleaseSkill",
        "read_catalogue",
    ),
    "errors": ("RegistryError", "WheelError"),
    "settings": ("ProjectSettings", "RegistrySettings", "Target", "read_settings"),
    "wheels": ("Provided", "WheelEntry", "describe_wheel"),
}

__getattr__ = lazily(__name__, _HOMES)
