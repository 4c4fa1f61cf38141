"""Reads an awk program as far as to see that it runs no command.

What runs commands is ``system``, a pipe, and ``@``. They are harmless in texts and patterns, so
these must be told apart from the rest. Where a slash may begin a pattern or divide, both are tried.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.shell._errors import refuse

if TYPE_CHECKING:
    from headrace_skills.shell._words import Word

__all__ = ["check_awk"]

MAX_UNCLEAR = 10
"""Slashes that may be either: each doubles the work."""

_HAZARD = re.compile(r"system|\||@")
_TOKEN = re.compile(
    r"(?P<space>[ \t]+|\\\r?\n|#[^\n]*)"
    r'|(?P<text>"(?:[^"\\\n]|\\.|\\\n)*")'
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<number>\d[\w.]*|\.\d[\w.]*)"
    r"|(?P<slash>/)"
    r"|(?P<either>\)|\+\+|--)"
    r"|(?P<closed>\])"
    r"|(?P<or>\|\|)"
    r"|(?P<pipe>\||@)"
    r"|(?P<open>[^\"\\])",
    re.DOTALL,
)
_PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[\^?\]?(?:[^\]/\\\n\[]|\\.|\[:\w+:\])*\])*/", re.DOTALL)
_BEFORE_PATTERN = frozenset(
    ("in", "print", "printf", "return", "else", "do", "case", "exit", "delete")
)
_UNCLEAR_NAMES = frozenset(("getline", "length", "next", "nextfile", "break", "continue"))


class _UnreadableError(Exception):
    """The reason why a program is refused."""


class _HazardError(_UnreadableError):
    """A reason that holds however the rest is read."""


def _check(text: str, at: int, before: str, unclear: int) -> None:
    """Go through a program from a place that is not within a text or a pattern."""
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _UnreadableError("it has a text without an end, or a stray backslash")
        kind = str(match.lastgroup)
        if kind == "slash":
            ends = _after_slash(text, at, before, unclear)
            if len(ends) > 1:
                _try_each(text, ends, unclear + 1)
                return
            at, before = ends[0]
            continue
        at = match.end()
        if kind == "pipe":
            does = "includes or calls something" if match.group() == "@" else "starts a command"
            raise _HazardError(f"{match.group()} {does}")
        if kind == "number" and "system" in match.group():
            raise _HazardError("system runs a command")  # 1system(…) is 1, and then system
        if kind == "name":
            before = _after_name(match.group())
        elif kind != "space":
            before = {"text": "closed", "number": "closed", "or": "open"}.get(kind, kind)


def _after_name(name: str) -> str:
    if name == "system":
        raise _HazardError("system runs a command")
    if name in _UNCLEAR_NAMES:
        return "either"
    return "open" if name in _BEFORE_PATTERN else "closed"


def _after_slash(text: str, at: int, before: str, unclear: int) -> list[tuple[int, str]]:
    """Where a program goes on after a slash, and after what: twice where it may be either."""
    divided, pattern = (at + 1, "open"), _PATTERN.match(text, at)
    if before == "closed":
        return [divided]
    if before == "open":
        if pattern is None:
            raise _UnreadableError(
                "a pattern has no end, or holds a slash within brackets: write \\/"
            )
        return [(pattern.end(), "closed")]
    if unclear >= MAX_UNCLEAR:
        raise _UnreadableError("too many of its slashes may divide or begin a pattern")
    return [divided, (pattern.end(), "closed")] if pattern else [divided]


def _try_each(text: str, ends: list[tuple[int, str]], unclear: int) -> None:
    failures: list[_UnreadableError] = []
    for at, before in ends:
        try:
            _check(text, at, before, unclear)
        except _HazardError:
            raise
        except _UnreadableError as why:
            failures.append(why)
    if len(failures) == len(ends):
        raise failures[0]


def check_awk(word: Word) -> None:
    """Check the program that awk is given.

    Raises:
        ShellRefusedError: It could run a command, or cannot be read.
    """
    if word.text is None:
        raise refuse(
            "script",
            "what is put into a program of awk when it is run could be a command",
            word.at,
            'write the program in single quotes, and give values by awk -v name="$value"',
        )
    if not _HAZARD.search(word.text):
        return
    try:
        _check(word.text, 0, "open", 0)
    except _UnreadableError as why:
        raise refuse(
            "script", f"this program of awk is refused: {why}", word.at,
            "print, and let the shell pipe what is printed",
        ) from None  # fmt: skip
