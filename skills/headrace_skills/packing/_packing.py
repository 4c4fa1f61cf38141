"""Folders made into a wheel, and into an sdist that builds the same wheel."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._model import BrokenSkill
from headrace_skills._reading import read_skill
from headrace_skills._shipped import CONVENTION
from headrace_skills.errors import SkillBrokenError
from headrace_skills.packing import _metadata, _naming
from headrace_skills.packing._bytes import Member, as_tar_gz, as_zip, build_time
from headrace_skills.packing._contents import as_digest, collision, contents_of
from headrace_skills.packing.errors import PackingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace_skills._model import Skill
    from headrace_skills.packing._contents import LeftOut
    from headrace_skills.packing._metadata import CoreMetadata

__all__ = ["Archive", "Packed", "PackedSkill", "pack"]

_INIT = b'"""Agent Skills, in .agents/skills."""\n'
_WHEEL = (
    b"Wheel-Version: 1.0\nGenerator: headrace-skills 1\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """A file to be written."""

    filename: str
    """Its name."""
    data: bytes = field(repr=False)
    """Its bytes."""

    @property
    def sha256(self) -> str:
        """Its digest, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write it whole, or not at all; one of that name is replaced.

        Raises:
            OSError: It cannot be written there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / self.filename
        with tempfile.NamedTemporaryFile(
            dir=folder, prefix=f".{self.filename}.", delete=False
        ) as file:
            draft = Path(file.name)
            try:
                file.write(self.data)
                file.flush()
                os.fsync(file.fileno())
                umask = os.umask(0)
                os.umask(umask)
                draft.chmod(0o666 & ~umask)
                draft.replace(target)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        return target


@dataclass(frozen=True, slots=True)
class PackedSkill:
    """A skill of a wheel."""

    name: str
    """Its name."""
    digest: str
    """The digest of its contents, the same in its folder and where it is installed."""
    files: tuple[str, ...]
    """Its files, by their paths in its folder."""
    left_out: tuple[LeftOut, ...]
    """What lay in its folder and is not packed."""
    warnings: tuple[str, ...]
    """What is not as the standard has it, and what an index may find odd."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A distribution made of skills; nothing is written yet."""

    distribution: str
    """Its normalised name."""
    version: str
    """Its version."""
    package: str
    """The import package that carries the skills."""
    requires: tuple[str, ...]
    """What it requires, of what the skills and their scripts declare."""
    skills: tuple[PackedSkill, ...]
    """What it carries, by name."""
    wheel: Archive
    """The wheel."""
    sdist: Archive | None = None
    """The source distribution, where one was asked for."""


