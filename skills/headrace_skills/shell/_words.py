"""What is known of a word before it is expanded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills.shell._errors import Place, refuse
from headrace_skills.shell._tree import place

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_skills.shell._tree import Node

__all__ = ["Word", "literal", "read_word"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command, as far as it can be known before the command runs."""

    text: str | None
    """All of it; ``None`` where a part of it is only known when it runs."""
    start: str
    """What it begins with in any case."""
    at: Place
    """Where it stands."""
    splits: bool = False
    """Whether it may become several words, the further ones with any beginning, or none."""
    many: bool = False
    """Whether it may become several words that all have this beginning."""
    number: bool = False
    """Whether it is a whole number, or empty, whatever comes."""
    vanishes: bool = False
    """Whether it may become no word at all, and the next one take its place."""
    numbered: str | None = None
    """All of it, with ``1`` for each number, where only numbers are not known."""

    @property
    def shown(self) -> str:
        """What it is called in a message."""
        return repr(self.text if self.text is not None else f"{self.start}…")


# In an unquoted word: an escaped character, or one that makes more than itself.
_UNQUOTED = re.compile(r"\\(?P<escaped>.)|(?P<special>[*?\[{~])|(?P<meta>[;|&<>()\s])|.", re.DOTALL)
_DOUBLE = re.compile(r"\\([$`\"\\\n])")
_ANSI = re.compile(
    r"\\(?:(?P<plain>[abeEfnrtv\\'\"?])|x(?P<hex>[0-9a-fA-F]{1,2})|(?P<octal>[0-7]{1,3})"
    r"|u(?P<four>[0-9a-fA-F]{1,4})|U(?P<eight>[0-9a-fA-F]{1,8})|(?P<other>.?))",
    re.DOTALL,
)
_PLAIN = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))


class _Reader:
    """Puts a word together, part by part."""

    def __init__(self, is_number: Callable[[Node], bool]) -> None:
        self._is_number = is_number
        self.pieces: list[str] = []
        self.open = False  # something was only known at run time
        self.start = ""
        self.splits = self.many = self.solid = False
        self.numbered: list[str] | None = []
        self.number = True

    def add(self, text: str) -> None:
        self.solid = self.solid or bool(text)
        self.pieces.append(text)
        if self.numbered is not None:
            self.numbered.append(text)
        if not self.open:
            self.start += text

    def unknown(self, *, number: bool = False) -> None:
        self.open = True
        if not number:
            self.numbered = None
        elif self.numbered is not None:
            self.numbered.append("1")

    def part(self, part: Node, *, quoted: bool) -> None:
        kind = part["Type"]
        if kind == "Lit":
            if quoted:
                self.add(_DOUBLE.sub(_unescaped, part.get("Value", "")))
            else:
                self._unquoted(part)
        elif kind == "SglQuoted":
            text = part.get("Value", "")
            self.add(_ansi(text, place(part)) if part.get("Dollar") else text)
            self.solid = True
        elif kind == "DblQuoted":
            self.solid = True
            for inner in part.get("Parts", ()):
                self.part(inner, quoted=True)
        else:
            self._expansion(part, quoted=quoted)

    def _expansion(self, part: Node, *, quoted: bool) -> None:
        kind = part["Type"]
        several = kind == "ParamExp" and _is_list(part)
        number = kind != "ProcSubst" and self._is_number(part)
        if kind == "ProcSubst":
            self.add("/dev/fd/")
        elif several or not (quoted or number):
            self.splits = True
        self.number = self.number and number
        self.unknown(number=number and not several)

    def _unquoted(self, part: Node) -> None:
        value = part.get("Value", "")
        if value in ("[", "]", "[[", "]]", "{", "}", "{}"):
            self.add(value)
            return
        for match in _UNQUOTED.finditer(value):
            character = match.group()
            if match["meta"]:
                raise refuse("parser", f"{character!r} was left in a word", place(part))
            if match["escaped"]:
                self.add(match["escaped"] if match["escaped"] != "\n" else "")
            elif not match["special"]:
                self.add(character)
            elif character == "{" and value.startswith("{}", match.start()):
                self.add(character)  # braces with nothing in them are themselves
            elif character != "~":
                self.many = True
                self.unknown()
            elif "".join(self.pieces)[-1:] in ("", "=", ":"):
                self.add("~")
                self.unknown()
            else:
                self.add(character)


def read_word(node: Node, is_number: Callable[[Node], bool]) -> Word:
    """Read a word; ``is_number`` tells of an expansion whether it gives a whole number.

    Raises:
        ShellRefusedError: It has a part that means different things to different readers.
    """
    reader = _Reader(is_number)
    for part in node["Parts"]:
        reader.part(part, quoted=False)
    text = "".join(reader.pieces)
    number = reader.number and not reader.many and re.fullmatch(r"-?\d*", text) is not None
    known = None if reader.open else text
    return Word(
        known, reader.start, place(node), reader.splits, reader.many, number,
        vanishes=reader.splits or not reader.solid,
        numbered=None if reader.numbered is None else "".join(reader.numbered),
    )  # fmt: skip


def literal(node: Node | None) -> str | None:
    """The text of a word that is one unquoted, unescaped literal."""
    parts: list[Node] = node.get("Parts", []) if node else []
    if len(parts) == 1 and parts[0]["Type"] == "Lit" and "\\" not in parts[0].get("Value", ""):
        return str(parts[0].get("Value", ""))
    return None


def _is_list(part: Node) -> bool:
    """Whether an expansion may give several words even in double quotes."""
    return part["Param"].get("Value") == "@" or literal(part.get("Index")) == "@"


def _unescaped(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]


def _ansi(text: str, at: Place) -> str:
    """Decode what stands in ``$'…'``."""

    def decoded(match: re.Match[str]) -> str:
        if match["plain"]:
            return _PLAIN[match["plain"]]
        digits = match["hex"] or match["four"] or match["eight"]
        code = int(digits, 16) if digits else int(match["octal"] or "0", 8)
        # Bytes above 7 bits may be parts of a character, and a NUL ends the text.
        if match["other"] is not None or not code or not chr(code).isascii():
            raise refuse(
                "quoting", f"{match.group()} in $'…' is not read here", at, "write the character"
            )
        return chr(code)

    return _ANSI.sub(decoded, text)
