"""What a project wants locked, and the digest by which an unchanged wish is known."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from headrace_registry.locking.targets import targets_of
from headrace_registry.settings import VENDOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Protocol

    from packaging.requirements import Requirement

    from headrace_registry.catalogue import Catalogue, ReleaseFile
    from headrace_registry.settings import ProjectSettings, RegistrySettings

    class Snapshot(Protocol):
        """A registry at one moment, verified; ``headrace_registry.client`` makes them."""

        @property
        def registry(self) -> RegistrySettings:
            """Which registry it is."""

        @property
        def version(self) -> int:
            """Its version."""

        @property
        def catalogue(self) -> Catalogue:
            """What it has."""

        @property
        def digest(self) -> str:
            """The digest of the catalogue's bytes."""

        def file_url(self, package: str, file: ReleaseFile) -> str:
            """Where a wheel of it is."""


__all__ = ["Wanted", "file_sha256", "inputs_digest", "package_index", "text_of", "vendored"]

_ORDER = ("===", "==", "~=", ">=", ">", "!=", "<=", "<")
_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lock is made from."""

    requirements: tuple[Requirement, ...]
    """The project's own requirements."""
    requires_python: str
    """The Pythons that the project is for; empty: any."""
    settings: ProjectSettings
    """Its targets, registries and bindings."""
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict, hash=False)
    """The approved registries' catalogues by name; not part of the inputs' digest."""
    vendor: Mapping[str, tuple[Path, ...]] = field(default_factory=dict, hash=False)
    """The wheels of the project's ``vendor/`` folder by normalised package name."""
    index: str | None = None
    """The package index, perhaps with credentials; ``None``: uv's own. See ``package_index``."""


def package_index(settings: ProjectSettings) -> str | None:
    """The package index: the project's, else the one that the environment names for uv or pip."""
    said = (os.environ.get(name, "").strip() for name in _INDEX_VARIABLES)
    return settings.index or next((one for one in said if one), None)


def vendored(settings: ProjectSettings) -> dict[str, tuple[Path, ...]]:
    """The wheels of ``vendor/`` that the project says the source of, or lets build, by package."""
    built = {text.partition("==")[0] for text in settings.build}
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted((settings.folder / VENDOR).glob("*.whl")):
        name = str(canonicalize_name(path.name.partition("-")[0]))
        if name in settings.sources or name in built:
            found[name] = (*found.get(name, ()), path)
    return found


def inputs_digest(wanted: Wanted) -> str:
    """The digest of all that a lock depends on, but for what registries and index have now."""
    settings = wanted.settings
    data: dict[str, Any] = {
        "requirements": sorted({text_of(one) for one in wanted.requirements}),
        "requires-python": ",".join(sorted(wanted.requires_python.replace(" ", "").split(","))),
        "targets": sorted(str(one) for one in targets_of(settings)),
        "index": settings.index,
        "build": sorted(settings.build),
        "registries": sorted((one.name, one.url, one.key or "") for one in settings.registries),
        "bound": dict(settings.bound),
        "vendor": {
            name: {one.name: file_sha256(one) for one in wheels}
            for name, wheels in wanted.vendor.items()
        },
    }
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def text_of(requirement: Requirement) -> str:
    """A requirement in one form, however it was written."""
    extras = ",".join(sorted(str(canonicalize_name(one)) for one in requirement.extras))
    parts = sorted(requirement.specifier, key=lambda one: (_ORDER.index(one.operator), one.version))
    specifiers = ",".join(map(str, parts))
    return (
        str(canonicalize_name(requirement.name))
        + (f"[{extras}]" if extras else "")
        + (f" @ {requirement.url}" if requirement.url else specifiers)
        + (f" ; {requirement.marker}" if requirement.marker else "")
    )


def file_sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
