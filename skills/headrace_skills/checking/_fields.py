"""The fields of a frontmatter, held against the standard."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from headrace_skills._text import has_hidden
from headrace_skills.checking._metadata import check_metadata
from headrace_skills.checking._names import name_faults, nearest_name, nfkc, normal_name
from headrace_skills.checking._types import check_type

if TYPE_CHECKING:
    from headrace_skills.checking._report import Found
    from headrace_skills.checking._yaml import Node

__all__ = ["FIELDS", "check_fields"]

FIELDS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
MAX_DESCRIPTION, MAX_COMPATIBILITY = 1024, 500  # the standard's
_ABSURD_NAME = 200  # what lenient reading takes
_SHORT = 40
_WHEN = re.compile(
    r"\b(?:when(?:ever)?|if|used? (?:it |this )?(?:for|to|on|with))\b", re.IGNORECASE
)
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_TOOLS = re.compile(r"\s*(?:[^\s,()]+(?:\([^()]*\))?(?:\s+|$))*")
_OFTEN_MEANT = {"tools": "allowed-tools", "requirements": "compatibility", "title": "name"}


def check_fields(fields: Node, folder: str, found: Found) -> str:
    """Hold the fields against the standard, and give the skill's name.

    Args:
        fields: The frontmatter, a mapping.
        folder: The name of the skill's folder.
        found: Where faults are noted.
    """
    assert isinstance(fields.value, dict)  # noqa: S101 - read_front gives nothing else
    values = {key: pair.value for key, pair in fields.value.items()}
    for key, pair in fields.value.items():
        if key not in FIELDS:
            message, mend = _unknown(key)
            found.add("field-unknown", message, at=pair.name.at, mend=mend)
        elif pair.value.value in ("", [], {}) and key not in ("name", "description"):
            found.add("field-empty", f"{key} has no value", at=pair.value.at)
        else:
            check_type(key, pair.value, found)
    name = _check_name(values.get("name"), fields, folder, found)
    _check_description(values.get("description"), fields, found)
    _check_compatibility(values.get("compatibility"), found)
    licence = values.get("license")
    if licence is not None and not isinstance(licence.value, str):
        found.add("license-form", "license is not a text", at=licence.at)
    _check_tools(values.get("allowed-tools"), found)
    if "metadata" in values:
        check_metadata(values["metadata"], found)
    return name


def _unknown(key: str) -> tuple[str, str]:
    shown = key[:60]
    plain = key.strip().lower().replace("_", "-").replace(" ", "-")
    meant = _OFTEN_MEANT.get(plain) or next(iter(get_close_matches(plain, FIELDS, 1, 0.75)), None)
    if meant:
        return f"there is no field {shown!r}; did you mean {meant}?", f"write {meant}"
    return (
        f"the standard has no field {shown!r}",
        f"move it into metadata (metadata:, and below it, indented, {shown}: ...), or delete it",
    )


def _is_text(node: Node) -> bool:
    # The reference reader does not take a bare << for a text.
    return isinstance(node.value, str) and not (node.plain and node.value == "<<")


def _check_name(node: Node | None, fields: Node, folder: str, found: Found) -> str:
    if node is None or not isinstance(node.value, str) or not node.value.strip():
        name = " ".join(folder.split())
        message = "there is no name" if node is None else "name is not a text"
        at = fields.at if node is None else node.at
        mend = f"write name: {nearest_name(folder)}"
        found.add("name-missing", message, at=at, mend=mend, loads=_loads(name))
        return name
    if not _is_text(node):
        found.add("yaml-merge", "<< is YAML's merge", at=node.at)
    written = " ".join(node.value.split())
    near = nearest_name(written)
    for rule, message in name_faults(node.value):
        found.add(rule, message, at=node.at, mend=f"write name: {near}", loads=_loads(written))
    if normal_name(node.value) != nfkc(folder):
        message = f"the name {written!r} is not that of its folder, {folder!r}"
        mend = f"rename the folder to {near}, or write name: {nearest_name(folder)}"
        found.add("name-folder", message, at=node.at, mend=mend)
    return written


def _loads(name: str) -> bool:
    return not has_hidden(name) and len(name) <= _ABSURD_NAME


def _check_description(node: Node | None, fields: Node, found: Found) -> None:
    if node is None:
        found.add("description-missing", "there is no description", at=fields.at, loads=False)
        return
    text = node.value
    if not isinstance(text, str) or not text.strip():
        message = "the description is empty" if text in ("", [], {}) else "it is not a text"
        found.add("description-missing", message, at=node.at, loads=False)
        return
    if not _is_text(node):
        found.add("yaml-merge", "<< is YAML's merge", at=node.at)
    if len(text) > MAX_DESCRIPTION:
        message = f"the description has {len(text):,} characters, over {MAX_DESCRIPTION:,}"
        found.add("description-length", message, at=node.at)
    if len(text.strip()) < _SHORT:
        message = f"the description has {len(text.strip())} characters"
        found.add("description-short", message, at=node.at)
    elif text.isascii() and not _WHEN.search(text):
        found.add("description-when", "it does not say when to use the skill", at=node.at)
    if match := _MARKUP.search(text):
        found.add("description-markup", f"the description has the tag {match[0]}", at=node.at)


def _check_compatibility(node: Node | None, found: Found) -> None:
    if node is None:
        return
    if not isinstance(node.value, str) or not _is_text(node):
        found.add("compatibility-form", "compatibility is not a text", at=node.at)
    elif len(node.value) > MAX_COMPATIBILITY:
        message = f"it has {len(node.value):,} characters, over {MAX_COMPATIBILITY}"
        found.add("compatibility-length", message, at=node.at)


def _check_tools(node: Node | None, found: Found) -> None:
    if node is None:
        return
    tools = node.value
    if isinstance(tools, str):
        if not _TOOLS.fullmatch(tools):
            message = "allowed-tools has commas, or brackets that do not pair"
            found.add("allowed-tools-form", message, at=node.at, mend=_one_line_of([tools]))
        return
    items = tools if isinstance(tools, list) else []
    texts = [one.value for one in items if isinstance(one.value, str)]
    message = "allowed-tools is a list" if texts else "allowed-tools is not a text"
    found.add("allowed-tools-form", message, at=node.at, mend=_one_line_of(texts))


def _one_line_of(texts: list[str]) -> str:
    tools = re.findall(r"[^\s,(]+(?:\([^)]*\))?", " ".join(texts)[:2000])
    return "write allowed-tools: " + " ".join(tools) if tools else ""
