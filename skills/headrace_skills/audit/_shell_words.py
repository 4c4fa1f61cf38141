"""Shell text in pipelines of words. Rough: it looks for what is there, and decides nothing.

What it cannot make out it gives as words all the same; the fence of `bash` has a real parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from headrace_skills.audit._table import names

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Heredoc",
    "Redirect",
    "Stage",
    "Word",
    "join_lines",
    "pipelines",
    "substitutions",
    "without_heredocs",
]

MAX_TEXT = 256 * 1024
MAX_STAGES = 20_000
_MAX_NESTED = 8

_ASSIGNED = re.compile(r"[A-Za-z_]\w*\+?=")
_PREFIXES = names("shell-prefixes")
_SUBSTITUTION = re.compile(r"\$\(|`|<\(")
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1[^\n]*\n")
MAX_HEREDOCS = 200
_WITH_NUMBER = re.compile(r"\d+[smhd]?")
_QUOTES = re.compile(r"[\"'\\]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, quotes and all."""

    raw: str
    start: int

    @property
    def plain(self) -> str:
        """It, without quotes and backslashes."""
        return _QUOTES.sub("", self.raw)

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.start + len(self.raw)


@dataclass(frozen=True, slots=True)
class Redirect:
    """``>``, ``>>`` or ``<``, and where to."""

    kind: str
    target: Word


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A text that a script gives to a command."""

    name: str
    """What ends it."""
    start: int
    text: str


@dataclass(slots=True)
class Stage:
    """One command of a pipeline."""

    start: int
    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    heredoc: str = ""
    """The name that ends a text given to it."""

    @property
    def end(self) -> int:
        """The place behind its last word."""
        ends = [word.end for word in self.words] + [one.target.end for one in self.redirects]
        return max(ends, default=self.start)

    def command(self) -> tuple[str, list[Word]]:
        """The name of the program, without its folder and what stands before it; and its words."""
        rest = list(self.words)
        prefixed = False
        while rest:
            word = rest[0].plain
            if _ASSIGNED.match(word) or word in _PREFIXES:
                prefixed = prefixed or word in _PREFIXES
            elif not (prefixed and (word.startswith("-") or _WITH_NUMBER.fullmatch(word))):
                break
            rest.pop(0)
        if not rest:
            return "", []
        name = rest[0].plain
        return (PurePosixPath(name).name or name), rest[1:]

    def written(self) -> list[Word]:
        """Where its output goes."""
        return [one.target for one in self.redirects if one.kind != "<"]

    def assigned(self) -> list[tuple[str, Word]]:
        """The variables that are set before, or instead of, a command."""
        found = []
        for word in self.words:
            if match := _ASSIGNED.match(word.raw):
                found.append((match[0].rstrip("+="), word))
            elif word.plain not in _PREFIXES:
                break
        return found


def join_lines(text: str) -> str:
    """Blank out what joins lines, and comments stay; places remain what they are."""
    return text[:MAX_TEXT].replace("\\\r\n", "   ").replace("\\\n", "  ")


def pipelines(text: str) -> list[list[Stage]]:
    """Take a text apart; substitutions are parts of words (``Word.raw``)."""
    found: list[list[Stage]] = []
    line: list[Stage] = []
    stage = Stage(0)
    stages = 0
    n, size = 0, len(text)

    def close(*, pipe: bool) -> None:
        nonlocal stage, line
        if stage.words or stage.redirects:
            line.append(stage)
        stage = Stage(n)
        if not pipe and line:
            found.append(line)
            line = []

    while n < size and stages < MAX_STAGES:
        one = text[n]
        if one in " \t\r":
            n += 1
        elif one == "#":
            n = _line_end(text, n)
        elif one in "\n;&|":
            stages += 1
            pipe = one == "|" and text[n : n + 2] != "||"
            if one == "&" and text[n : n + 2] == "&>":
                stage.redirects.append(Redirect(">", _word_at(text, n + 2)))
                n = stage.redirects[-1].target.end
                continue
            close(pipe=pipe)
            n += 2 if text[n : n + 2] in ("&&", "||", ";;", "|&") else 1
            if pipe:  # a pipe goes on over the end of a line
                while n < size and text[n] in " \t\r\n":
                    n += 1
        elif one in "<>" and text[n : n + 2] not in ("<(", ">("):
            n = _redirect(text, n, stage)
        elif one in "()":
            close(pipe=one == ")" and _next_is_pipe(text, n + 1))
            n += 1
        else:
            word = _word_at(text, n)
            if word.raw.isdigit() and text[word.end : word.end + 1] in ("<", ">"):
                n = word.end  # the number of a descriptor
                continue
            if not stage.words:
                stage.start = word.start
            stage.words.append(word)
            n = max(word.end, n + 1)
    close(pipe=False)
    return found


def _next_is_pipe(text: str, n: int) -> bool:
    rest = text[n : n + 40].lstrip(" \t")
    return rest.startswith("|") and not rest.startswith("||")


def _line_end(text: str, n: int) -> int:
    end = text.find("\n", n)
    return len(text) if end < 0 else end


def _redirect(text: str, n: int, stage: Stage) -> int:
    kind = text[n]
    end = n + 1
    while end < len(text) and text[end] in "<>|&-" and end < n + 3:
        end += 1
    word = _word_at(text, _skip(text, end))
    mark = text[n:end]
    if mark.startswith("<<") and not mark.startswith("<<<"):
        stage.heredoc = word.plain.lstrip("-")
    elif "&" in mark and (word.raw.isdigit() or not word.raw):
        return max(word.end, end)  # >&2
    elif word.raw:
        stage.redirects.append(Redirect(">>" if mark.startswith(">>") else kind, word))
    return max(word.end, end)


def _skip(text: str, n: int) -> int:
    while n < len(text) and text[n] in " \t":
        n += 1
    return n


def _word_at(text: str, start: int) -> Word:
    n = _skip(text, start)
    begin = n
    while n < len(text):
        one = text[n]
        if one in " \t\r\n;&|)":
            break
        if one in "<>(":
            if text[n : n + 2] in ("<(", ">("):
                n = _closing(text, n + 1)
                continue
            break
        if one == "\\":
            n += 2
        elif one == "'":
            end = text.find("'", n + 1)
            n = len(text) if end < 0 else end + 1
        elif one == '"':
            n = _quoted(text, n)
        elif one == "`":
            end = text.find("`", n + 1)
            n = len(text) if end < 0 else end + 1
        elif one == "$" and text[n + 1 : n + 2] in ("(", "{"):
            n = _closing(text, n + 1)
        else:
            n += 1
    n = min(n, len(text))
    return Word(text[begin:n], begin)


def _quoted(text: str, n: int) -> int:
    n += 1
    while n < len(text) and text[n] != '"':
        if text[n] == "\\":
            n += 2
        elif text[n] == "$" and text[n + 1 : n + 2] in ("(", "{"):
            n = _closing(text, n + 1)
        else:
            n += 1
    return n + 1


def _closing(text: str, n: int, depth: int = 0) -> int:
    """The place behind the bracket that closes the one at ``n``."""
    opening = text[n]
    closing = ")" if opening == "(" else "}"
    n += 1
    while n < len(text):
        one = text[n]
        if one == closing:
            return n + 1
        if one == "\\":
            n += 2
        elif one == "'":
            end = text.find("'", n + 1)
            n = len(text) if end < 0 else end + 1
        elif one in "({" and depth < _MAX_NESTED and (one == "(" or text[n - 1] == "$"):
            n = _closing(text, n, depth + 1)
        else:
            n += 1
    return n


def substitutions(word: Word) -> Iterator[tuple[str, int]]:
    """The commands within a word, each with its place."""
    raw = word.raw
    n = 0
    while match := _SUBSTITUTION.search(raw, n):
        begin = match.end()
        if match[0] == "`":
            end = raw.find("`", begin)
            end = len(raw) if end < 0 else end
        else:
            depth, end = 1, begin
            while end < len(raw) and depth:
                depth += (raw[end] == "(") - (raw[end] == ")")
                end += 1
            end -= not depth
        yield raw[begin:end], word.start + begin
        n = max(end, begin) + 1


def without_heredocs(text: str) -> tuple[str, list[Heredoc]]:
    """Blank the texts out that a script gives to commands; and give them, by what ends them."""
    if "<<" not in text:
        return text, []
    bodies: list[Heredoc] = []
    kept: list[str] = []
    done = 0
    for match in _HEREDOC.finditer(text):
        if match.start() < done:
            continue  # within the one before
        if len(bodies) == MAX_HEREDOCS:
            break
        last = re.compile(rf"^[ \t]*{match[2]}[ \t]*$", re.MULTILINE).search(text, match.end())
        end = last.end() if last else len(text)
        body = text[match.end() : last.start() if last else end]
        bodies.append(Heredoc(match[2], match.end(), body))
        kept += (text[done : match.end()], re.sub(r"[^\n]", " ", text[match.end() : end]))
        done = end
    return "".join((*kept, text[done:])), bodies
