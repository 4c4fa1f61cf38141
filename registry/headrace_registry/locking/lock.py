"""The lock file: ``pylock.toml`` (PEP 751) with hashes, which stock uv and pip install as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from headrace_registry.errors import LockError
from headrace_registry.settings import INDEX, VENDOR, Target
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "LOCK",
    "Lock",
    "LockedPackage",
    "LockedWheel",
    "RegistryState",
    "read_lock",
    "recorded",
]

LOCK = "pylock.toml"
"""What it is called."""
MAX_BYTES = 64 * 1024 * 1024
"""The largest lock that is read."""
_HEADER = """\
# Made by `agents lock`, which writes it anew: what is changed here by hand is lost.
# `agents sync` installs it, and so do `uv pip sync pylock.toml` and `pip install -r pylock.toml`.

"""
_NEXT = "\n  next: agents lock"


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """A wheel that a target may install; it has a ``url`` or a ``path``."""

    filename: str
    """Its name."""
    sha256: str
    """Its digest, in hexadecimal."""
    size: int | None = None
    """Its bytes; ``None`` where the index does not say."""
    url: str | None = None
    """Where it is, without credentials."""
    path: str | None = None
    """Where it is, seen from the lock."""


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A version of a package."""

    name: str
    """Its normalised name."""
    version: str
    """Its version, in its normal form."""
    marker: str | None
    """On which of the targets it is installed; ``None``: on all."""
    origin: str
    """A registry's name, ``index`` or ``vendor``."""
    wheels: tuple[LockedWheel, ...]
    """Its wheels that some target can use, by name."""
    dependencies: tuple[str, ...] = ()
    """The names of the packages of this lock that it requires."""
    index: str | None = None
    """The address of what it came from, as the standard records it."""


@dataclass(frozen=True, slots=True)
class RegistryState:
    """A registry as the lock was made from it."""

    url: str
    """Where it was."""
    key: str | None
    """The fingerprint of its first root of trust; ``None``: not signed."""
    version: int
    """Its version; a registry that shows an older one later is not believed."""
    catalogue: str
    """The digest of its catalogue."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What a project installs, for all of its targets."""

    packages: tuple[LockedPackage, ...]
    """Its packages by name and version."""
    targets: tuple[Target, ...]
    """What it is for."""
    requires_python: str
    """The Pythons that it is for."""
    inputs: str
    """The digest of what it was made from; see ``inputs_digest``."""
    registries: Mapping[str, RegistryState] = field(default_factory=dict, hash=False)
    """The registries by name."""

    def package(self, name: str) -> LockedPackage | None:
        """The package of a normalised name (the first, where targets have different versions)."""
        return next((one for one in self.packages if one.name == name), None)

    def versions(self) -> dict[str, tuple[str, ...]]:
        """The versions of each name: one, unless targets have different ones."""
        found: dict[str, tuple[str, ...]] = {}
        for one in self.packages:
            found[one.name] = (*found.get(one.name, ()), one.version)
        return found

    def as_toml(self) -> str:
        """The file's text: the same for the same lock."""
        from packaging.pylock import Pylock, PylockValidationError
        from tomli_w import dumps

        data = self._as_data()
        try:
            Pylock.from_dict(data)
        except PylockValidationError as error:
            raise LockError(f"what was resolved makes no valid lock: {error}") from None
        return _HEADER + dumps(data)

    def _as_data(self) -> dict[str, Any]:
        from headrace_registry.locking.targets import marker

        ours: dict[str, Any] = {
            "inputs": self.inputs,
            "targets": [one.as_data() for one in self.targets],
        }
        if self.registries:
            ours["registries"] = {
                name: _without_nothing(
                    url=one.url, key=one.key, version=one.version, catalogue=one.catalogue
                )
                for name, one in sorted(self.registries.items())
            }
        return {
            "lock-version": "1.0",
            "created-by": "headrace",
            "requires-python": self.requires_python,
            "environments": [marker(one) for one in self.targets],
            "packages": [self._package_data(one) for one in self.packages],
            "tool": {"agents": ours},
        }

    def _package_data(self, package: LockedPackage) -> dict[str, Any]:
        versions = self.versions()
        wanted = [
            {"name": name} if len(versions[name]) == 1 else {"name": name, "version": version}
            for name in package.dependencies
            for version in (versions[name] if len(versions[name]) > 1 else ("",))
        ]
        return _without_nothing(
            name=package.name,
            version=package.version,
            marker=package.marker,
            dependencies=wanted or None,
            index=package.index,
            wheels=[
                _without_nothing(
                    name=one.filename,
                    url=one.url,
                    path=one.path,
                    size=one.size,
                    hashes={"sha256": one.sha256},
                )
                for one in package.wheels
            ],
        )


