"""The project's own wheels, in ``vendor/``: made of sources, kept with the project."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from headrace_registry.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace_registry.settings import Source
    from headrace_registry.sources._values import Collected

__all__ = ["VENDOR_FOLDER", "unneeded_wheels", "vendor_wheel", "vendored"]

VENDOR_FOLDER = "vendor"
"""Where they are, seen from the project."""


def vendor_wheel(project: Path, collected: Collected) -> Path:
    """Where the wheel of a source belongs; it is not written."""
    return project / VENDOR_FOLDER / collected.filename


def vendored(project: Path, sources: Mapping[str, Source]) -> dict[str, Path]:
    """The wheels of ``vendor/`` by their packages: for each source, the one that it recorded.

    Raises:
        SourceError: One is missing, or was changed; says how to have it again.
    """
    there = _wheels(project)
    found = {}
    for package, source in sources.items():
        alike = [path for path, name in there.items() if name == package]
        path = next((one for one in alike if _digest(one) == source.digest), None)
        if path is None:
            state = "was changed" if alike else "is missing"
            raise SourceError(
                f"the wheel of {package} in {VENDOR_FOLDER}/ {state}\n"
                f"  where: {project / VENDOR_FOLDER}; it was made of {source.spec}\n"
                "  next:  have it from version control again, or agents skills update "
                f"{package}"
            )
        found[package] = path
    return found


def unneeded_wheels(project: Path, sources: Mapping[str, Source]) -> tuple[Path, ...]:
    """The wheels of ``vendor/`` that no source of the project recorded."""
    wanted = {(package, source.digest) for package, source in sources.items()}
    return tuple(
        path
        for path, name in sorted(_wheels(project).items())
        if (name, _digest(path)) not in wanted
    )


def _wheels(project: Path) -> dict[Path, str]:
    """The wheels with their packages."""
    found = {}
    for path in sorted((project / VENDOR_FOLDER).glob("*.whl")):
        try:
            name, _, _, _ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if path.is_file() and not path.is_symlink():
            found[path] = str(name)
    return found


def _digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