def pack(
    folders: Sequence[Path],
    *,
    name: str | None = None,
    version: str | None = None,
    prefix: str | None = None,
    package: str | None = None,
    sdist: bool = False,
) -> Packed:
    """Make a wheel of skills. The same folders give the same bytes, wherever it is done.

    Args:
        folders: The folders, a skill each.
        name: The distribution's name; ``skill-NAME`` if None. Several skills need one.
        version: Its version; what the skill's frontmatter says if None. Several need one.
        prefix: What stands before the skill's name in the distribution's, for ``skill``.
        package: The import package; the distribution's name, with underscores, if None.
        sdist: Whether to make a source distribution, too.

    Raises:
        SkillBrokenError: A folder is no skill that can be read.
        PackingError: A folder, a name or a version is not one that can be packed.
        SkillFormatError: What a skill declares is not of the form that it must have.
    """
    sources = _sources(folders)
    if len(sources) > 1 and (name is None or version is None):
        raise PackingError(
            "several skills in one distribution need its name and version (--name, --version)"
        )
    first = sources[0].skill
    distribution = _naming.distribution_name(first.name, name=name, prefix=prefix)
    package = _naming.package_name(distribution, package)
    members = [Member(f"{package}/__init__.py", _INIT)]
    for one in sources:
        root = f"{package}/{CONVENTION}/{one.skill.name}"
        members += [Member(f"{root}/{file.path}", file.data, file.executable) for file in one.files]
    members.sort(key=lambda member: member.path.encode())
    core = _metadata.describe(
        [(one.skill, {file.path: file.data for file in one.files}) for one in sources],
        name=distribution,
        version=_naming.version_of(first, version),
        package=package,
        paths=[member.path for member in members],
    )
    seconds = build_time()
    return Packed(
        distribution=core.name,
        version=core.version,
        package=core.package,
        requires=core.requires,
        skills=tuple(one.packed(core) for one in sources),
        wheel=_wheel(core, members, seconds),
        sdist=_sdist(core, members, seconds) if sdist else None,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """A skill that is to be packed, with all of its files read."""

    skill: Skill
    files: tuple[Member, ...]
    left_out: tuple[LeftOut, ...]

    def packed(self, core: CoreMetadata) -> PackedSkill:
        warnings = list(self.skill.warnings)
        if self.skill.license is None:
            warnings.append("it says no licence: nobody may use it without asking")
        elif core.licence is None:
            warnings.append("its licence is no SPDX expression, such as Apache-2.0")
        return PackedSkill(
            self.skill.name,
            as_digest((one.path, one.executable, one.data) for one in self.files),
            tuple(one.path for one in self.files),
            self.left_out,
            tuple(warnings),
        )


def _sources(folders: Sequence[Path]) -> list[_Source]:
    found: dict[str, _Source] = {}
    for folder in folders:
        skill = read_skill(folder)
        if isinstance(skill, BrokenSkill):
            raise SkillBrokenError(skill)
        _naming.check_folder_name(skill.name)
        if skill.name in found:
            raise PackingError(f"two of the folders are a skill {skill.name!r}")
        try:
            contents = contents_of(skill.root)
        except PackingError as error:
            raise PackingError(f"{folder}: {error}") from None
        files = (Member(one.path, one.read(), one.executable) for one in contents.files)
        found[skill.name] = _Source(skill, tuple(files), contents.left_out)
    if not found:
        raise PackingError("there is no folder to pack")
    twins = collision(found)
    if twins:
        raise PackingError(f"the skills {twins[0]!r} and {twins[1]!r} differ by case only")
    return [found[name] for name in sorted(found)]


def _wheel(core: CoreMetadata, members: Sequence[Member], seconds: int) -> Archive:
    stem = f"{core.name.replace('-', '_')}-{core.version}"
    info = f"{stem}.dist-info"
    by_path = {member.path: member for member in members}
    written = [
        *members,
        Member(f"{info}/METADATA", _metadata.as_metadata(core)),
        Member(f"{info}/WHEEL", _WHEEL),
        Member(f"{info}/entry_points.txt", _metadata.as_entry_points(core)),
        *(Member(f"{info}/licenses/{path}", by_path[path].data) for path in core.licence_files),
    ]
    record = f"{info}/RECORD"
    written.append(Member(record, _record(written, record)))
    return Archive(f"{stem}-py3-none-any.whl", as_zip(written, seconds))


def _record(members: Iterable[Member], own: str) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for member in members:
        digest = base64.urlsafe_b64encode(hashlib.sha256(member.data).digest()).decode()
        rows.writerow((member.path, f"sha256={digest.rstrip('=')}", len(member.data)))
    rows.writerow((own, "", ""))
    return text.getvalue().encode()


def _sdist(core: CoreMetadata, members: Sequence[Member], seconds: int) -> Archive:
    stem = f"{core.name.replace('-', '_')}-{core.version}"
    written = [
        Member("PKG-INFO", _metadata.as_metadata(core)),
        Member("README.md", core.description.encode()),
        Member("pyproject.toml", _metadata.as_pyproject(core)),
        *members,
    ]
    framed = (Member(f"{stem}/{one.path}", one.data, one.executable) for one in written)
    return Archive(f"{stem}.tar.gz", as_tar_gz(framed, seconds))
