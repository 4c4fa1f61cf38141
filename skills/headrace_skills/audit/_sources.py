"""The texts of a skill, each in one language: prose, its blocks of code, what it hides.

Documents are taken apart without moving anything: what is read elsewhere becomes blanks, so that
the place of a character stays what it was.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace
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
_UNSEEN = re.compile(  # an element that is there and not shown, to its end tag
    r"<(?P<tag>[a-zA-Z][\w-]*)\b(?=[^>]*(?:"
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d]*[1-9])"
    r"|font-size\s*[:=]\s*[\"']?0(?![.\d]*[1-9])|font-size\s*[:=]\s*[\"']?0?\.\d"
    r"|(?<![\w-])hidden(?=[\s>/=])|left\s*:\s*-\d{3,}"
    r"|(?<![\w-])(?:color|fill)\s*[:=]\s*[\"']?(?:white|transparent|#fff(?:fff)?)\b"
    r"))[^>]*>(?P<text>.*?)(?:</(?P=tag)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_INFOS: dict[Language, tuple[str, ...]] = {
    "python": ("python", "py", "python3"),
    "shell": ("sh", "bash", "shell", "zsh", "console", "terminal", "shell-session"),
    "js": ("js", "javascript", "ts", "typescript", "mjs", "node"),
    "powershell": ("powershell", "ps1", "pwsh", "cmd", "bat", "batch"),
    "markup": ("html", "svg", "xml"),
}
_BY_INFO = {info: language for language, infos in _INFOS.items() for info in infos}
_PROMPT = re.compile(r"^([ \t]*)[$#%>] (?=\S)", re.MULTILINE)


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
        begin = self.text.rfind("\n", 0, offset) + 1
        return self.line + self.text.count("\n", 0, offset), offset - begin + self.column


def sources_of(file: str, language: Language, text: str) -> Iterator[Source]:
    """Take a file apart."""
    if language not in ("prose", "markup"):
        if language == "data":
            for match in _COMMENT.finditer(text):
                yield _at(file, "prose", text, match.start(1), match[1], "hidden")
        yield Source(file, language, text)
        return
    for match in _FENCE.finditer(text) if language == "prose" else ():
        yield _fenced(file, text, match)
    rest = _FENCE.sub(_blank, text) if language == "prose" else text
    for pattern, group in ((_COMMENT, 1), (_UNSEEN, "text")):
        for match in pattern.finditer(rest):
            yield _at(file, "prose", text, match.start(group), match[group], "hidden")
        rest = pattern.sub(_blank, rest)
    if language == "prose":
        for match in _INLINE.finditer(rest):
            if " " in match[1].strip():
                before = rest[max(0, match.start() - 80) : match.start()]
                yield _at(file, "shell", text, match.start(1), match[1], "inline", before)
    yield Source(file, language, rest)


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
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    # Only its first line is moved to the right. To know it by blanks keeps every place right.
    return Source(file, language, " " * (column - 1) + piece, role, line, before=before)


def _fenced(file: str, text: str, match: re.Match[str]) -> Source:
    words = match["info"].strip().strip("{}.").lower().split()
    code = match["code"]
    language = _BY_INFO.get(words[0], "data") if words else _guessed(code)
    start = match.start("code")
    before = text[: match.start()].rstrip().rpartition("\n")[2]
    indent = len(code) - len(code.lstrip(" ")) if code.strip() else 0
    code = textwrap.dedent(code)
    if language == "shell":
        code = _PROMPT.sub(lambda found: found[1] + "  ", code)
    line = text.count("\n", 0, start) + 1
    return Source(file, language, code, "fence", line, indent + 1, before=before)


_COMMAND_LIKE = re.compile(
    r"^\s*(?:[$%]|sudo|curl|wget|bash|sh|eval|echo|rm|cat|chmod|nc|pip|npm|export|\.) ",
    re.MULTILINE,
)


def _guessed(code: str) -> Language:
    return "shell" if _COMMAND_LIKE.search(code) else "data"
