"""What has to hold between the parts of a job's zip; each check gives its faults, a line each.

All of it was hashed before: a file's content is known by its digest, and is not read again unless
a check reads what stands in it. ``told`` are files that are missing or changed, and were told.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.errors import HeadraceError
from headrace.jobs.manifest import DRIVER, JARS, LAUNCHER, LOCK, PLANS, SBOM, SITE
from headrace_registry.settings import PLATFORMS, PYTHONS, Target
from headrace_registry.toml import parse_toml
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from headrace.jobs.manifest import BundledPackage
    from headrace_registry.bundle._reading import JobZip

__all__ = [
    "info_folders",
    "listed_files",
    "lock_faults",
    "package_faults",
    "part_faults",
    "plan_faults",
    "sbom_faults",
    "target_faults",
]

_INFO = ".dist-info"
_SHOWN = 200
_NAMED = 5  # files of one package that are named
_SHA256 = "sha256="


def part_faults(job: JobZip, told: Collection[str]) -> Iterator[str]:
    """The parts that every job has; the connectors."""
    for name in (LAUNCHER, DRIVER, LOCK, SBOM):
        if name not in job.entries and name not in told:
            yield f"{name}: a job's zip has it, and this one does not"
    if LAUNCHER not in job.manifest.executables:
        yield f"{LAUNCHER}: job.json does not list it as executable"
    named, there = set(job.manifest.jars), _below(job, JARS)
    lacking = sorted(named - there - set(told))
    yield from (f"{_shown(one)}: a jar of job.json that is not there" for one in lacking)
    yield from (f"{one}: a jar that job.json does not name" for one in sorted(there - named))


def plan_faults(job: JobZip, told: Collection[str]) -> Iterator[str]:
    """The agents: each plan is the one of its digest, and no other is there."""
    from headrace.plan import AgentPlan

    named = {one.path for one in job.manifest.plans}
    others = sorted(_below(job, PLANS) - named)
    yield from (f"{one}: a plan that job.json does not name" for one in others)
    if not named:
        yield "job.json names no plan: there is nothing to run"
    for one in job.manifest.plans:
        if one.path in told:
            continue
        path = _shown(one.path)
        data = job.read(one.path) if one.path.startswith(f"{PLANS}/") else None
        if data is None:
            yield f"{path}: the plan of agent {_shown(one.agent)} is not there"
            continue
        try:
            plan = AgentPlan.model_validate_json(data)
        except ValidationError as error:
            yield f"{path}: is no plan: {_shown(str(error.errors()[0]['msg']))}"
        except HeadraceError as error:
            yield f"{path}: {_shown(str(error))}"
        else:
            if (plan.digest, plan.name) != (one.digest, one.agent):
                yield f"{path}: is another plan than the one that job.json names"
            have = {two.name: two.version for two in job.manifest.packages}
            for name, version in plan.distributions.items():
                if have.get(name) != version:
                    yield (
                        f"{path}: needs {_shown(name)} {_shown(version)}, and the zip has "
                        f"{_shown(have.get(name, 'none'))}"
                    )


def target_faults(job: JobZip) -> Iterator[str]:
    """What it is for is known, and its wheels are for that."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    from headrace_registry.locking.targets import tags

    python, platform = job.manifest.python, job.manifest.platform
    if python not in PYTHONS or platform not in PLATFORMS:
        yield (
            f"it is for Python {_shown(python)} on {_shown(platform)}: known are "
            f"{', '.join(PYTHONS)} on {', '.join(PLATFORMS)}"
        )
        return
    target = Target(python, platform)
    usable = tags(target).keys()
    for one in job.manifest.packages:
        try:
            name, version, _, wheel = parse_wheel_filename(one.wheel)
        except InvalidWheelFilename:
            yield f"package {_shown(one.name)}: {_shown(one.wheel)} is no wheel's name"
            continue
        if (name, str(version)) != (one.name, one.version):
            yield f"package {_shown(one.name)} {_shown(one.version)}: its wheel is {one.wheel}"
        elif not wheel & usable:
            yield f"package {one.name}: {one.wheel} is not for {target}"


def lock_faults(job: JobZip, told: Collection[str]) -> Iterator[str]:
    """Every package is locked, in this version and with this wheel."""
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    data = job.read(LOCK)
    if data is None or LOCK in told:
        return  # a lock that is missing is told with the parts
    try:
        lock = Pylock.from_dict(parse_toml(data.decode()))
    except (ValueError, PylockValidationError, PylockUnsupportedVersionError) as error:
        yield f"{LOCK}: is no lock: {_shown(str(error))}"
        return
    locked: dict[tuple[str, str], set[str]] = {}
    for package in lock.packages:
        wheels = locked.setdefault((package.name, str(package.version)), set())
        wheels |= {str(one.hashes.get("sha256", "")) for one in package.wheels or ()}
    for one in job.manifest.packages:
        hashes = locked.get((one.name, one.version))
        if hashes is None:
            yield f"package {_shown(one.name)} {_shown(one.version)}: is not in {LOCK}"
        elif one.sha256 not in hashes:
            yield f"package {one.name} {one.version}: its wheel is not the one of {LOCK}"


