"""What is in a job's zip, for people and programs; and what differs between two of them."""

from __future__ import annotations

import filecmp
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.jobs.manifest import APP, JARS, LOCK, PLANS, SBOM, SIGNATURE, SITE
from headrace_registry.bundle._checks import info_folders, listed_files
from headrace_registry.bundle._reading import JobZip, VerificationError, open_job
from headrace_registry.bundle.verifying import check_job, check_keys, signer_of, sums_of
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from headrace.jobs.manifest import JobManifest
    from headrace.plan import AgentPlan
    from headrace_registry._wheel_archive import Entry
    from headrace_registry.bundle._reading import Progress

__all__ = ["PARTS", "Inspected", "PackedFile", "difference", "inspect_zip"]

PARTS = ("engine", "packages", "code", "jars", "papers")
"""What a zip's size is told by; ``papers`` are manifest, plans, lock, lists and all else."""
_CHUNK = 1 << 20
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of a zip."""

    path: str
    """Its path."""
    size: int
    """Its bytes."""
    packed: int
    """How many they are in the zip."""
    executable: bool
    """Whether it has a run bit."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A job's zip, looked at."""

    path: Path
    """The zip."""
    manifest: JobManifest
    """What ``job.json`` says."""
    digest: str
    """The job's digest, in hexadecimal."""
    size: int
    """The zip's bytes."""
    parts: Mapping[str, int]
    """The same by part; see ``PARTS``."""
    files: tuple[PackedFile, ...]
    """Its files, in their order."""
    plans: Mapping[str, AgentPlan]
    """Its agents, by name."""
    sbom: bytes
    """Its bill of materials."""
    verified: bool
    """Whether it was verified; else it may be anything."""
    signer: str | None
    """The fingerprint of who signed it; ``None``: nobody did."""
    trusted: bool
    """Whether that is one of the keys that were given."""
    notes: tuple[str, ...]
    """What is odd."""


def inspect_zip(
    path: Path,
    *,
    keys: Collection[str] = (),
    verify: bool = True,
    progress: Progress | None = None,
) -> Inspected:
    """Looks at a job's zip.

    Args:
        path: The zip.
        keys: Fingerprints, of which one has to have signed it.
        verify: Whether to verify it first. Without, what it says of itself is shown.
        progress: Is told of bytes that are verified: how many are, and how many there are.

    Raises:
        VerificationError: It is not to be run; or it is so broken that nothing can be shown.
        SettingsError: A key is no fingerprint.
    """
    check_keys(keys)
    with open_job(path) as job:
        notes: tuple[str, ...] = ()
        if verify:
            done = check_job(job, keys=keys, progress=progress)
            signer, notes = done.signer, done.notes
        else:
            signer, notes = _told_signer(job, keys)
        return Inspected(
            path=path,
            manifest=job.manifest,
            digest=job.digest,
            size=job.size,
            parts=_parts(job),
            files=tuple(
                PackedFile(one.name, one.size, one.packed, bool((one.mode or 0) & 0o111))
                for one in job.archive.entries
            ),
            plans=dict(_plans(job)),
            sbom=job.read(SBOM) or b"",
            verified=verify,
            signer=signer,
            trusted=bool(keys),
            notes=notes,
        )


def _told_signer(job: JobZip, keys: Collection[str]) -> tuple[str | None, tuple[str, ...]]:
    """Who signed a zip that is only looked at: a signature that does not hold is told."""
    try:
        return signer_of(job, keys), ()
    except VerificationError as error:
        if keys:
            raise
        return None, (str(error).removeprefix(f"{job.path}: "),)


def _parts(job: JobZip) -> dict[str, int]:
    found = dict.fromkeys(PARTS, 0)
    for one in job.archive.entries:
        top = one.name.partition("/")[0]
        found[{SITE: "packages", APP: "code", JARS: "jars"}.get(top, "papers")] += one.packed
    engine = sum(one.size for one in job.manifest.packages if one.engine)
    found["engine"] = min(engine, found["packages"])  # by the manifest's word
    found["packages"] -= found["engine"]
    found["papers"] += job.size - sum(found.values())  # with the zip's own list
    return found


def _plans(job: JobZip) -> Iterator[tuple[str, AgentPlan]]:
    from pydantic import ValidationError

    from headrace.errors import HeadraceError
    from headrace.plan import AgentPlan

    for one in job.manifest.plans:
        data = job.read(one.path)
        try:
            yield one.agent, AgentPlan.model_validate_json(data or b"")
        except (ValidationError, HeadraceError):
            raise VerificationError(
                f"{job.path}: {one_line(one.path, _LONGEST)} is no plan\n"
                f"  next: agents verify {job.path}"
            ) from None


def difference(old: Path, new: Path) -> list[str]:
    """What differs between two zips, a line each; nothing where the same build gave both.

    A signature is passed over: who builds a zip again need not have the key. Files of a package
    whose version changed are not told one by one.

    Raises:
        VerificationError: One of them cannot be read, or its list of files does not fit it.
    """
    with open_job(old) as one, open_job(new) as two:
        lines = [
            *_manifest_lines(one.manifest, two.manifest),
            *_package_lines(one.manifest, two.manifest),
            *_plan_lines(one, two),
            *_file_lines(one, two),
        ]
        if not lines and not filecmp.cmp(old, new, shallow=False):
            lines += _packing_lines(one, two)
    return [one_line(line, _LONGEST) for line in lines]


