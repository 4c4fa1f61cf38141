"""What a distribution says of itself, made of what its skills say (PEP 621, 639, 643).

All that an author wrote is put on one line without what is not seen before it becomes a field:
no description can add a field of its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from headrace_skills._reading import load_body
from headrace_skills._shipped import CONVENTION
from headrace_skills._text import one_line
from headrace_skills.errors import SkillFormatError
from headrace_skills.needs import needs_of, read_script_metadata
from headrace_skills.packing.errors import PackingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace_skills._model import Skill

__all__ = [
    "CoreMetadata",
    "as_entry_points",
    "as_metadata",
    "as_pyproject",
    "describe",
]

_MAX_SUMMARY = 512
_MAX_LICENCE = 1024
_MAX_FIELD = 1024 * 1024
_MAX_KEYWORDS = 20
_MAX_SCRIPT = 1024 * 1024
_SENTENCE = re.compile(r".+?[.!?](?=\s+[A-Z]|$)")
_LICENCE = re.compile(r"(?i)(?:licen[cs]e|copying|notice)[\w.-]*")
# PEP 639 takes globs, and in those only these stand for themselves.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The fields of a distribution that carries skills."""

    name: str
    version: str
    package: str
    skills: tuple[str, ...]
    summary: str
    description: str
    """Markdown."""
    licence: str | None = None
    """An SPDX expression."""
    licence_text: str | None = None
    """What is said of the licence, where that is no SPDX expression."""
    licence_files: tuple[str, ...] = ()
    """Paths in the archive."""
    keywords: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    requires_python: str | None = None


def describe(
    skills: Sequence[tuple[Skill, Mapping[str, bytes]]],
    *,
    name: str,
    version: str,
    package: str,
    paths: Iterable[str],
) -> CoreMetadata:
    """Make the fields out of skills, each given with the content of its files.

    Args:
        skills: The skills, by name.
        name: The distribution's normalised name.
        version: Its normalised version.
        package: The import package.
        paths: The files of the package, by their paths in the archive.

    Raises:
        PackingError: A dependency or a version of Python cannot be read.
        SkillFormatError: What a skill declares is not of the form that it must have.
    """
    ordered = [skill for skill, _ in skills]
    first = ordered[0]
    requires, python = _needed(skills)
    licence, licence_text = _licence(ordered)
    if len(ordered) == 1:
        summary = _sentence(first.description)
        description = load_body(first)
    else:
        summary = one_line("Agent Skills: " + ", ".join(one.name for one in ordered), _MAX_SUMMARY)
        description = "".join(
            f"- **{one.name}**: {one_line(one.description, 1024)}\n" for one in ordered
        )
    return CoreMetadata(
        name=name,
        version=version,
        package=package,
        skills=tuple(one.name for one in ordered),
        summary=summary,
        description=description.strip("\n") + "\n",
        licence=licence,
        licence_text=licence_text,
        licence_files=_licence_files(paths, f"{package}/{CONVENTION}"),
        keywords=_keywords(ordered),
        requires=requires,
        requires_python=python,
    )


def as_metadata(core: CoreMetadata) -> bytes:
    """Write METADATA, or PKG-INFO."""
    fields = [
        ("Metadata-Version", "2.4"),
        ("Name", core.name),
        ("Version", core.version),
        ("Summary", core.summary),
        ("Keywords", ",".join(core.keywords)),
        ("License-Expression", core.licence or ""),
        ("License", core.licence_text or ""),
        *(("License-File", path) for path in core.licence_files),
        ("Requires-Python", core.requires_python or ""),
        *(("Requires-Dist", one) for one in core.requires),
        ("Description-Content-Type", "text/markdown"),
    ]
    # The last wall: whatever a value was made of, it stays one line.
    lines = [f"{name}: {one_line(value, _MAX_FIELD)}" for name, value in fields if value]
    return "\n".join([*lines, "", core.description]).encode()


def as_entry_points(core: CoreMetadata) -> bytes:
    """Write entry_points.txt: the package; the skill is found in it by its name."""
    lines = [f"{skill} = {core.package}" for skill in core.skills]
    return "\n".join(["[headrace.skills]", *lines, ""]).encode()