def recorded(path: Path) -> str | None:
    """The inputs' digest that a lock file records, read quickly; ``None`` where there is none.

    Raises:
        LockError: The file is no TOML.
    """
    data = _loaded(path)
    if data is None:
        return None
    try:
        inputs = data["tool"]["agents"]["inputs"]
    except (KeyError, TypeError):
        return None
    return inputs if isinstance(inputs, str) else None


def read_lock(path: Path) -> Lock | None:
    """Reads a lock; ``None`` where there is no file.

    Raises:
        LockError: It cannot be read, is not valid, or was made by another tool.
    """
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    data = _loaded(path)
    if data is None:
        return None
    try:
        lock = Pylock.from_dict(data)
    except (PylockValidationError, PylockUnsupportedVersionError) as error:
        raise LockError(f"{path} is no valid lock: {error}{_NEXT}") from None
    if lock.created_by != "headrace" or "agents" not in (lock.tool or {}):
        raise LockError(
            f"{path} was made by {lock.created_by}, and does not say what for\n"
            "  next: move it away, then: agents lock"
        )
    try:
        return _read(data)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise LockError(
            f"{path} was changed by hand, or is damaged: {type(error).__name__}: {error}{_NEXT}"
        ) from None


def _read(data: dict[str, Any]) -> Lock:
    ours = data["tool"]["agents"]
    registries = {
        name: RegistryState(one["url"], one.get("key"), one["version"], one["catalogue"])
        for name, one in ours.get("registries", {}).items()
    }
    by_url = {one.url: name for name, one in registries.items()}
    return Lock(
        packages=tuple(_read_package(one, by_url) for one in data["packages"]),
        targets=tuple(Target(**one) for one in ours["targets"]),
        requires_python=data["requires-python"],
        inputs=ours["inputs"],
        registries=registries,
    )


def _read_package(data: dict[str, Any], by_url: Mapping[str, str]) -> LockedPackage:
    from packaging.version import Version

    wheels = tuple(
        LockedWheel(
            filename=one.get("name") or file_name(one.get("path") or one["url"]),
            sha256=one["hashes"]["sha256"],
            size=one.get("size"),
            url=one.get("url"),
            path=one.get("path"),
        )
        for one in data["wheels"]
    )
    for one in wheels:
        if one.path is not None and (one.path.startswith("/") or ".." in one.path.split("/")):
            raise ValueError(f"a path out of the project: {one.path}")
    origin = VENDOR if wheels[0].path else by_url.get(data.get("index", ""), INDEX)
    return LockedPackage(
        name=data["name"],
        version=str(Version(data["version"])),
        marker=data.get("marker"),
        origin=origin,
        wheels=wheels,
        dependencies=tuple(dict.fromkeys(one["name"] for one in data.get("dependencies", ()))),
        index=data.get("index"),
    )


def file_name(url: str) -> str:
    """The name of the file that an address ends in."""
    return unquote(urlsplit(url).path.rsplit("/", 1)[-1])


def _loaded(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LockError(f"{path} has more than {MAX_BYTES} bytes")
        return parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise LockError(f"{path} is no TOML: {error}{_NEXT}") from None


def _without_nothing(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