def _manifest_lines(old: JobManifest, new: JobManifest) -> Iterator[str]:
    told = {"format", "plans", "packages", "executables", "files_total", "sums", "jars"}
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for name in before:
        if name not in told:
            yield from _value_lines(name, before[name], after[name])


def _value_lines(name: str, old: Any, new: Any) -> Iterator[str]:
    """Differences of two values: of mappings by key, of lists of named things by name."""
    if old == new:
        return
    old, new = _by_name(old), _by_name(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _value_lines(f"{name}.{key}", old.get(key), new.get(key))
    elif old is None or new is None:
        value = old if new is None else new
        shown = "" if isinstance(value, (dict, list)) else f": {value}"
        yield f"{name}: {'removed' if new is None else 'added'}{shown}"
    else:
        yield f"{name}: {old} -> {new}"


def _by_name(value: Any) -> Any:
    """A list of named things as a mapping; an empty list may be one of those."""
    if not isinstance(value, list):
        return value
    if any(not isinstance(one, dict) or "name" not in one for one in value):
        return value
    return {one["name"]: one for one in value}


def _package_lines(old: JobManifest, new: JobManifest) -> Iterator[str]:
    before = {one.name: one for one in old.packages}
    after = {one.name: one for one in new.packages}
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        if one is None and two is not None:
            yield f"package {name} {two.version}: added"
        elif two is None and one is not None:
            yield f"package {name} {one.version}: removed"
        elif one is not None and two is not None:
            if one.version != two.version:
                yield f"package {name}: {one.version} -> {two.version}"
            elif one.sha256 != two.sha256:
                wheels = (f"{which.wheel} ({which.sha256[:12]})" for which in (one, two))
                yield f"package {name} {one.version}: another wheel: {' -> '.join(wheels)}"
            elif (one.origin, one.why) != (two.origin, two.why):
                yield f"package {name}: {one.origin}, {one.why} -> {two.origin}, {two.why}"


def _plan_lines(old: JobZip, new: JobZip) -> Iterator[str]:
    before = {one.agent: one.digest for one in old.manifest.plans}
    after = {one.agent: one.digest for one in new.manifest.plans}
    for name in sorted(after.keys() - before.keys()):
        yield f"agent {name}: added"
    for name in sorted(before.keys() - after.keys()):
        yield f"agent {name}: removed"
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    if changed:
        one, two = dict(_plans(old)), dict(_plans(new))
        for name in sorted(changed):
            data = one[name].model_dump(mode="json"), two[name].model_dump(mode="json")
            yield from _value_lines(f"agent {name}", *data)


def _file_lines(old: JobZip, new: JobZip) -> Iterator[str]:
    before, after = sums_of(old), sums_of(new)
    passed = _changed_packages(old, new, before, after)
    repacked = {one.sha256 for one in old.manifest.packages} != {
        one.sha256 for one in new.manifest.packages
    }
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name) or name in passed:
            continue
        if name.startswith(f"{PLANS}/") or (repacked and name in (LOCK, SBOM)):
            continue  # told by its content
        what = "changed" if name in before and name in after else "added"
        yield f"{name}: {what if name in after else 'removed'}"
    runs = set(old.manifest.executables) ^ set(new.manifest.executables)
    for name in sorted(runs & before.keys() & after.keys()):
        yield f"{name}: {'lost' if name in old.manifest.executables else 'got'} its run bit"


def _changed_packages(
    old: JobZip, new: JobZip, before: Mapping[str, str], after: Mapping[str, str]
) -> set[str]:
    """The files of packages that another version or wheel brings."""
    have = [
        {(one.name, one.version, one.sha256) for one in zipped.manifest.packages}
        for zipped in (old, new)
    ]
    found: set[str] = set()
    for job, sums, gone in ((old, before, have[0] - have[1]), (new, after, have[1] - have[0])):
        folders = info_folders(sums)
        for name, version, _ in gone:
            folder = folders.get((name, version))
            record = job.read(f"{SITE}/{folder}/RECORD") if folder else None
            if folder and record:
                found.update(listed_files(record, folder))
    return found


def _packing_lines(old: JobZip, new: JobZip) -> list[str]:
    """Of two zips with equal files: how they are packed unlike each other."""
    one, two = (
        [entry for entry in job.archive.entries if entry.name != SIGNATURE] for job in (old, new)
    )
    if [entry.name for entry in one] != [entry.name for entry in two]:
        return ["packed otherwise: its files are in another order"]
    return [
        f"packed otherwise: {before.name}"
        for before, after in zip(one, two, strict=True)
        if not _packed_equally(old, before, new, after)
    ]


def _packed_equally(old: JobZip, before: Entry, new: JobZip, after: Entry) -> bool:
    how = [(one.time, one.mode, one.deflated, one.crc, one.packed) for one in (before, after)]
    if how[0] != how[1]:
        return False
    for at in range(0, before.packed, _CHUNK):
        size = min(_CHUNK, before.packed - at)
        one = os.pread(old.archive.descriptor, size, before.offset + at)
        if one != os.pread(new.archive.descriptor, size, after.offset + at):
            return False
    return True
