"""A skill's name: what is wrong with one, and the nearest that is right."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_NAME", "name_faults", "nearest_name", "nfkc", "normal_name"]

MAX_NAME = 64
_FALLBACK = "my-skill"
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def nfkc(text: str) -> str:
    """Give Unicode's normal form in which the standard compares."""
    return unicodedata.normalize("NFKC", text)


def normal_name(name: str) -> str:
    """Give a name as the standard compares it: without outer white space, in NFKC."""
    return nfkc(name.strip())


def nearest_name(text: str) -> str:
    """Make a name that is right, in ASCII, out of any text."""
    folded = unicodedata.normalize("NFKD", _CAMEL.sub("-", text[:1024]))
    bare = "".join(one for one in folded if not unicodedata.combining(one)).lower()
    name = re.sub(r"[^a-z0-9]+", "-", bare)[: MAX_NAME + 1].strip("-")[:MAX_NAME].strip("-")
    return name or _FALLBACK


def name_faults(written: str) -> Iterator[tuple[str, str]]:
    """Tell what is wrong with a name by itself: rules and messages.

    The first ones are the reference validator's verdict; the last hold for names that it takes.
    """
    name = normal_name(written)
    if _PLAIN.fullmatch(written) and len(written) <= MAX_NAME:
        return
    if len(name) > MAX_NAME:
        yield "name-length", f"the name has {len(name)} characters, over {MAX_NAME}"
    if name != name.lower():
        yield "name-case", f"the name {name!r} is not lower case"
    if name.startswith("-") or name.endswith("-"):
        yield "name-hyphens", f"the name {name!r} starts or ends with a hyphen"
    if "--" in name:
        yield "name-hyphens", f"the name {name!r} has two hyphens in a row"
    wrong = dict.fromkeys(one for one in name if not (one.isalnum() or one == "-"))
    if wrong:
        shown = ", ".join(map(_shown, list(wrong)[:5]))
        yield "name-charset", f"the name {name!r} has {shown}"
    elif not name.isascii():
        yield "name-ascii", f"the name {name!r} has letters outside of a-z"
    alphabets = {_alphabet(one) for one in name if one.isalpha()}
    if len(alphabets.intersection(_ALPHABETS)) > 1:
        mixed = " and ".join(sorted(one.capitalize() for one in alphabets & set(_ALPHABETS)))
        yield "name-lookalike", f"the name {name!r} mixes {mixed} letters"
    if name != written.strip():
        yield "name-normal", f"the name {written.strip()!r} has the normal form {name!r}"


def _alphabet(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def _shown(character: str) -> str:
    if character.isprintable() and not unicodedata.combining(character):
        return repr(character)
    return f"U+{ord(character):04X}"
