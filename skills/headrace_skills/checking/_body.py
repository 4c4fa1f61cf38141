"""The instructions of a skill: the files that they name, and what is not seen in them."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

from headrace_skills.checking._yaml import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace_skills.checking._report import Found
    from headrace_skills.checking._source import Source

__all__ = ["check_body", "check_hidden"]

MAX_LINES = 500  # the standard's advice
_TARGETS = 500  # files named in a body that are looked for
_LINES = 50  # lines with hidden characters that are told
_LONG = 4_000  # characters of a line that are looked at
_MARKS = ("/", "](", "]:", "```", "~~~")  # a line without any of these names nothing
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TICKS = re.compile("`+")
_LINK = re.compile(r"\]\([ \t]*(?:<([^<>\n]{1,512})>|([^\s()<>]{1,512}))")
_DEFINED = re.compile(r" {0,3}\[[^\]\n]{1,200}\]:[ \t]*(?:<([^<>\n]{1,512})>|([^\s<>]{1,512}))")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_MENTION = re.compile(
    r"(?<![\w/.~$}>*-])(?:\./)?((?:scripts|references|assets)/[\w.-]+(?:/[\w.-]+){0,8})(?![\w/*{<$-])"
)
_PLACEHOLDER = re.compile(r"[{}<>$*|]|\.\.\.")
_HIDDEN = re.compile(
    "\U0001f3f4[\U000e0020-\U000e007f]{1,16}"  # a flag: the one use of tag characters that is seen
    "|([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]+)"
)
_JOINERS = re.compile("[\u200c\u200d\u200e\u200f]+")


def check_body(source: Source, root: Path, found: Found) -> None:
    """Look through a body."""
    lines = source.body.split("\n")
    total = source.line + len(source.body.rstrip("\n").split("\n")) - 1
    if not source.body.strip():
        found.add("body-empty", "nothing follows the frontmatter", at=(source.line - 1, 1))
    if total > MAX_LINES:
        message = f"the file has {total:,} lines"
        found.add("body-long", message, at=(MAX_LINES + 1, 1))
    seen: set[str] = set()
    for number, column, target in _targets(lines):
        if target not in seen and len(seen) < _TARGETS:
            seen.add(target)
            _check_target(target, root, found, (source.line + number, column))


def check_hidden(text: str, line: int, found: Found) -> None:
    """Note characters that are not seen, once for each line.

    Args:
        text: Some lines of the file.
        line: The number of the first of them.
        found: Where faults are noted.
    """
    end = told = 0
    for match in _HIDDEN.finditer(text):
        if match.start() < end or match[1] is None or _joins(text, match):
            continue
        number, column = place_of(text, match.start())
        first = match[1][0]
        called = unicodedata.name(first, "a control character").lower()
        message = f"there is U+{ord(first):04X} ({called}), which is not seen"
        found.add("hidden-characters", message, at=(line + number - 1, column))
        end = text.find("\n", match.start())
        told += 1
        if end < 0 or told == _LINES:
            return


def _joins(text: str, match: re.Match[str]) -> bool:
    """Tell whether joiners and marks stand where a script or an emoji needs them."""
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    beside = [one for one in (before, after) if one.strip()]
    return bool(_JOINERS.fullmatch(match[0])) and any(not one.isascii() for one in beside)


def _targets(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """The files that are named: line (from 0), column (from 1), and path or address."""
    fence = ""
    for number, whole in enumerate(lines):
        if not any(mark in whole for mark in _MARKS):
            continue
        line = whole[:_LONG]
        if match := _FENCE.match(line):
            mark = match[1]
            if not fence:
                fence = mark
            elif mark.startswith(fence) and not line.strip().strip(mark[0]):
                fence = ""
        for match in _MENTION.finditer(line):
            path = match[1].rstrip(".-")
            if "." in posixpath.basename(path):
                yield number, match.start() + 1, path
        if fence or ("](" not in line and "]:" not in line):
            continue
        prose = _without_code(line)
        defined = _DEFINED.match(prose)
        for match in (*_LINK.finditer(prose), *([defined] if defined else [])):
            group = match.lastindex or 0
            yield number, match.start(group) + 1, match[group]


def _without_code(line: str) -> str:
    """Blank what stands between backticks; columns stay."""
    opened: re.Match[str] | None = None
    for match in list(_TICKS.finditer(line)):
        if opened is None:
            opened = match
        elif len(match[0]) == len(opened[0]):
            line = (
                line[: opened.start()] + " " * (match.end() - opened.start()) + line[match.end() :]
            )
            opened = None
    return line


def _check_target(target: str, root: Path, found: Found, at: tuple[int, int]) -> None:
    path = unquote(target.partition("#")[0].partition("?")[0])
    if target.lower().startswith("file:") or path.startswith(("/", "~/")):
        if not path.startswith("//"):
            found.add("link-absolute", f"{target} is an absolute path", at=at)
        return
    if not path or _SCHEME.match(path) or _PLACEHOLDER.search(path) or "\0" in path:
        return
    if "/" not in path and "." not in path:
        return  # a placeholder such as (url)
    normal = posixpath.normpath(path.replace("\\", "/"))
    if normal == ".." or normal.startswith("../"):
        found.add("link-outside", f"{target} leads out of the skill's folder", at=at)
        return
    try:
        there = (root / normal).exists()
    except (OSError, ValueError):
        there = False
    if not there:
        found.add("file-missing", f"there is no {normal} in the skill's folder", at=at)
