"""What a registry has after wheels came in, went, or were yanked: catalogues made of catalogues.

What was published stays as it was: a file name never stands for other bytes.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name, is_normalized_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from headrace_registry.catalogue import Catalogue, Package, Release
from headrace_registry.errors import PublishError, SiteError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from headrace_registry.catalogue import ReleaseFile
    from headrace_registry.site._describing import Described

__all__ = ["GONE", "added", "known_file", "marked_as", "pruned", "reserved", "yanked"]

GONE = "removed from this registry"
"""Why a name is kept whose wheels were taken out; wheels may come back to it."""


def known_file(
    catalogue: Catalogue, package: str, version: str, filename: str, sha256: str
) -> ReleaseFile | None:
    """The file of that name that the registry has; ``None`` where it has none.

    Raises:
        PublishError: It has one, with other contents.
    """
    there = catalogue.by_name.get(package)
    release = _release(there, Version(version)) if there else None
    for file in release.files if release else ():
        if (file.filename, file.sha256) == (filename, sha256):
            return file
        if _same_wheel(file.filename, filename):
            raise PublishError(
                f"{filename} is there already, with other contents: what was published stays "
                "as it was\n"
                f"  there: {file.filename}, sha256 {file.sha256}\n"
                f"  given: sha256 {sha256}\n"
                "  next: give what you changed a new version"
            )
    return None


def added(catalogue: Catalogue, described: Iterable[Described]) -> Catalogue:
    """The catalogue with more wheels.

    Raises:
        PublishError: A name is reserved, or a file is there with other contents, or the wheels
            of one version do not bring the same.
    """
    packages = dict(catalogue.by_name)
    for one in described:
        package = packages.get(one.package) or Package(one.package, ())
        if package.reserved not in (None, GONE):
            raise PublishError(
                f"the name {one.package} is reserved here: {package.reserved}\n"
                f"  next: agents registry reserve {one.package} --undo"
            )
        packages[one.package] = _with_release(package, one)
    return _of(catalogue, packages.values())


def marked_as(catalogue: Catalogue, before: Catalogue) -> Catalogue:
    """The catalogue with the yanks and the kept names of an earlier one."""
    packages = dict(catalogue.by_name)
    for old in before.packages:
        new = packages.get(old.name)
        if new is None:
            packages[old.name] = Package(old.name, (), old.reserved or GONE)
            continue
        marks = {one.version: one.yanked for one in old.releases}
        releases = (replace(one, yanked=marks.get(one.version)) for one in new.releases)
        packages[old.name] = replace(new, releases=tuple(releases))
    return _of(catalogue, packages.values())


def pruned(catalogue: Catalogue, filenames: Collection[str]) -> Catalogue:
    """The catalogue with these files alone; the names of the others stay, without versions."""
    packages = []
    for package in catalogue.packages:
        releases = []
        for release in package.releases:
            kept = tuple(one for one in release.files if one.filename in filenames)
            if kept:
                releases.append(replace(release, files=kept))
        reserved = package.reserved if releases or not package.releases else GONE
        packages.append(Package(package.name, tuple(releases), reserved))
    return _of(catalogue, packages)


def yanked(catalogue: Catalogue, name: str, version: str, reason: str | None) -> Catalogue:
    """The catalogue with a version yanked for a reason, or with ``None`` no more yanked.

    Raises:
        SiteError: There is no such version.
    """
    package = catalogue.by_name.get(canonicalize_name(name))
    try:
        found = _release(package, Version(version)) if package else None
    except InvalidVersion:
        found = None
    if package is None or found is None:
        there = [one.version for one in package.releases] if package else list(catalogue.by_name)
        raise SiteError(
            f"the registry has no {name} {version}\n"
            f"  has:  {', '.join(there[:20]) or 'nothing'}{', ...' if len(there) > 20 else ''}"  # noqa: PLR2004 - what fits
        )
    releases = tuple(
        replace(one, yanked=reason) if one is found else one for one in package.releases
    )
    return _with(catalogue, replace(package, releases=releases))


def reserved(catalogue: Catalogue, name: str, why: str | None) -> Catalogue:
    """The catalogue with a name that is kept without versions, or with ``None`` no more kept.

    Raises:
        SiteError: It is no name, or it is a package that has versions.
    """
    normal = canonicalize_name(name)
    if not normal.isascii() or not is_normalized_name(normal):
        raise SiteError(f"{name!r} is no name of a package")
    package = catalogue.by_name.get(normal)
    if why is None:
        if package is None or package.reserved is None:
            raise SiteError(f"the name {normal} is not reserved here")
        return _of(catalogue, [one for one in catalogue.packages if one.name != normal])
    if package is not None and package.releases:
        raise SiteError(
            f"{normal} is a package of this registry, with {len(package.releases)} versions\n"
            f"  next: agents registry yank {normal} VERSION, for versions that nobody should take"
        )
    return _with(catalogue, Package(normal, (), why))


def _with_release(package: Package, one: Described) -> Package:
    there = _release(package, Version(one.release.version))
    if there is None:
        release = replace(one.release, files=(one.file,))
    else:
        _check_same(there, one)
        names = Catalogue("", (package,))
        known_file(names, package.name, there.version, one.file.filename, one.file.sha256)
        files = {file.filename: file for file in (*there.files, one.file)}
        release = replace(there, files=tuple(files[name] for name in sorted(files)))
    rest = [other for other in package.releases if other is not there]
    releases = sorted([*rest, release], key=lambda r: Version(r.version), reverse=True)
    return Package(package.name, tuple(releases))


def _release(package: Package, version: Version) -> Release | None:
    """The release of a version, however that is written: 1.0 is 1.0.0."""
    return next((one for one in package.releases if Version(one.version) == version), None)


def _check_same(there: Release, one: Described) -> None:
    """Wheels of one version are one thing for several machines: they bring the same."""
    names = (field.name for field in fields(Release) if field.name not in ("files", "yanked"))
    other = [name for name in names if getattr(there, name) != getattr(one.release, name)]
    if other:
        raise PublishError(
            f"{one.file.filename} is not of one make with {there.files[0].filename}, which has "
            f"that version: they differ in {', '.join(other)}\n"
            "  next: give it a new version"
        )


def _same_wheel(name: str, other: str) -> bool:
    return name == other or parse_wheel_filename(name) == parse_wheel_filename(other)


def _with(catalogue: Catalogue, package: Package) -> Catalogue:
    packages = {**catalogue.by_name, package.name: package}
    return _of(catalogue, packages.values())


def _of(catalogue: Catalogue, packages: Iterable[Package]) -> Catalogue:
    return replace(catalogue, packages=tuple(sorted(packages, key=lambda one: one.name)))
