"""What a project says of registries, targets and sources, in ``[tool.agents]``.

For example::

    [tool.agents]
    targets = [{ python = "3.11", platform = "linux/amd64", flink = "2.3" }]
    index = "https://packages.example.org/simple"
    build = ["dill==0.3.1.1"]

    [tool.agents.registries.main]
    url = "https://skills.example.org"
    key = "sha256:..."

    [tool.agents.sources]
    skill-log-triage = "main"
    pydantic = "index"
    skill-house-rules = { from = "git+https://example.org/rules@v2", digest = "sha256:..." }
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from headrace.flink.releases import RELEASES, release_of
from headrace_registry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "INDEX",
    "NAMES",
    "PLATFORMS",
    "PYTHONS",
    "VENDOR",
    "ProjectSettings",
    "RegistrySettings",
    "Source",
    "Target",
    "read_settings",
    "without_credentials",
]

NAMES = ("targets", "index", "build", "registries", "sources")
"""The names of ``[tool.agents]`` that are read here."""
INDEX = "index"
"""What the package index is called in ``sources``: where all comes from that no registry has."""
VENDOR = "vendor"
"""What the project's own folder of wheels is called."""
PLATFORMS = ("linux/amd64", "linux/arm64", "macos/arm64")
"""The platforms that a target may name."""
PYTHONS = ("3.10", "3.11", "3.12")
"""The versions of Python that a target may name: those that headrace and Flink run on."""
_RESERVED = (INDEX, VENDOR)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]+")  # normalised as PEP 503 has it
_KEY = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that the project's jobs run on."""

    python: str
    """Its Python, such as ``3.11``."""
    platform: str
    """Its system and processor, one of ``PLATFORMS``."""
    flink: str | None = field(default=None, compare=False)
    """The line of Flink that its cluster is of, such as ``1.20``; ``None``: as it is resolved. What
    machine it is does not depend on that."""

    def as_data(self) -> dict[str, str]:
        """As it is written into a project or a lock."""
        data = {"python": self.python, "platform": self.platform}
        return data if self.flink is None else {**data, "flink": self.flink}

    def __str__(self) -> str:
        machine = f"Python {self.python} on {self.platform}"
        return machine if self.flink is None else f"{machine} with Flink {self.flink}"


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """A registry that the project approves of."""

    name: str
    """What the project calls it."""
    url: str
    """Where it is: ``https``, ``http`` or ``file``; without credentials and last slash."""
    key: str | None
    """The fingerprint of its first root of trust; ``None``: it is not signed, and that is known."""
    ca: Path | None = None
    """A file of authorities for its TLS, beside the system's."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a package of the project's own ``vendor/`` folder came from."""

    spec: str
    """What was typed, in full: a path seen from the project, or ``git+https://...@REF#...``."""
    digest: str
    """The content it had: ``sha256:...`` of the wheel."""
    commit: str | None = None
    """For git: the commit that the reference stood for."""


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What the lock and the installer read of a project."""

    folder: Path
    """The project's folder."""
    targets: tuple[Target, ...] = ()
    """What is locked for; empty: this machine."""
    index: str | None = None
    """The package index; ``None``: the environment's, else uv's own."""
    build: tuple[str, ...] = ()
    """Source distributions that may be built, each as ``NAME==VERSION``."""
    registries: tuple[RegistrySettings, ...] = ()
    """The approved registries, in order."""
    bound: Mapping[str, str] = field(default_factory=dict, hash=False)
    """For a package's name, what it comes from: a registry's name, ``index`` or ``vendor``."""
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False)
    """For a package of ``vendor/``, where that came from."""


def read_settings(table: Mapping[str, Any], folder: Path) -> ProjectSettings:
    """Reads ``[tool.agents]``; other names in it are left alone.

    Args:
        table: The table.
        folder: The project's folder, which paths are seen from.

    Raises:
        SettingsError: Something is wrong; says which name, and what it may be.
    """
    registries = _registries(table.get("registries", {}), folder)
    bound, sources = _sources(table.get("sources", {}), {one.name for one in registries})
    index = table.get("index")
    if index is not None:
        index = _url("index", index)
    return ProjectSettings(
        folder=folder,
        targets=_targets(table.get("targets", [])),
        index=index,
        build=_build(table.get("build", [])),
        registries=registries,
        bound=bound,
        sources=sources,
    )


