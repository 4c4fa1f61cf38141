"""The field ``metadata``: texts, and what headrace reads of them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._model import Origin, Skill
from headrace_skills.checking._types import check_type
from headrace_skills.errors import SkillFormatError
from headrace_skills.needs import needs_of

if TYPE_CHECKING:
    from headrace_skills.checking._report import Found
    from headrace_skills.checking._yaml import Node, Pair

__all__ = ["check_metadata"]

_PREFIX = "headrace-"
NEEDS = ("dependencies", "network", "environment", "commands")


def check_metadata(node: Node, found: Found) -> None:
    """Hold ``metadata`` against the standard and against what headrace reads."""
    if not isinstance(node.value, dict):
        if node.value not in ("", []):
            message = "metadata is not made of NAME: VALUE lines"
            found.add("metadata-form", message, at=node.at)
        return
    for key, pair in node.value.items():
        if key.startswith(_PREFIX):
            _check_need(key, pair, found)
        elif not isinstance(pair.value.value, str):
            message = f"metadata {key[:60]} is not a text"
            mend = f'write one text: {key[:60]}: "..."'
            found.add("metadata-form", message, at=pair.value.at, mend=mend)
            continue
        check_type(key[:60], pair.value, found)
        if key == "version":
            _check_version(pair.value, found)


def _check_need(key: str, pair: Pair, found: Found) -> None:
    kinds = [_PREFIX + kind for kind in NEEDS]
    if key not in kinds:
        near = get_close_matches(key, kinds, 1, 0.6)
        mend = f"write {near[0]}" if near else ""
        found.add("needs-unknown", f"headrace knows no {key[:60]!r}", at=pair.name.at, mend=mend)
        return
    value = pair.value.value
    if not isinstance(value, str):
        found.add("needs-form", f"metadata {key} is not a text", at=pair.value.at)
        return
    here = Path()
    skill = Skill("", "", here, "", Origin(""), metadata={key: value})
    try:
        needs_of(skill)
    except SkillFormatError as error:
        found.add("needs-form", str(error), at=pair.value.at)


def _check_version(node: Node, found: Found) -> None:
    from packaging.version import InvalidVersion, Version

    try:
        Version(str(node.value))
    except InvalidVersion:
        message = f"{str(node.value)[:40]!r} is not a version of a Python package"
        found.add("metadata-version", message, at=node.at)
