"""Whether a job's zip is what was built: ``agents verify``.

Every file is held against ``SHA256SUMS``, that against ``job.json``, and the parts against each
other; where keys are given, the manifest's signature against these. All faults are told at once.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.jobs.manifest import MANIFEST, SIGNATURE, SUMS
from headrace_registry.bundle._checks import (
    lock_faults,
    package_faults,
    part_faults,
    plan_faults,
    sbom_faults,
    target_faults,
)
from headrace_registry.bundle._reading import MAX_TEXT, VerificationError, open_job, read_all
from headrace_registry.errors import SettingsError, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from headrace.jobs.manifest import JobManifest
    from headrace_registry.bundle._reading import JobZip, Keep, Progress

__all__ = [
    "UNLISTED",
    "VerificationError",
    "Verified",
    "check_job",
    "check_keys",
    "signer_of",
    "sums_of",
    "verify_zip",
]

UNLISTED = (MANIFEST, SUMS, SIGNATURE)
"""The files that ``SHA256SUMS`` does not list."""
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_KEY = re.compile(r"sha256:[0-9a-f]{64}")
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)
_RUN_BITS = 0o111
_SPECIAL_BITS = 0o7000
_MODES = (0o100644, 0o100755)


@dataclass(frozen=True, slots=True)
class Verified:
    """A job's zip in which nothing is wrong."""

    manifest: JobManifest
    """What is in it."""
    digest: str
    """The job's digest: the SHA-256 of ``job.json``, in hexadecimal."""
    size: int
    """The zip's bytes."""
    files: int
    """How many files it has, the manifest's own included."""
    signer: str | None
    """The fingerprint of who signed it; ``None``: nobody did."""
    trusted: bool
    """Whether that is one of the keys that were given."""
    notes: tuple[str, ...]
    """What is odd, and no fault."""


def verify_zip(
    path: Path, *, keys: Collection[str] = (), progress: Progress | None = None
) -> Verified:
    """Verifies a job's zip.

    Args:
        path: The zip.
        keys: Fingerprints (``sha256:...``): one of them has to have signed it. Without, a signature
            is only told.
        progress: Is told of bytes: how many are read, and how many there are.

    Raises:
        VerificationError: It is not to be run; has every fault.
        SettingsError: A key is no fingerprint.
    """
    check_keys(keys)
    with open_job(path) as job:
        return check_job(job, keys=keys, progress=progress)


def check_keys(keys: Collection[str]) -> None:
    """Refuses what is no fingerprint: it would never be found, and should be told before.

    Raises:
        SettingsError: A key is none.
    """
    for one in keys:
        if not _KEY.fullmatch(one):
            raise SettingsError(f"{one!r} is no fingerprint of a key: sha256: and 64 hex digits")