def without_credentials(url: str) -> str:
    """The address without user and password: what may be shown, logged and written."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))


def _targets(said: Any) -> tuple[Target, ...]:
    if not isinstance(said, list):
        raise _wrong("targets", 'a list of { python = "3.11", platform = "linux/amd64" }', said)
    found: list[Target] = []
    for one in said:
        if not isinstance(one, dict) or set(one) - {"flink"} != {"python", "platform"}:
            raise _wrong("targets", '{ python = "3.11", platform = "linux/amd64" } each', one)
        if one["python"] not in PYTHONS:
            raise _wrong("targets.python", f"one of {', '.join(PYTHONS)}", one["python"])
        if one["platform"] not in PLATFORMS:
            raise _wrong("targets.platform", f"one of {', '.join(PLATFORMS)}", one["platform"])
        target = Target(one["python"], one["platform"], _flink(one))
        other = next((same for same in found if same == target), target)
        if other.flink != target.flink:
            raise SettingsError(
                f"tool.agents.targets has one machine twice: {other}, and {target}\n"
                "  why:   a lock has one version of each package for a machine\n"
                "  next: leave one of them; for another line of Flink, a project of its own"
            )
        found.append(target)
    return tuple(dict.fromkeys(found))


def _flink(said: Mapping[str, Any]) -> str | None:
    line = said.get("flink")
    if line is None:
        return None
    release = release_of(line) if isinstance(line, str) else None
    if release is None or line != release.line:
        known = ", ".join(one.line for one in RELEASES)
        raise _wrong("targets.flink", f"a line of Flink's releases: {known}", line)
    if said["python"] not in release.pythons:
        raise SettingsError(
            f"tool.agents.targets: Flink {line} has no PyFlink for Python {said['python']}\n"
            f"  why:   there is one for {' and '.join(release.pythons)}\n"
            "  next: another python, or a newer line of Flink"
        )
    return str(line)


def _build(said: Any) -> tuple[str, ...]:
    if not isinstance(said, list):
        raise _wrong("build", 'a list of "NAME==VERSION"', said)
    if not said:
        return ()
    from packaging.requirements import InvalidRequirement, Requirement  # slow to load
    from packaging.utils import canonicalize_name

    found = []
    for one in said:
        try:
            asked = Requirement(one)
        except (InvalidRequirement, TypeError):
            raise _wrong("build", '"NAME==VERSION" each', one) from None
        pins = [part for part in asked.specifier if part.operator == "=="]
        if len(asked.specifier) != 1 or len(pins) != 1 or pins[0].version.endswith("*"):
            raise _wrong("build", '"NAME==VERSION" each: what is built is named exactly', one)
        found.append(f"{canonicalize_name(asked.name)}=={pins[0].version}")
    return tuple(dict.fromkeys(found))


def _registries(said: Any, folder: Path) -> tuple[RegistrySettings, ...]:
    if not isinstance(said, dict):
        raise _wrong("registries", "a table of tables", said)
    found = []
    for name, table in said.items():
        where = f"registries.{name}"
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise _wrong(where, f"named by a-z, 0-9 and -, and not {' or '.join(_RESERVED)}", name)
        if not isinstance(table, dict):
            raise _wrong(where, 'a table with "url" and "key"', table)
        for one in table:
            if one not in ("url", "key", "unsigned", "ca"):
                raise _wrong(where, "of url, key, unsigned and ca", one)
        key, unsigned = table.get("key"), table.get("unsigned", False)
        if not isinstance(unsigned, bool):
            raise _wrong(f"{where}.unsigned", "true or false", unsigned)
        if unsigned == (key is not None):
            raise SettingsError(
                f"[tool.agents.{where}] has {'both' if key else 'neither'} of key and unsigned\n"
                f"  next: agents registry add {name} {table.get('url', 'URL')}"
            )
        if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise _wrong(f"{where}.key", "sha256: and 64 hexadecimal digits", key)
        ca = table.get("ca")
        if ca is not None and not isinstance(ca, str):
            raise _wrong(f"{where}.ca", "the path of a file", ca)
        url = _url(f"{where}.url", table.get("url"), folder)
        found.append(RegistrySettings(name, url, key, None if ca is None else folder / ca))
    return tuple(found)


def _sources(said: Any, registries: set[str]) -> tuple[dict[str, str], dict[str, Source]]:
    if not isinstance(said, dict):
        raise _wrong("sources", "a table", said)
    bound: dict[str, str] = {}
    sources: dict[str, Source] = {}
    for name, value in said.items():
        package = _SEPARATORS.sub("-", name).lower()
        where = f"sources.{name}"
        if isinstance(value, str):
            if value != INDEX and value not in registries:
                raise _wrong(where, f"a registry of this project, or {INDEX!r}", value)
            bound[package] = value
            continue
        fields = set(value) if isinstance(value, dict) else set()
        if not {"from", "digest"} <= fields <= {"from", "digest", "commit"} or not all(
            isinstance(one, str) for one in value.values()
        ):
            raise _wrong(where, 'a registry\'s name, or { from = "...", digest = "..." }', value)
        bound[package] = VENDOR
        sources[package] = Source(value["from"], value["digest"], value.get("commit"))
    return bound, sources


def _url(where: str, said: Any, folder: Path | None = None) -> str:
    if not isinstance(said, str) or not said.strip():
        raise _wrong(where, "an address", said)
    text = said.strip().rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http", "file"):
        if parts.scheme == "" and folder is not None:  # a folder, seen from the project
            return (folder / text).resolve().as_uri()
        raise _wrong(where, "an address with https, http or file", without_credentials(text))
    if "@" in parts.netloc:
        raise SettingsError(
            f"tool.agents.{where} holds a password, which does not belong in a project\n"
            f"  where: {without_credentials(text)}\n"
            "  next: take it out, and put it into ~/.netrc or a keyring"
        )
    return text


def _wrong(name: str, expected: str, value: Any) -> SettingsError:
    return SettingsError(f"tool.agents.{name} must be {expected}, and is {value!r}")
