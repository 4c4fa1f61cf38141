"""A folder with a SKILL.md, read into a value; what is wrong with it becomes a value too."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from headrace_skills._confined import read_child
from headrace_skills._frontmatter import parse_document
from headrace_skills._model import BrokenSkill, Origin, Skill, SkillFile
from headrace_skills._text import has_hidden, one_line
from headrace_skills.errors import SkillFormatError, SkillPathError

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_skills._frontmatter import Document

__all__ = ["SKILL_FILES", "load_body", "read_skill", "skill_file_of"]

SKILL_FILES = ("SKILL.md", "skill.md")
MAX_SKILL_FILE = 1024 * 1024
"""Bytes of a SKILL.md; the longest seen has 288 KB."""
MAX_FILES = 4_000
"""Files of a folder; the most seen are 1,104."""

MAX_NAME, MAX_DESCRIPTION = 64, 1024  # the standard's
_ABSURD_NAME = 200
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TOOL = re.compile(r"[^\s,(]+(?:\([^)]{0,500}\))?")  # bounded: (a(a(a( would take long
_KNOWN = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")


def skill_file_of(root: Path) -> str | None:
    """Tell the name of a folder's SKILL.md, or None where it has none."""
    try:
        names = set(os.listdir(root))  # noqa: PTH208 - a set of names is what is asked
    except OSError:
        return None
    return next((name for name in SKILL_FILES if name in names), None)


def read_skill(root: Path, origin: Origin | None = None) -> Skill | BrokenSkill:
    """Read the skill that a folder holds.

    Args:
        root: The folder of the SKILL.md.
        origin: Where it was found; the folder itself if None.
    """
    name = root.name or os.path.basename(os.path.abspath(root))  # noqa: PTH100, PTH119 - links stay
    try:
        root = root.resolve(strict=True)
        origin = origin or Origin(str(root))
        file = skill_file_of(root)
        if file is None:
            return BrokenSkill(name, root, origin, "it has no SKILL.md")
        document = _document(root, file)
        return _skill(root, file, document, origin, folder=name or root.name)
    except (SkillFormatError, SkillPathError) as error:
        reason = str(error)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = f"its folder cannot be read: {getattr(error, 'strerror', None) or error}"
    return BrokenSkill(name, root, origin or Origin(str(root)), reason)


def load_body(skill: Skill) -> str:
    """Read what a skill's SKILL.md says after its frontmatter.

    Raises:
        SkillFormatError: It is not what it was when the skill was found.
        SkillPathError: It is not there any more.
    """
    return _document(skill.root, skill.file).body


def _document(root: Path, file: str) -> Document:
    content = read_child(root, file, MAX_SKILL_FILE)
    if content.size > MAX_SKILL_FILE:
        raise SkillFormatError(f"its {file} has {content.size:,} bytes, over {MAX_SKILL_FILE:,}")
    return parse_document(content.data)


def _skill(root: Path, file: str, document: Document, origin: Origin, folder: str) -> Skill:
    fields = document.fields
    warnings = list(document.warnings)
    extra = {key: value for key, value in fields.items() if key not in _KNOWN}

    def text(key: str) -> str | None:
        value = fields.get(key)
        if value is None or isinstance(value, str):
            return (value or "").strip() or None
        warnings.append(f"its {key} is not a text")
        extra[key] = value
        return None

    name = text("name")
    if name is None:
        name = folder
        warnings.append("it has no name; its folder's is taken")
    name = " ".join(name.split())
    if has_hidden(name) or len(name) > _ABSURD_NAME:
        raise SkillFormatError("its name is over-long, or has characters that are not seen")
    description = text("description")
    if description is None:
        raise SkillFormatError("it has no description")
    if name != folder:
        warnings.append(f"its name {name!r} is not its folder's, {one_line(folder, MAX_NAME)!r}")
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        warnings.append(f"its name is not of 1 to {MAX_NAME} of a-z, 0-9 and single hyphens")
    if len(description) > MAX_DESCRIPTION:
        warnings.append(f"its description has more than {MAX_DESCRIPTION:,} characters")
    if extra:
        warnings.append("fields that the standard does not know: " + ", ".join(sorted(extra)))
    metadata = fields.get("metadata")
    if not isinstance(metadata, dict):
        if metadata:
            warnings.append("its metadata is not made of NAME: VALUE lines")
            extra["metadata"] = metadata
        metadata = {}
    return Skill(
        name=name,
        description=description,
        root=root,
        file=file,
        origin=origin,
        license=text("license"),
        compatibility=text("compatibility"),
        metadata=metadata,
        allowed_tools=_tools(fields.get("allowed-tools")),
        extra=extra,
        files=_files(root, warnings),
        warnings=tuple(warnings),
    )


def _tools(value: Any) -> tuple[str, ...]:
    """Take one text with spaces or commas, or a list; ``Bash(git add:*)`` is one tool."""
    items = value if isinstance(value, list) else [value]
    return tuple(tool for item in items if isinstance(item, str) for tool in _TOOL.findall(item))


def _files(root: Path, warnings: list[str]) -> tuple[SkillFile, ...]:
    """List the regular files of a folder; links are not followed."""
    found: list[SkillFile] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", ".git"))
        for name in sorted(names):
            path = os.path.join(folder, name)  # noqa: PTH118 - pathlib triples the time
            if os.path.islink(path) or not os.path.isfile(path):  # noqa: PTH113, PTH114
                continue
            if len(found) == MAX_FILES:
                warnings.append(f"it has more than {MAX_FILES:,} files; the rest is not listed")
                return tuple(sorted(found, key=lambda one: one.path))
            relative = os.path.relpath(path, root)
            if not relative.isprintable():
                continue  # a name that a model could not give back, or not UTF-8
            found.append(SkillFile(relative, os.path.getsize(path)))  # noqa: PTH202
    return tuple(sorted(found, key=lambda one: one.path))