def check_job(
    job: JobZip,
    *,
    keys: Collection[str] = (),
    keep: Keep | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Verifies a zip that is open.

    Args:
        job: The zip.
        keys: As for ``verify_zip``.
        keep: Opens the place that a file's content is to be written to as well; only files that
            the zip's own list has are written.
        progress: As for ``verify_zip``.

    Raises:
        VerificationError: It is not to be run; has every fault.
        OSError: What is to be kept cannot be written.
    """
    signer = signer_of(job, keys)
    sums = sums_of(job)
    names = [name for name in job.entries if name in sums]
    found = read_all(job, names, keep=keep, progress=progress)
    missing = sums.keys() - job.entries.keys()
    changed = {name for name in names if found[name] != sums[name]}
    told = missing | changed
    faults = [
        *(f"missing: {name}" for name in sorted(missing)),
        *(f"changed: {name}" for name in sorted(changed)),
        *(f"extra: {name}" for name in _extra(job, sums)),
        *_mode_faults(job, missing),
    ]
    if job.manifest.files_total != len(sums):
        total = f"{job.manifest.files_total:,}"
        faults.append(f"{SUMS} lists {len(sums):,} files, and {MANIFEST} tells of {total}")
    faults += part_faults(job, told)
    faults += plan_faults(job, told)
    faults += target_faults(job)
    faults += lock_faults(job, told)
    faults += package_faults(job, sums, told)
    faults += sbom_faults(job, told)
    if faults:
        raise VerificationError.of(job.path, faults)
    return Verified(
        manifest=job.manifest,
        digest=job.digest,
        size=job.size,
        files=len(job.entries),
        signer=signer,
        trusted=bool(keys),
        notes=tuple(_notes(job)),
    )


def signer_of(job: JobZip, keys: Collection[str] = ()) -> str | None:
    """The fingerprint of who signed a zip; ``None`` where nobody did.

    Raises:
        VerificationError: The signature does not hold, or keys are given and it is of none of them.
    """
    envelope = job.read(SIGNATURE)
    wanted = f"wanted: one of {', '.join(keys)}"
    if envelope is None:
        if keys:
            raise VerificationError(
                f"{job.path}: is not signed\n  {wanted}\n"
                "  next: have it built with --sign by who has the key"
            )
        return None
    from headrace_registry.bundle.signing import read_signature

    try:
        signer = read_signature(envelope, job.manifest_bytes)
    except TrustError as error:
        raise VerificationError(f"{job.path}: its signature does not hold: {error}") from None
    if keys and signer not in keys:
        raise VerificationError(
            f"{job.path}: is signed by a key that is not yours\n  signed by: {signer}\n  {wanted}\n"
            "  next: ask who built it, over another way, before you trust that key"
        )
    return signer


def sums_of(job: JobZip) -> dict[str, str]:
    """What ``SHA256SUMS`` says: for each path, the digest.

    Raises:
        VerificationError: It is missing, is not the one that the manifest names, or is no such
            list.
    """
    data = job.read(SUMS, MAX_TEXT)
    if data is None:
        raise VerificationError.of(job.path, [f"missing: {SUMS}"])
    if hashlib.sha256(data).hexdigest() != job.manifest.sums:
        raise VerificationError.of(
            job.path, [f"{SUMS} and {MANIFEST} do not fit: one of the two was changed"]
        )
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").removesuffix("\n").split("\n")):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found or match[2] in UNLISTED:
            raise VerificationError.of(job.path, [f"{SUMS}, line {number + 1}: cannot be read"])
        found[match[2]] = match[1]
    return found


def _extra(job: JobZip, sums: Mapping[str, str]) -> Iterator[str]:
    """Files that nobody listed; and folders with nothing in them, which Python would import."""
    yield from sorted(job.entries.keys() - sums.keys() - set(UNLISTED))
    above = {
        "/".join(parts[:depth]) + "/"
        for parts in (name.split("/") for name in sums)
        for depth in range(1, len(parts))
    }
    yield from (one for one in job.archive.folders if one not in above)


def _mode_faults(job: JobZip, missing: Collection[str]) -> Iterator[str]:
    """A run bit that was lost ends in a job that cannot start its Python."""
    executables = set(job.manifest.executables)
    for name in sorted(executables - job.entries.keys() - set(missing)):
        yield f"missing: {name}, which {MANIFEST} lists as executable"
    for name, entry in job.entries.items():
        mode = entry.mode or 0
        if mode & _SPECIAL_BITS:
            yield f"mode: {name} has special bits ({mode:o})"
        elif bool(mode & _RUN_BITS) != (name in executables):
            yield f"mode: {name} {'lacks its' if name in executables else 'has a'} run bit"


def _notes(job: JobZip) -> Iterator[str]:
    """A zip that was packed anew by hand runs the same, since each file is; it is told."""
    entries: Sequence[str] = job.archive.names
    odd = (
        list(entries) != sorted(entries)
        or bool(job.archive.folders)
        or any(one.time != _FIRST_TIME or one.mode not in _MODES for one in job.archive.entries)
    )
    if odd:
        yield (
            "its files are as built, and the zip around them is not: it was packed anew, and no "
            "longer has the bytes that the build gives"
        )
