"""The texts of a skill, each in one language: prose, its blocks of code, what it hides.

Documents are taken apart without moving anything: what is read elsewhere becomes blanks, so that
the place of a character stays what it was.
"""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._files import Language

__all__ = ["Role", "Source", "sources_of"]

Role = Literal["file", "fence", "inline", "hidden", "embedded", "name"]

_FENCE = re.compile(
    r"^(?P<indent>[ \t>]*)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)\n"
    r"(?P<code>.*?)(?:^[ \t>]*(?P=mark)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"(?<!`)`([^`\n]{3,400})`(?!`)")
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_UNSEEN = re.compile(  # the start of an element that is there and not shown
    r"<(?P<tag>[a-zA-Z][\w-]{0,20})\b(?=[^>]{0,400}?(?:"
    r"display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}hidden"
    r"|opacity\s{0,4}:\s{0,4}0(?![.\d]*[1-9])"
    r"|font-size\s{0,4}[:=]\s{0,4}[\"']?(?:0(?![.\d]*[1-9])|0?\.\d)"
    r"|(?<![\w-])hidden(?=[\s>/=])|left\s{0,4}:\s{0,4}-\d{3,}"
    r"|(?<![\w-])(?:color|fill)\s{0,4}[:=]\s{0,4}[\"']?(?:white|transparent|#fff(?:fff)?)\b"
    r"))[^>]{0,1000}>",
    re.IGNORECASE,
)
MAX_UNSEEN = 200
"""Elements that are not shown, of one text."""
_MAX_MOVED = 400
MAX_BLOCKS = 5_000
"""Blocks, comments and pieces of code of one text; further ones are read as prose."""
_INFOS: dict[Language, tuple[str, ...]] = {
    "python": ("python", "py", "python3"),
    "shell": ("sh", "bash", "shell", "zsh", "console", "terminal", "shell-session"),
    "js": ("js", "javascript", "ts", "typescript", "mjs", "node"),
    "powershell": ("powershell", "ps1", "pwsh", "cmd", "bat", "batch"),
    "markup": ("html", "svg", "xml"),
}
_BY_INFO = {info: language for language, infos in _INFOS.items() for info in infos}
_PROMPT = re.compile(r"^([ \t]*)[$#%>] (?=\S)", re.MULTILINE)


@lru_cache(maxsize=4)
def _line_ends(text: str) -> list[int]:
    return [match.start() for match in re.finditer("\n", text)]


def _lines_above(text: str, offset: int) -> int:
    """How many lines end before a character; asked often, of long texts."""
    return bisect_left(_line_ends(text), offset)


@dataclass(frozen=True, slots=True)
class Source:
    """A text in one language, and where it stands."""

    file: str
    """The file, seen from the skill's folder."""
    language: Language
    text: str
    role: Role = "file"
    """How it stands there: ``embedded`` is code in a string of other code."""
    line: int = 1
    """The line of its first character in the file."""
    column: int = 1
    """How far its lines are moved to the right, plus one."""
    decoded: tuple[str, ...] = ()
    """The codes that it was under. Then all of it stands at ``line`` and ``column``."""
    before: str = ""
    """The line of prose that introduces it."""
    fixed: bool = False
    """Whether all of it stands at ``line`` and ``column``, as what was decoded does."""

    def within(self, language: Language, text: str, start: int, *codes: str) -> Source:
        """A text that stands in a string of this one, or comes out of it under codes."""
        line, column = self.place(start)
        return replace(
            self,
            language=language,
            text=text,
            role="embedded" if self.role == "file" else self.role,
            line=line,
            column=column,
            decoded=(*self.decoded, *codes),
            fixed=True,
        )

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column, in the file, of a character of the text."""
        if self.fixed:
            return self.line, self.column
        above = _lines_above(self.text, offset)
        begin = self.text.rfind("\n", 0, offset) + 1
        return self.line + above, offset - begin + self.column


def sources_of(file: str, language: Language, text: str) -> Iterator[Source]:
    """Take a file apart."""
    if language not in ("prose", "markup"):
        if language == "data":
            for match in islice(_COMMENT.finditer(text), MAX_BLOCKS):
                yield _at(file, "prose", text, match.start(1), match[1], "hidden")
        yield Source(file, language, text)
        return
    rest = text
    if language == "prose":
        for match in islice(_FENCE.finditer(text), MAX_BLOCKS):
            yield _fenced(file, text, match)
        rest = _FENCE.sub(_blank, text, MAX_BLOCKS)
    for match in islice(_COMMENT.finditer(rest), MAX_BLOCKS):
        yield _at(file, "prose", text, match.start(1), match[1], "hidden")
    rest = _COMMENT.sub(_blank, rest, MAX_BLOCKS)
    for start, end in _unseen(rest):
        yield _at(file, "prose", text, start, rest[start:end], "hidden")
        rest = rest[:start] + re.sub(r"[^\n]", " ", rest[start:end]) + rest[end:]
    if language == "prose":
        for match in islice(_INLINE.finditer(rest), MAX_BLOCKS):
            if " " in match[1].strip():
                before = rest[max(0, match.start() - 80) : match.start()]
                yield _at(file, "shell", text, match.start(1), match[1], "inline", before)
    yield Source(file, language, rest)


def _unseen(text: str) -> list[tuple[int, int]]:
    """Where the contents of elements stand that are not shown."""
    found: list[tuple[int, int]] = []
    for match in islice(_UNSEEN.finditer(text), MAX_UNSEEN):
        start = match.end()
        if found and start < found[-1][1]:
            continue  # within the one before
        end = text.find(f"</{match['tag']}", start)
        found.append((start, len(text) if end < 0 else end))
    return found


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _at(
    file: str,
    language: Language,
    text: str,
    start: int,
    piece: str,
    role: Role,
    before: str = "",
) -> Source:
    line = _lines_above(text, start) + 1
    column = start - text.rfind("\n", 0, start)
    if "\n" not in piece:
        return Source(file, language, piece, role, line, column, before=before)
    # Only its first line is moved to the right: blanks keep the places of the others.
    moved = " " * min(column - 1, _MAX_MOVED) + piece
    return Source(file, language, moved, role, line, before=before)


def _fenced(file: str, text: str, match: re.Match[str]) -> Source:
    words = match["info"].strip().strip("{}.").lower().split()
    code = match["code"]
    language = _BY_INFO.get(words[0], "data") if words else _guessed(code)
    start = match.start("code")
    before = text[max(0, match.start() - 200) : match.start()].rstrip().rpartition("\n")[2]
    indent = len(code) - len(code.lstrip(" ")) if code.strip() else 0
    code = textwrap.dedent(code)
    if language == "shell":
        code = _PROMPT.sub(lambda found: found[1] + "  ", code)
    line = _lines_above(text, start) + 1
    return Source(file, language, code, "fence", line, indent + 1, before=before)


_COMMAND_LIKE = re.compile(
    r"^\s*(?:[$%]|sudo|curl|wget|bash|sh|eval|echo|rm|cat|chmod|nc|pip|npm|export|\.) ",
    re.MULTILINE,
)


def _guessed(code: str) -> Language:
    return "shell" if _COMMAND_LIKE.search(code) else "data"
