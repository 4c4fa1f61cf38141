"""A SKILL.md taken apart into its frontmatter and its body, with the places of both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from headrace_skills._confined import read_beneath
from headrace_skills._reading import MAX_SKILL_FILE, SKILL_FILES
from headrace_skills.checking._yaml import Front, place_of
from headrace_skills.errors import SkillPathError

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_skills.checking._report import Found

__all__ = ["Source", "read_source", "split"]

_MANY = 20  # fences within lines that are told
_BOM = "\ufeff"
_BLANK = re.compile(r"(?:[^\S\n]*\n)*")
_OPEN = re.compile(r"---([^\S\n]*)(?:\n|$)")
_CLOSE = re.compile(r"(?m)^---[^\S\n]*$")


@dataclass(frozen=True, slots=True)
class Source:
    """A SKILL.md in its two parts."""

    front: Front
    body: str
    """All that follows the second fence."""
    line: int
    """The line of the file that the body starts with."""


def read_source(root: Path, names: set[str], found: Found) -> Source | None:
    """Read the SKILL.md of a folder; None where lenient reading would not."""
    file = next((name for name in SKILL_FILES if name in names), None)
    if file is None:
        near = sorted(name for name in names if name.casefold() in ("skill.md", "skill.markdown"))
        mend = f"rename {near[0]} to SKILL.md" if near else ""
        found.add("skill-file-missing", "there is no SKILL.md", mend=mend, loads=False)
        return None
    found.file = file
    if file != SKILL_FILES[0]:
        found.add("skill-file-name", f"the file is called {file}, not SKILL.md")
    try:
        content = read_beneath(root, file, MAX_SKILL_FILE)
    except SkillPathError as error:
        found.add("skill-file-unreadable", str(error), loads=False)
        return None
    if content.size > MAX_SKILL_FILE:
        message = f"it has {content.size:,} bytes, over {MAX_SKILL_FILE:,}"
        found.add("skill-file-size", message, loads=False)
        return None
    return split(content.data, found)


def split(data: bytes, found: Found) -> Source | None:
    """Take the content of a SKILL.md apart; None where lenient reading would not."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        at = place_of(before, len(before))
        message = f"byte {error.start} (0x{data[error.start]:02X}) is no UTF-8"
        found.add("not-utf8", message, at=at, loads=False)
        return None
    if text.startswith(_BOM):
        found.add("byte-order-mark", "the file starts with a byte order mark")
        text = text[1:]
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        found.add("line-endings", "the lines end with carriage returns", at=(line, 1))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    blank = _BLANK.match(text)
    start = blank.end() if blank else 0
    opened = _OPEN.match(text, start)
    if opened is None:
        _no_fence(text, start, found)
        return None
    if start:
        found.add("frontmatter-start", "blank lines stand before the frontmatter")
    if opened[1].strip(" "):  # the reference reader takes it for a part of the first field
        message = "white space that is no space follows the first ---"
        found.add("frontmatter-start", message, at=place_of(text, opened.start(1)))
    closed = _CLOSE.search(text, opened.end())
    if closed is None:
        message = "no --- line ends the frontmatter"
        found.add("frontmatter-open", message, at=place_of(text, start), loads=False)
        return None
    front = Front(text[opened.end() : closed.start()], text.count("\n", 0, opened.end()) + 1)
    for match in islice(re.finditer("---", front.text), _MANY):
        message = "--- stands within a line of the frontmatter"
        found.add("fence-in-value", message, at=front.place(match.start()))
    return Source(front, text[closed.end() + 1 :], text.count("\n", 0, closed.end()) + 2)


def _no_fence(text: str, start: int, found: Found) -> None:
    at = place_of(text, start)
    if text.startswith("---", start):
        message = "something follows --- on the line that should start the frontmatter"
        found.add("frontmatter-start", message, at=at, loads=False)
    else:
        message = "the file does not start with ---"
        found.add("frontmatter-missing", message, at=at, loads=False)