def as_pyproject(core: CoreMetadata) -> bytes:
    """Write a pyproject.toml that builds the same wheel with hatchling."""
    project: dict[str, Any] = {
        "name": core.name,
        "version": core.version,
        "description": core.summary,
        "readme": "README.md",
        "license": core.licence,
        "license-files": list(core.licence_files),
        "keywords": list(core.keywords),
        "requires-python": core.requires_python,
        "dependencies": list(core.requires),
    }
    lines = [
        "[build-system]",
        'requires = ["hatchling>=1.27"]',
        'build-backend = "hatchling.build"',
        "",
        "[project]",
        *(f"{key} = {_toml(value)}" for key, value in project.items() if value is not None),
    ]
    if core.licence_text:
        lines.append(f"license = {{ text = {_toml(core.licence_text)} }}")
    lines += ["", '[project.entry-points."headrace.skills"]']
    lines += [f"{_toml(skill)} = {_toml(core.package)}" for skill in core.skills]
    # What a .gitignore says, one of a skill's own files among them, is not asked.
    lines += ["", "[tool.hatch.build]", "ignore-vcs = true"]
    lines += ["", "[tool.hatch.build.targets.wheel]", f"packages = [{_toml(core.package)}]", ""]
    return "\n".join(lines).encode()


def _toml(value: str | list[str]) -> str:
    # What JSON escapes in a text, TOML escapes alike; all texts here are free of controls.
    return json.dumps(value, ensure_ascii=False)


def _sentence(description: str) -> str:
    line = one_line(description, _MAX_SUMMARY)
    match = _SENTENCE.match(line)
    return match[0] if match else line


def _licence(skills: Sequence[Skill]) -> tuple[str | None, str | None]:
    """The SPDX expression of all, or else what they say."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    said = list(dict.fromkeys(one_line(one.license or "", _MAX_LICENCE) for one in skills))
    if "" in said:
        return None, ("; ".join(filter(None, said)) or None)
    try:
        expressions = sorted({str(canonicalize_license_expression(one)) for one in said})
    except InvalidLicenseExpression:
        return None, "; ".join(said)
    if len(expressions) == 1:
        return expressions[0], None
    return " AND ".join(f"({one})" if " " in one else one for one in expressions), None


def _licence_files(paths: Iterable[str], root: str) -> tuple[str, ...]:
    """Those that lie beside a SKILL.md, and that a glob of PEP 639 can name."""
    found = []
    for path in paths:
        _, _, below = path.partition(f"{root}/")
        _, _, name = below.partition("/")
        if _LICENCE.fullmatch(name) and _PLAIN_PATH.fullmatch(path):
            found.append(path)
    return tuple(found)


def _keywords(skills: Sequence[Skill]) -> tuple[str, ...]:
    words = ["agent-skills"]
    for skill in skills:
        for fields in (skill.metadata, skill.extra):
            for key in ("keywords", "tags"):
                said = fields.get(key, ())
                items = said.split(",") if isinstance(said, str) else said
                words += [one for one in items if isinstance(one, str)]
    clean = (one_line(word, 64).replace(",", " ").strip() for word in words)
    return tuple(dict.fromkeys(filter(None, clean)))[:_MAX_KEYWORDS]


def _needed(
    skills: Sequence[tuple[Skill, Mapping[str, bytes]]],
) -> tuple[tuple[str, ...], str | None]:
    """What the skills and their scripts require: packages, and versions of Python."""
    requires: set[str] = set()
    pythons: set[str] = set()
    for skill, files in skills:
        requires.update(str(Requirement(one)) for one in needs_of(skill).dependencies)
        for path, data in files.items():
            if not path.endswith(".py") or len(data) > _MAX_SCRIPT or b"# ///" not in data:
                continue
            try:
                said = read_script_metadata(data.decode())
                python = str(SpecifierSet(said.requires_python or "")) if said else ""
            except (SkillFormatError, InvalidSpecifier, UnicodeDecodeError) as error:
                raise PackingError(f"{skill.name}, {path}: {error}") from None
            requires.update(str(Requirement(one)) for one in (said.dependencies if said else ()))
            pythons.update(filter(None, python.split(",")))
    return tuple(sorted(requires)), ",".join(sorted(pythons)) or None
