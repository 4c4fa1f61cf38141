r"""Reads a sed script, to see that it runs no command and writes no file.

It takes what every sed reads alike, and refuses the rest: a delimiter within brackets, text after
``a\\`` on the same line, labels with other characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.shell._errors import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_skills.shell._words import Word

__all__ = ["check_sed"]

# With a number put in from outside, a script may still choose lines, and nothing else.
_NUMBERED = re.compile(r"[-0-9$,;!{}= pdq\n]*")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n;]|#[^\n]*)*")
_LINE_NUMBER = re.compile(r"\$|\d+(?:~\d+)?")
_SECOND = re.compile(r"[+~]\d+")
_ALONE = "=dDgGhHnNpPxzF}"
_NUMBER = re.compile(r"[ \t]*\d*")
_LABEL = re.compile(r"[ \t]*[A-Za-z0-9_]*")
_END = re.compile(r"[ \t]*(?:$|(?=[;\n}#]))")
_FLAGS = re.compile(r"[gpiIMm0-9]*")
_CLASS = re.compile(r"\[([:.=])[^\n]*?\1\]")


class _UnreadableError(Exception):
    """The reason why a script is refused."""


class _Script:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def check(self) -> None:
        while True:
            self._skip(_GAP)
            if self._at == len(self._text):
                return
            self._address()
            self._command()

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _next(self) -> str:
        character = self._text[self._at : self._at + 1]
        self._at += 1
        return character

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _address(self) -> None:
        if self._one_address():
            self._skip(_SPACE)
            if self._peek() == ",":
                self._at += 1
                self._skip(_SPACE)
                if not (self._skip(_SECOND) or self._one_address()):
                    raise _UnreadableError("there is no address after its comma")
            self._skip(_SPACE)
        while self._peek() == "!":
            self._at += 1
            self._skip(_SPACE)

    def _one_address(self) -> bool:
        if self._skip(_LINE_NUMBER):
            return True
        if self._peek() not in ("/", "\\"):
            return False
        self._delimited(self._delimiter() if self._next() == "\\" else "/", brackets=True)
        while self._peek() and self._peek() in "IM":
            self._at += 1
        return True

    def _delimiter(self) -> str:
        character = self._next()
        if not character or character.isalnum() or character in "\\\n \t;{}[" or character > "~":
            raise _UnreadableError(
                f"the delimiter {character!r} is read in many ways: write / or |"
            )
        return character

    def _delimited(self, delimiter: str, *, brackets: bool) -> None:
        inside = False
        while True:
            match = _CLASS.match(self._text, self._at) if inside else None
            if match:
                self._at = match.end()
                continue
            character = self._next()
            if character in ("", "\n"):
                raise _UnreadableError(f"a {delimiter} is missing")
            if character == "\\":
                self._at += 1
            elif character == delimiter:
                if inside:
                    raise _UnreadableError(f"a {delimiter} within brackets is read in many ways")
                return
            elif inside:
                inside = character != "]"
            elif brackets and character == "[":
                inside = True
                if self._peek() == "^":
                    self._at += 1
                if self._peek() == "]":
                    self._at += 1

    def _command(self) -> None:
        name = self._next()
        if name == "{":
            return
        if name and name in _ALONE:
            pass
        elif name and name in "qQlL":
            self._skip(_NUMBER)
        elif name and name in "btT:":
            self._skip(_LABEL)
            if name == ":" and self._peek() not in ("", ";", "\n"):
                raise _UnreadableError("this label is read in many ways: end it with a line")
        elif name == "s":
            delimiter = self._delimiter()
            self._delimited(delimiter, brackets=True)
            self._delimited(delimiter, brackets=False)
            self._skip(_FLAGS)
            if self._peek() and self._peek() in "we":
                does = "runs a command" if self._peek() == "e" else "writes a file"
                raise _UnreadableError(f"the flag {self._peek()} of s {does}")
        elif name == "y":
            delimiter = self._delimiter()
            self._delimited(delimiter, brackets=False)
            self._delimited(delimiter, brackets=False)
        elif name and name in "aic":
            self._inserted(name)
            return
        elif name and name in "rR":
            self._skip(re.compile(r"[^\n]*"))
            return
        elif name and name in "ewW":
            does = "runs a command" if name == "e" else "writes a file"
            raise _UnreadableError(f"the command {name} {does}")
        else:
            raise _UnreadableError(f"the command {name!r} is not known")
        if _END.match(self._text, self._at) is None:
            raise _UnreadableError(f"something follows the command {name}: end it with ;")

    def _inserted(self, name: str) -> None:
        self._skip(_SPACE)
        if self._peek() == "\\":
            self._at += 1
            if self._next() != "\n":
                raise _UnreadableError(
                    f"text after {name}\\ is read in many ways: put it on a new line"
                )
        if self._peek() in ("", "\n", "\\"):
            raise _UnreadableError(f"the text of {name} is missing, or begins with a backslash")
        while (character := self._next()) not in ("", "\n"):
            if character == "\\":
                self._at += 1


def check_sed(scripts: Sequence[Word]) -> None:
    """Check the scripts that sed is given, which it reads as lines of one.

    Raises:
        ShellRefusedError: They could run a command or write a file, or cannot be read.
    """
    pieces: list[str] = []
    for word in scripts:
        if word.text is None:
            if word.numbered is None or not _NUMBERED.fullmatch(word.numbered):
                raise refuse(
                    "script",
                    "what is put into a script of sed when it is run could be a command of sed",
                    word.at,
                    'write the script in single quotes; to put values in, use awk -v name="$value"',
                )
            continue
        if word.text.endswith("\\"):
            raise refuse("script", "a script of sed ends with a backslash", word.at)
        pieces.append(word.text)
    if not pieces:
        return
    try:
        _Script("\n".join(pieces)).check()
    except _UnreadableError as why:
        raise refuse(
            "script", f"this script of sed is refused: {why}", scripts[0].at,
            "use s, y, d, p, q, a, i and c, and redirect what is printed",
        ) from None  # fmt: skip
