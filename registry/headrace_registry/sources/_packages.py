"""A folder of a skill, or a wheel, made into what is known of it: packed, checked, audited."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from headrace_registry.errors import SourceError, WheelError
from headrace_registry.sources._values import Collected, CollectedSkill
from headrace_registry.wheels import describe_wheel
from headrace_skills import BrokenSkill, SkillBrokenError, SkillError, needs_of, read_skill
from headrace_skills.packing import ArchiveError, contents_of, pack, unpack
from headrace_skills.packing._contents import MAX_BYTES

if TYPE_CHECKING:
    from headrace_skills import Skill
    from headrace_skills.audit import Rules

__all__ = ["of_folder", "of_wheel"]

_DIGITS = 12


def of_folder(
    folder: Path, *, spec: str, home: str, commit: str | None, rules: Rules | None
) -> Collected:
    """Pack the skill of a folder. The same content gives the same wheel.

    Its version is the one that its frontmatter says, where that is one; else one that stands for
    its content, so that other content is another version.

    Args:
        folder: The folder.
        spec: Where it came from, exactly.
        home: The folder as people call it, for reports.
        commit: The commit that it came from.
        rules: What the audit holds it against.

    Raises:
        SourceError: It cannot be packed.
    """
    try:
        skill = _read(folder)
        version, notes = _version(skill, contents_of(folder).digest())
        packed = pack([folder], version=version)
        described = _described(folder, home, rules)
    except SkillError as error:
        raise SourceError(f"{spec}: {error}") from None
    with tempfile.TemporaryDirectory(prefix="headrace-wheel-") as scratch:
        wheel = packed.wheel.write(Path(scratch))
        entry = describe_wheel(wheel)
    return Collected(
        name=packed.distribution,
        version=packed.version,
        filename=packed.wheel.filename,
        wheel=packed.wheel.data,
        spec=spec,
        commit=commit,
        requires=packed.requires,
        provides=entry.provides,
        skills=(described,),
        notes=(*notes, *(one for skill in packed.skills for one in skill.warnings)),
    )


def of_wheel(path: Path, *, spec: str, commit: str | None, rules: Rules | None) -> Collected:
    """Read a wheel: of a plugin, or of skills.

    Raises:
        SourceError: It is no wheel, or not as its RECORD says.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SourceError(f"{path} has more than {MAX_BYTES // 1024**2} MB")
        entry = describe_wheel(path)
        skills = _skills_of(path, rules) if _is_sound(path) else ()
        data = path.read_bytes()
    except (WheelError, SkillError) as error:
        raise SourceError(str(error)) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    return Collected(
        name=entry.name,
        version=entry.version,
        filename=entry.filename,
        wheel=data,
        spec=spec,
        commit=commit,
        requires=entry.requires,
        provides=entry.provides,
        skills=skills,
        notes=() if entry.provides else ("it brings neither plugins nor skills",),
    )


def _is_sound(path: Path) -> bool:
    """Hold a wheel against its RECORD; tell whether it has skills.

    Raises:
        ArchiveError: It is not as its RECORD says.
    """
    from headrace_skills.packing import _unpacking
    from headrace_skills.packing._zips import open_zip

    with open_zip(path) as opened:
        _unpacking._check_record(opened)  # noqa: SLF001 - unpack asks for a skill, too
        return any(name.endswith(("/SKILL.md", "/skill.md")) for name in opened.entries)


def _skills_of(wheel: Path, rules: Rules | None) -> tuple[CollectedSkill, ...]:
    with tempfile.TemporaryDirectory(prefix="headrace-wheel-") as scratch:
        try:
            found = unpack(wheel, Path(scratch) / "skills")
        except ArchiveError as error:
            if "holds no skill" in str(error):
                return ()  # a SKILL.md that is an example, or data
            raise
        described = [_described(one.folder, one.name, rules) for one in found]
    return tuple(sorted(described, key=lambda one: one.name))


def _read(folder: Path) -> Skill:
    skill = read_skill(folder)
    if isinstance(skill, BrokenSkill):
        raise SkillBrokenError(skill)
    return skill


def _described(folder: Path, home: str, rules: Rules | None) -> CollectedSkill:
    from headrace_skills.audit import audit_skill  # half of what importing this costs
    from headrace_skills.checking import check_skill

    skill = _read(folder)
    contents = contents_of(folder)
    shown = Path(home)  # where it was unpacked is gone by the time that anyone reads it
    return CollectedSkill(
        name=skill.name,
        description=skill.description,
        digest=contents.digest(),
        license=skill.license or "",
        files=tuple(one.path for one in contents.files),
        size=sum(one.size for one in contents.files),
        scripts=tuple(one.path for one in contents.files if one.path.startswith("scripts/")),
        needs=needs_of(skill),
        check=dataclasses.replace(check_skill(folder, place=home), root=shown),
        audit=dataclasses.replace(audit_skill(folder, rules), root=shown),
        left_out=tuple(f"{one.path} ({one.why})" for one in contents.left_out),
    )


def _version(skill: Skill, digest: str) -> tuple[str, tuple[str, ...]]:
    said = skill.metadata.get("version") or skill.extra.get("version")
    # A letter first: of digits alone the zeros in front would be lost.
    content = f"0.0.0+c{digest.removeprefix('sha256:')[:_DIGITS]}"
    if said is None:
        return content, ()
    try:
        return str(Version(str(said))), ()
    except InvalidVersion:
        note = f"its version {str(said)[:40]!r} is none of Python's; {content} stands for it"
        return content, (note,)
