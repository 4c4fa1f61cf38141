"""Programs that run another program: what they run is judged like any command."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from headrace_skills.shell._errors import refuse
from headrace_skills.shell._options import Options, may_be_option, read_options
from headrace_skills.shell._rules import words_of
from headrace_skills.shell._variables import check_exported
from headrace_skills.shell._words import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_skills.shell._errors import Place

__all__ = ["WRAPPERS", "Calls", "check_wrapper"]


class Calls(Protocol):
    """What judges a command."""

    def program(self, words: Sequence[Word]) -> None:
        """Judge a command that is started as a program, with no function or builtin of bash."""

    def names(self, program: str) -> bool:
        """Tell whether a program may be run."""


_TIMEOUT = Options(
    "what follows them is a command",
    flags="v",
    values="ks",
    long=frozenset(("foreground", "preserve-status", "verbose")),
    long_values=frozenset(("kill-after", "signal")),
    mixed=False,
)
_NICE = Options(
    "what follows them is a command", values="n", long_values=frozenset(("adjustment",)),
    mixed=False, digits=True,
)  # fmt: skip
_NOHUP = Options("what follows them is a command", mixed=False)
_SETSID = Options("what follows them is a command", flags="w", mixed=False)
_STDBUF = Options(
    "what follows them is a command", values="ioe",
    long_values=frozenset(("input", "output", "error")), mixed=False,
)  # fmt: skip
_ENV = Options(
    "what follows them is a command", flags="i0", values="u",
    long=frozenset(("ignore-environment", "null")), long_values=frozenset(("unset",)), mixed=False,
)  # fmt: skip
_XARGS = Options(
    "what follows them is a command",
    flags="0rtx",
    values="adEILnPs",
    long=frozenset(("null", "no-run-if-empty", "verbose", "exit")),
    long_values=frozenset(
        ("arg-file", "delimiter", "max-lines", "max-args", "max-procs", "max-chars")
    ),
    mixed=False,
)
_FIND_VALUES = words_of(
    "name iname path ipath wholename iwholename regex iregex lname ilname type xtype size "
    "perm user group uid gid links inum newer anewer cnewer newermt newerct newerat "
    "samefile mtime ctime atime mmin cmin amin maxdepth mindepth regextype printf fstype used"
)
_FIND_FLAGS = words_of(
    "empty not o or a and print print0 prune quit true false ls depth d mount xdev noleaf "
    "daystart follow readable writable executable nouser nogroup warn nowarn "
    "ignore_readdir_race noignore_readdir_race"
)
WRAPPERS = frozenset(("env", "find", "nice", "nohup", "setsid", "stdbuf", "timeout", "xargs"))
"""The programs that are read here."""


def check_wrapper(name: str, at: Place, words: Sequence[Word], calls: Calls) -> None:
    """Check what a program is given that runs another.

    Raises:
        ShellRefusedError: It would run what may not be run.
    """
    if name == "find":
        _find(words, calls)
    elif name == "xargs":
        _xargs(at, words, calls)
    elif name == "env":
        _env(words, calls)
    else:
        options = {
            "timeout": _TIMEOUT,
            "nice": _NICE,
            "nohup": _NOHUP,
            "setsid": _SETSID,
            "stdbuf": _STDBUF,
        }[name]
        operands = read_options(name, options, words).operands
        if name == "timeout" and operands:
            if operands[0].vanishes:
                raise refuse("option", "the duration of timeout may turn out to be nothing",
                             operands[0].at, "put double quotes round it")  # fmt: skip
            operands = operands[1:]
        if operands:
            calls.program(operands)


def _env(words: Sequence[Word], calls: Calls) -> None:
    operands = read_options("env", _ENV, words).operands
    while operands and "=" in operands[0].start:
        word = operands.pop(0)
        name, _, value = word.start.partition("=")
        if word.splits or word.many:
            raise refuse("computed", f"{word.shown} may become several words", word.at)
        known = value if word.text is not None else None
        check_exported(name, replace(word, text=known, start=value), word.at)
    if operands:
        calls.program(operands)


def _xargs(at: Place, words: Sequence[Word], calls: Calls) -> None:
    read = read_options("xargs", _XARGS, words)
    command = list(read.operands)
    if not command:
        calls.program([Word("echo", "echo", at)])
        return
    place = next((value for key, value in read.options if key == "I"), None)
    if place is None:
        # What is read from its input comes last: any number of words, of any form.
        added = replace(command[-1], text=None, start="", splits=True, many=True, number=False,
                        vanishes=True, numbered=None)  # fmt: skip
        calls.program([*command, added])
    elif not place.text or any(key[0] in "nLm" for key, _ in read.options):
        # Of -I and -n the last one holds, and in which order is not asked.
        raise refuse("option", "xargs -I needs plain text, and neither -n nor -L", place.at)
    else:
        calls.program([_filled(word, place.text) for word in command])


def _filled(word: Word, place: str) -> Word:
    """A word in which something is put for a mark: only what stands before it is known."""
    if word.text is None:
        # The mark may only appear when the rest of the word is known.
        return replace(word, start=word.start.split(place, 1)[0], number=False, numbered=None)
    if place not in word.text:
        return word
    return replace(word, text=None, start=word.text.split(place, 1)[0], number=False, numbered=None)


def _find(words: Sequence[Word], calls: Calls) -> None:
    left = list(words)
    while left:
        word = left.pop(0)
        text = word.text
        if text is None or not text.startswith("-"):
            if text is None and may_be_option(word):
                raise refuse(
                    "option",
                    f"{word.shown} may turn out to be an action of find when it is run",
                    word.at,
                    'begin it with text: "./$name"',
                )
            if word.splits or (text is None and not re.match(r"[\w./~%+@]", word.start or "1")):
                raise refuse("option", f"{word.shown} may become an expression of find", word.at)
        elif text in ("-exec", "-execdir"):
            left = _exec(word, left, calls)
        elif text == "-delete":
            if not calls.names("rm"):
                raise refuse("option", "find -delete is rm, which is not allowed", word.at)
        elif text[1:] in _FIND_VALUES:
            if not left or left[0].vanishes or left[0].many:
                raise refuse(
                    "option", f"find {text} needs a value that is one word",
                    left[0].at if left else word.at, 'put quotes round it: "*.txt", "$name"',
                )  # fmt: skip
            left.pop(0)
        elif text not in ("-", "--", "-H", "-L", "-P") and text[1:] not in _FIND_FLAGS:
            raise refuse(
                "option", f"find {text} is not allowed: it runs a command or writes a file, or is "
                "not known", word.at, "use -exec COMMAND {} +, or print and redirect",
            )  # fmt: skip


def _exec(word: Word, left: list[Word], calls: Calls) -> list[Word]:
    for index, one in enumerate(left):
        ends = one.text == ";" or (one.text == "+" and index > 0 and left[index - 1].text == "{}")
        if ends:
            several = one.text == "+"
            command = [_found(part, several=several) for part in left[:index]]
            if not command:
                break
            calls.program(command)
            return left[index + 1 :]
        if one.splits or one.many or one.text == ";":
            break
    raise refuse(
        "option", f"what find {word.text} runs must be written out, up to ';' or {{}} +", word.at,
        'put quotes round values: find . -exec grep -n -- "$text" {} +',
    )  # fmt: skip


def _found(word: Word, *, several: bool) -> Word:
    """A word of ``-exec``: a path that is found stands in for ``{}``."""
    if word.text == "{}":  # it begins as a place to search in does, and none begins with a dash
        return replace(word, text=None, start="./", many=several, number=False, numbered=None)
    return _filled(word, "{}")
