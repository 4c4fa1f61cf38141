"""Reads the options of a program, where options can start programs.

Only options that are known are let through: long ones may be cut short, and new ones come with new
versions. A word that is only known at run time may turn out to be an option, so it must begin
with something else, or stand after ``--``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from headrace_skills.shell._errors import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_skills.shell._errors import Place
    from headrace_skills.shell._words import Word

__all__ = ["Options", "Read", "may_be_option", "read_options"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options that a program may be given."""

    why: str
    """Why they are read at all."""
    flags: str = ""
    """Short options without a value."""
    values: str = ""
    """Short options with a value, in the same word or the next."""
    attached: str = ""
    """Short options that may have a value, in the same word."""
    long: frozenset[str] = frozenset()
    """Long options without a value, or with one after ``=`` that means no harm."""
    long_values: frozenset[str] = frozenset()
    """Long options with a value, after ``=`` or in the next word."""
    mixed: bool = True
    """Whether options may follow operands."""
    digits: bool = False
    """Whether a number with a dash is an option: ``nice -5``."""


@dataclass(frozen=True, slots=True)
class Read:
    """A program's arguments, taken apart."""

    options: list[tuple[str, Word | None]] = field(default_factory=list)
    """Names, without dashes, and values."""
    operands: list[Word] = field(default_factory=list)
    """The rest."""
    closed: bool = False
    """Whether ``--`` stood before the operands."""


def may_be_option(word: Word) -> bool:
    """Tell whether a word may turn out to be an option, or several words with one among them."""
    if word.splits:
        return True
    if word.text is not None or word.start:
        return word.start.startswith("-")
    # A number below zero is no option that does anything; what follows it may be one, if the
    # number turns out to be empty.
    return word.numbered is None or word.numbered.lstrip("1").startswith("-")


def read_options(name: str, options: Options, words: Sequence[Word]) -> Read:
    """Take arguments apart.

    Raises:
        ShellRefusedError: An option is not known, or a word may be one.
    """
    read = Read()
    left = list(words)
    while left:
        word = left.pop(0)
        if word.text == "--":
            read.operands.extend(left)
            return replace(read, closed=True)
        if word.text == "-" or not may_be_option(word):
            read.operands.append(word)
            if not options.mixed:
                read.operands.extend(left)
                return read
        elif word.splits or word.many or not word.start:
            raise refuse(
                "option",
                f"{word.shown} may turn out to be an option of {name} when it is run, and "
                f"{options.why}",
                word.at,
                'put -- before it, or begin it with text: "./$name", ./*.txt',
            )
        elif word.start.startswith("--"):
            _long(name, options, word, left, read)
        else:
            _short(name, options, word, left, read)
    return read


def _long(name: str, options: Options, word: Word, left: list[Word], read: Read) -> None:
    key, equals, value = word.start[2:].partition("=")
    if word.text is None and not equals:
        raise _unknown(name, options, word.start, word.at)
    if key in options.long:
        read.options.append((key, _rest(word, value) if equals else None))
    elif key not in options.long_values:
        raise _unknown(name, options, f"--{key}", word.at)
    elif equals:
        read.options.append((key, _rest(word, value)))
    else:
        read.options.append((key, _next(name, word, left)))


def _short(name: str, options: Options, word: Word, left: list[Word], read: Read) -> None:
    letters = word.start[1:]
    if options.digits and re.fullmatch(r"\d+", letters) and word.text is not None:
        read.options.append((letters, None))
        return
    for index, letter in enumerate(letters):
        rest = letters[index + 1 :]
        if letter in options.attached:
            read.options.append((letter, _rest(word, rest)))
            return
        if letter in options.values:
            if rest or word.text is None:
                read.options.append((letter, _rest(word, rest)))
            else:
                read.options.append((letter, _next(name, word, left)))
            return
        if letter not in options.flags:
            raise _unknown(name, options, f"-{letter}", word.at)
        read.options.append((letter, None))
    if word.text is None:
        raise _unknown(name, options, word.shown, word.at)


def _rest(word: Word, start: str) -> Word:
    return replace(word, text=start if word.text is not None else None, start=start, number=False,
                   numbered=None)  # fmt: skip


def _next(name: str, word: Word, left: list[Word]) -> Word:
    if not left or left[0].vanishes or left[0].many:
        raise refuse(
            "option",
            f"the option {word.shown} of {name} needs a value that is one word",
            left[0].at if left else word.at,
            'put double quotes round it: "$value"',
        )
    return left.pop(0)


def _unknown(name: str, options: Options, option: str, at: Place) -> Exception:
    known = [f"-{one}" for one in sorted(options.flags + options.values + options.attached)]
    known += [f"--{one}" for one in sorted(options.long | options.long_values)]
    return refuse(
        "option",
        f"the option {option} of {name} is not allowed: {options.why}",
        at,
        f"allowed are: {' '.join(known)}",
    )