def sbom_faults(job: JobZip, told: Collection[str]) -> Iterator[str]:
    """The bill of materials is of these packages: auditors read it, and not the manifest."""
    data = job.read(SBOM)
    if data is None or SBOM in told:
        return
    try:
        listed = {
            (one["name"], one["version"], one["hashes"][0]["content"])
            for one in json.loads(data)["components"]
            if one["type"] == "library" and "purl" in one
        }
    except (ValueError, LookupError, TypeError, RecursionError):
        yield f"{SBOM}: is no bill of materials of a job"
        return
    have = {(one.name, one.version, one.sha256) for one in job.manifest.packages}
    if listed != have:
        names = ", ".join(sorted({_shown(str(one[0])) for one in listed ^ have})[:_NAMED])
        yield f"{SBOM}: lists other packages than job.json: {names}"


def package_faults(job: JobZip, digests: Mapping[str, str], told: Collection[str]) -> Iterator[str]:
    """The packages are whole, are those of the manifest, and there is nothing else beside them.

    Args:
        job: The zip.
        digests: For each of its files, the SHA-256 that it should have.
        told: The files that are missing or have another.
    """
    folders = info_folders(digests)
    owned: set[str] = set()
    for one in job.manifest.packages:
        folder = folders.pop((one.name, one.version), None)
        if folder is None:
            yield (
                f"package {_shown(one.name)} {_shown(one.version)}: has no {_INFO} folder in {SITE}"
            )
            continue
        record = f"{SITE}/{folder}/RECORD"
        if record in told:
            owned.update(_below(job, SITE))
            continue
        data = job.read(record)
        if data is None or f"{SITE}/{folder}/METADATA" not in digests:
            yield f"package {one.name}: its {folder} lacks RECORD or METADATA"
            continue
        owned.add(record)
        yield from _record_faults(one, listed_files(data, folder), digests, owned)
    yield from (
        f"{SITE}/{folder}: is of no package that job.json names" for folder in folders.values()
    )
    beside = {name for name in digests if name.startswith(f"{SITE}/")} - owned
    others = tuple(f"{SITE}/{folder}/" for folder in folders.values())
    yield from (
        f"{name}: belongs to no package" for name in sorted(beside) if not name.startswith(others)
    )


def _record_faults(
    package: BundledPackage,
    listed: Mapping[str, str],
    digests: Mapping[str, str],
    owned: set[str],
) -> Iterator[str]:
    """Holds a package's files against its RECORD."""
    owned.update(listed)
    changed = [
        name
        for name, said in listed.items()
        if said and digests.get(name) and said != digests[name]
    ]
    yield from (f"{name}: is not what the RECORD of {package.name} says" for name in changed)
    lacking = [name for name in listed if name not in digests]
    if len(lacking) > package.trimmed:
        some = ", ".join(map(_shown, lacking[:_NAMED]))
        more = f" and {len(lacking) - _NAMED:,} more" if len(lacking) > _NAMED else ""
        yield (
            f"package {package.name}: lacks {len(lacking):,} of its files, and job.json says that "
            f"{package.trimmed:,} are left out: {some}{more}"
        )


def listed_files(data: bytes, folder: str) -> dict[str, str]:
    """For each file of a RECORD, where it is in the zip, and its SHA-256 (nothing: not told)."""
    found: dict[str, str] = {}
    try:
        rows = [row for row in csv.reader(io.StringIO(data.decode("utf-8", "replace"))) if row]
    except csv.Error:
        rows = []
    for row in rows:
        name, said = row[0], row[1] if len(row) > 1 else ""
        top, _, rest = name.partition("/")
        if top.endswith(".data") and top.removesuffix(".data") == folder.removesuffix(_INFO):
            scheme, _, below = rest.partition("/")
            name = f"bin/{below}" if scheme == "scripts" else below
            if scheme == "headers":
                name = f"{top}/{rest}"  # has no place in a zip: as one that is left out
        found[f"{SITE}/{name}"] = _hexadecimal(said)
    return found


def _hexadecimal(said: str) -> str:
    if not said.startswith(_SHA256):
        return ""
    try:
        return base64.urlsafe_b64decode(said.removeprefix(_SHA256) + "==").hex()
    except (ValueError, binascii.Error):
        return "unreadable"


def info_folders(digests: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The packages that the zip has, by name and version, with their dist-info folders."""
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    folders = {name.split("/", 2)[1] for name in digests if name.startswith(f"{SITE}/")}
    found: dict[tuple[str, str], str] = {}
    for folder in sorted(one for one in folders if one.endswith(_INFO)):
        name, _, version = folder.removesuffix(_INFO).partition("-")
        with suppress(InvalidVersion):
            version = str(Version(version))
        key: Any = (str(canonicalize_name(name)), version)
        found[key if key not in found else (folder, version)] = folder
    return found


def _below(job: JobZip, folder: str) -> set[str]:
    return {name for name in job.entries if name.startswith(f"{folder}/")}


def _shown(text: str) -> str:
    return one_line(text, _SHOWN)
