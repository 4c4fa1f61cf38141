"""The machines that are locked for: their markers, tags and Pythons."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from headrace_registry.errors import SettingsError
from headrace_registry.settings import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.requirements import Requirement
    from packaging.tags import Tag

    from headrace_registry.settings import ProjectSettings

__all__ = [
    "GLIBC",
    "MACOS",
    "best_wheel",
    "environment",
    "fits",
    "flink_of",
    "machine",
    "marker",
    "python_range",
    "tags",
    "targets_of",
    "this_machine",
]

GLIBC = (2, 28)
"""The oldest C library of a Linux target: a wheel that needs a later one is not locked."""
MACOS = (14, 0)
"""The oldest macOS of a target."""

_SYSTEMS = {
    "linux/amd64": ("linux", "x86_64", "Linux"),
    "linux/arm64": ("linux", "aarch64", "Linux"),
    "macos/arm64": ("darwin", "arm64", "Darwin"),
}
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_FIRST_GLIBC = {"x86_64": 5, "aarch64": 17}


def this_machine() -> Target:
    """The target that this machine is.

    Raises:
        SettingsError: It is none that can be locked for.
    """
    return machine(f"{sys.version_info.major}.{sys.version_info.minor}")


def machine(python: str) -> Target:
    """The target that a Python of this machine is.

    Raises:
        SettingsError: It is none that can be locked for.
    """
    have = (sys.platform, platform.machine())
    for name, (system, machine, _) in _SYSTEMS.items():
        if have == (system, machine):
            return Target(python, name)
    raise SettingsError(
        f"this machine ({have[0]}, {have[1]}) is none that can be locked for\n"
        '  next: say which are meant: [tool.agents] targets = [{ python = "3.11", '
        'platform = "linux/amd64" }]'
    )


def targets_of(settings: ProjectSettings) -> tuple[Target, ...]:
    """What a project is locked for; this machine where it says nothing."""
    return settings.targets or (this_machine(),)


def flink_of(targets: Sequence[Target], requires_python: str) -> tuple[Requirement, ...]:
    """What targets require for the line of Flink that they name, each for itself."""
    from packaging.requirements import Requirement

    return tuple(
        Requirement(f"apache-flink=={one.flink}.* ; {marker(one, requires_python)}")
        for one in targets
        if one.flink is not None
    )


def marker(target: Target, requires_python: str = "") -> str:
    """The marker (PEP 508) that is true on a target and on no other.

    Args:
        target: The target.
        requires_python: The Pythons of the project, which may begin at some patch of the target's.
    """
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    system, machine, _ = _SYSTEMS[target.platform]
    major, minor = map(int, target.python.split("."))
    first = max(
        (
            Version(one.version)
            for one in SpecifierSet(requires_python)
            if one.operator in (">=", ">") and Version(one.version).release[:2] == (major, minor)
        ),
        default=Version(target.python),
    )
    return (
        f"python_full_version >= '{first}' and python_full_version < '{major}.{minor + 1}'"
        f" and sys_platform == '{system}' and platform_machine == '{machine}'"
    )


def python_range(targets: Sequence[Target], requires_python: str) -> str:
    """The Pythons of the targets, within those of the project.

    Raises:
        SettingsError: A target's Python is none of the project's.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(requires_python)
    except InvalidSpecifier as error:
        raise SettingsError(f"requires-python cannot be read: {error}") from None
    for one in targets:
        if not any(wanted.contains(f"{one.python}.{micro}") for micro in range(40)):
            raise SettingsError(
                f"the target {one} is outside of the project's requires-python, {requires_python}\n"
                "  next: change targets in [tool.agents], or requires-python"
            )
    minors = sorted(int(one.python.split(".")[1]) for one in targets)
    return str(SpecifierSet(f">=3.{minors[0]},<3.{minors[-1] + 1}") & wanted)


def fits(marker_text: str, target: Target) -> tuple[bool, ...]:
    """Whether a marker is true on a target: with the first and a late patch of its Python."""
    from packaging.markers import Marker

    parsed = Marker(marker_text)
    return tuple(parsed.evaluate(environment(target, micro)) for micro in (0, 99))


def environment(target: Target, micro: int = 0, extra: str = "") -> dict[str, str]:
    """What markers (PEP 508) see on a target, with a patch release of its Python."""
    system, machine, name = _SYSTEMS[target.platform]
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{target.python}.{micro}",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": name,
        "platform_version": "",
        "python_full_version": f"{target.python}.{micro}",
        "python_version": target.python,
        "sys_platform": system,
        "extra": extra,
    }


@lru_cache(maxsize=16)
def tags(target: Target) -> dict[Tag, int]:
    """The tags of the wheels that a target can use, and how far down each is: 0 fits best."""
    from packaging.tags import compatible_tags, cpython_tags, mac_platforms

    major, minor = map(int, target.python.split("."))
    system, machine, _ = _SYSTEMS[target.platform]
    if system == "darwin":
        platforms = list(mac_platforms(MACOS, machine))
    else:
        platforms = []
        for small in range(GLIBC[1], _FIRST_GLIBC[machine] - 1, -1):
            platforms.append(f"manylinux_2_{small}_{machine}")
            if (2, small) in _OLD_NAMES:
                platforms.append(f"{_OLD_NAMES[2, small]}_{machine}")
        platforms.append(f"linux_{machine}")
    version = (major, minor)
    found = (
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, interpreter=f"cp{major}{minor}", platforms=platforms),
    )
    return {tag: place for place, tag in enumerate(dict.fromkeys(found))}


def best_wheel(filenames: Iterable[str], target: Target) -> str | None:
    """Of some wheels' names, the one that fits a target best; ``None`` where none does."""
    from packaging.utils import parse_wheel_filename

    known = tags(target)
    found = [
        (min(known[tag] for tag in usable), name)
        for name in filenames
        if (usable := parse_wheel_filename(name)[3] & known.keys())
    ]
    return min(found)[1] if found else None
