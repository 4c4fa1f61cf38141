"""The check of one skill."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.checking._body import check_body, check_hidden
from headrace_skills.checking._fields import check_fields
from headrace_skills.checking._folder import check_folder
from headrace_skills.checking._programs import check_programs
from headrace_skills.checking._report import Found, Report
from headrace_skills.checking._source import read_source
from headrace_skills.checking._yaml import read_front

if TYPE_CHECKING:
    from headrace_skills.checking._yaml import Node

__all__ = ["check_skill"]


def check_skill(path: str | Path, *, place: str | None = None) -> Report:
    """Check the skill of a folder: all that is wrong with it, and where.

    Nothing of it is run or imported, no link is followed out of it, and nothing is raised: what
    cannot be read is a fault.

    Args:
        path: The folder.
        place: What people call it; the path as given if None.
    """
    root = Path(path)
    place = str(path) if place is None else place
    folder = root.name or os.path.basename(os.path.abspath(root))  # noqa: PTH100, PTH119 - links stay
    found = Found()
    try:
        names = set(os.listdir(root))  # noqa: PTH208 - a set of names is what is asked
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        found.add("skill-file-missing", f"the folder cannot be read: {why}", loads=False)
        return Report(root, place, folder, found.in_order())
    name, commands = folder, ""
    source = read_source(root, names, found)
    if source is not None:
        fields = read_front(source.front, found)
        if not any(one.rule in ("control-character", "yaml-separator") for one in found.faults):
            check_hidden(source.front.text, source.front.line, found)
        check_hidden(source.body, source.line, found)
        if fields is not None:
            name = check_fields(fields, folder, found)
            commands = _text_of(fields, "metadata", "headrace-commands")
        check_body(source, root, found)
    files = check_folder(root, found)
    check_programs(root, files, commands.split(), found)
    return Report(root, place, name, found.in_order())


def _text_of(node: Node, *path: str) -> str:
    """The text below some names; empty where there is none."""
    for key in path:
        if not isinstance(node.value, dict) or key not in node.value:
            return ""
        node = node.value[key].value
    return node.value if isinstance(node.value, str) else ""
