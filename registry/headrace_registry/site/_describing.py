"""Wheels as a catalogue tells of them: what they bring, and what the audit saw in their skills.

Skills are unpacked into a temporary folder to be read; nothing of them is run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.catalogue import AuditFinding, Release, ReleaseFile, ReleaseSkill
from headrace_registry.errors import WheelError
from headrace_registry.wheels import Provided, describe_wheel
from headrace_skills import BrokenSkill, read_skill
from headrace_skills.errors import SkillError
from headrace_skills.needs import Needs, needs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace_registry.wheels import WheelEntry
    from headrace_skills import Skill
    from headrace_skills.packing import Contents

__all__ = ["Described", "describe", "describe_all"]

SERIOUS = ("high", "critical")
"""The severities of findings that someone must have looked at."""
_ALONE = 12  # wheels for which no second process is started
_LONG = 2_000  # characters of a description
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


@dataclass(frozen=True, slots=True)
class Described:
    """A wheel, ready for a catalogue."""

    package: str
    """Its package's normalised name."""
    release: Release
    """Its version, without the file."""
    file: ReleaseFile
    """The file."""
    metadata: bytes = field(repr=False)
    """Its METADATA."""
    faults: tuple[str, ...] = ()
    """Where its skills are not as the standard has them."""

    @property
    def broken(self) -> tuple[ReleaseSkill, ...]:
        """Its skills that cannot be used."""
        return tuple(one for one in self.release.skills if one.broken)

    @property
    def serious(self) -> tuple[tuple[ReleaseSkill, AuditFinding], ...]:
        """The findings that someone must have looked at, and the skills that they are in."""
        return tuple(
            (skill, finding)
            for skill in self.release.skills
            for finding in skill.findings
            if finding.severity in SERIOUS
        )


def describe(path: Path, sha256: str | None = None) -> Described:
    """Reads a wheel and its skills.

    Args:
        path: The file.
        sha256: Its digest, where that is known already.

    Raises:
        WheelError: It is no wheel, or one that no installer should be given.
    """
    import hashlib

    entry = describe_wheel(path, sha256)
    skills, faults = _skills(path, entry) if entry.skills else ((), ())
    release = Release(
        version=entry.version,
        summary=entry.summary,
        license=entry.license,
        requires_python=entry.requires_python,
        requires=entry.requires,
        extras=entry.extras,
        keywords=entry.keywords,
        provides=_named(entry, skills),
        skills=skills,
        files=(),
    )
    file = ReleaseFile(
        filename=entry.filename,
        size=entry.size,
        sha256=entry.sha256,
        metadata_sha256=hashlib.sha256(entry.metadata).hexdigest(),
        uploaded=_uploaded(path),
    )
    return Described(entry.name, release, file, entry.metadata, faults)


def describe_all(
    paths: Sequence[tuple[Path, str]], progress: Callable[[int, int], None] | None = None
) -> list[Described]:
    """Reads wheels, given with their digests, on all processors; the audit takes its time.

    Raises:
        WheelError: Some are not to be had in a registry; tells of each.
    """
    done: list[Described] = []
    wrong: list[str] = []
    for number, one in enumerate(_results(paths), start=1):
        if isinstance(one, Described):
            done.append(one)
        else:
            wrong.append(one)
        if progress is not None:
            progress(number, len(paths))
    if wrong:
        raise WheelError("\n".join(wrong))
    return done


def _results(paths: Sequence[tuple[Path, str]]) -> Iterator[Described | str]:
    workers = min(len(os.sched_getaffinity(0)), len(paths) // _ALONE)
    # A fork of a process with threads may inherit a lock that nobody opens again.
    if workers < 2 or threading.active_count() > 1:  # noqa: PLR2004 - one is this process
        yield from map(_attempt, paths)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    import headrace_skills.audit  # once, and not in each process
    import headrace_skills.checking  # noqa: F401

    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_end_with, initargs=(os.getpid(),)
    ) as pool:
        yield from pool.map(_attempt, paths, chunksize=8)


def _end_with(parent: int) -> None:
    """Lets a worker end with its parent: else it would hold the site's lock for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the work, and says so
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _attempt(one: tuple[Path, str]) -> Described | str:
    try:
        return describe(*one)
    except WheelError as error:
        return str(error)


def _uploaded(path: Path) -> str:
    """When it came: what SOURCE_DATE_EPOCH says, else when the file was written."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(said) if said.isdecimal() else int(path.stat().st_mtime)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _named(entry: WheelEntry, skills: Sequence[ReleaseSkill]) -> tuple[Provided, ...]:
    """What it provides, its skills by the names that they give themselves."""
    by_path = {one.path: one.name for one in skills}
    return tuple(
        sorted(
            replace(one, name=by_path.get(one.target.rpartition("/")[0], one.name))
            for one in entry.provides
        )
    )


def _skills(path: Path, entry: WheelEntry) -> tuple[tuple[ReleaseSkill, ...], tuple[str, ...]]:
    from headrace_skills.checking import check_skill
    from headrace_skills.packing import ArchiveError, unpack

    homes = {home.rpartition("/")[2]: home for home in entry.skills}
    faults: list[str] = []
    found: list[ReleaseSkill] = []
    with tempfile.TemporaryDirectory(prefix="headrace-wheel-") as scratch:
        try:
            unpacked = unpack(path, Path(scratch))
        except ArchiveError as error:
            raise WheelError(str(error)) from None
        for one in unpacked:
            found.append(_skill(one.folder, homes[one.name]))
            report = check_skill(one.folder)
            faults += [
                f"{homes[one.name]}/{fault.file}:{fault.line}: {fault.message} ({fault.rule})"
                for fault in report.faults
                if fault.level == "error"
            ]
    return tuple(sorted(found, key=lambda one: (one.name, one.path))), tuple(faults)


def _skill(folder: Path, home: str) -> ReleaseSkill:
    from headrace_skills.audit import audit_skill
    from headrace_skills.packing import contents_of

    read = read_skill(folder)
    findings = tuple(
        AuditFinding(one.rule, one.severity.label, one.file, one.line, one.reason)
        for one in audit_skill(folder).findings
    )
    broken = read.reason if isinstance(read, BrokenSkill) else ""
    needs = Needs()
    contents: Contents | None = None
    digest = ""
    try:
        contents = contents_of(folder)
        digest = contents.digest()
        if not isinstance(read, BrokenSkill):
            needs = needs_of(read)
    except SkillError as error:
        broken = broken or str(error)
    files = () if contents is None else contents.files
    told = _told(read) if not isinstance(read, BrokenSkill) else {"description": ""}
    return ReleaseSkill(
        name=read.name,
        path=home,
        digest=digest,
        size=sum(one.size for one in files),
        files=len(files),
        scripts=tuple(one.path for one in files if one.path.startswith("scripts/")),
        needs=needs,
        findings=findings,
        broken=broken,
        **told,
    )


def _told(skill: Skill) -> dict[str, str]:
    version = skill.metadata.get("version")
    return {
        "description": skill.description[:_LONG],
        "version": version[:_LONG] if isinstance(version, str) else "",
        "license": (skill.license or "")[:_LONG],
        "compatibility": (skill.compatibility or "")[:_LONG],
    }
