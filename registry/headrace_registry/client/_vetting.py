"""A catalogue is read by people and by uv: what could mislead either is refused whole.

The signature says who wrote it, and not that it is harmless.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from headrace_registry.errors import CatalogueError

if TYPE_CHECKING:
    from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseFile

__all__ = ["is_plain", "vet"]

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # ASCII only: look-alikes are other characters
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILENAME = re.compile(r"[A-Za-z0-9._+!-]{1,250}\.whl")

_PLAIN = re.compile(
    r"([a-z0-9]+(?:_[a-z0-9]+)*)-([0-9]+(?:\.[0-9]+)*)-[a-z0-9_.]+-[a-z0-9_.]+-[a-z0-9_.]+\.whl"
)


def vet(catalogue: Catalogue, registry: str) -> None:
    """Refuses a catalogue with names, versions or files that are not plain.

    Raises:
        CatalogueError: Says which.
    """
    names = [one.name for one in catalogue.packages]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _refused(registry, f"the package {twice!r} is in it twice")
    requirements: set[str] = set()
    for package in catalogue.packages:
        if not _NAME.fullmatch(package.name):
            raise _refused(
                registry,
                f"the package name {package.name!a} is not in its normal form "
                "(a-z, 0-9 and single dashes): it may be mistaken for another",
            )
        versions = {one.version for one in package.releases}
        if len(versions) != len(package.releases):
            raise _refused(registry, f"{package.name} has a version twice")
        for release in package.releases:
            _vet_release(package, release, registry)
            requirements.update(release.requires)
    for text in requirements:
        try:
            Requirement(text)
        except InvalidRequirement:
            raise _refused(registry, f"{text!a} is no requirement") from None


def is_plain(package: str, file: ReleaseFile) -> bool:
    """Whether a package's name, and a file's name and digest, may be parts of a path."""
    return bool(
        _NAME.fullmatch(package)
        and _FILENAME.fullmatch(file.filename)
        and _SHA256.fullmatch(file.sha256)
    )


def _vet_release(package: Package, release: Release, registry: str) -> None:
    where = f"{package.name} {release.version!a}"
    try:
        if _normal(release.version) != release.version:
            raise _refused(registry, f"{where}: the version is not in its normal form")
        _check_specifier(release.requires_python)
    except (InvalidVersion, InvalidSpecifier) as error:
        raise _refused(registry, f"{where}: {error}") from None
    filenames = {one.filename for one in release.files}
    if len(filenames) != len(release.files):
        raise _refused(registry, f"{where} has a file twice")
    for file in release.files:
        _vet_file(package, release, file, f"{where}: {file.filename!a}", registry)


def _vet_file(
    package: Package, release: Release, file: ReleaseFile, where: str, registry: str
) -> None:
    if not _FILENAME.fullmatch(file.filename):
        raise _refused(registry, f"{where} is not a wheel's name")
    try:
        name, version = _parsed(file.filename)
    except InvalidWheelFilename as error:
        raise _refused(registry, f"{where}: {error}") from None
    if (name, version) != (package.name, release.version):
        raise _refused(registry, f"{where} is of another package or version")
    if not _SHA256.fullmatch(file.sha256) or not _SHA256.fullmatch(file.metadata_sha256):
        raise _refused(registry, f"{where} has no proper digest")
    if file.size < 0:
        raise _refused(registry, f"{where} has no proper size")


@lru_cache(maxsize=4096)
def _normal(version: str) -> str:
    return str(Version(version))


@lru_cache(maxsize=1024)
def _check_specifier(text: str) -> None:
    SpecifierSet(text)


def _parsed(filename: str) -> tuple[str, str]:
    """The package and version of a wheel's name."""
    plain = _PLAIN.fullmatch(filename)
    if plain:  # as nearly all are; the careful way takes 50 times as long
        return plain[1].replace("_", "-"), _normal(plain[2])
    name, version, _, _ = parse_wheel_filename(filename)
    return str(name), str(version)


def _refused(registry: str, why: str) -> CatalogueError:
    return CatalogueError(
        f"registry {registry!r}: its catalogue was not taken\n  why:   {why}\n"
        "  next:  tell its keeper"
    )
