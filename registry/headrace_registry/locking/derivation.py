"""Why uv found no solution, from the tree that its solver prints.

The tree is internal to uv, whose version is bounded; where it cannot be read there are no facts,
and uv's own text is all that is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PROJECT", "Fact", "parsed"]

PROJECT = "headrace-locked-project"
"""What the project is called when uv resolves it."""

_BEGIN = "Resolver derivation tree before reduction"
_REDUCED = "Resolver derivation tree after reduction"
_PACKAGE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*?)(?P<extra>\[[^\]]*\])?(?P<marker>\{.*?\})?"
    r"(?P<range>\*|(?:[<>=!~]=?=?).*)?"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A leaf of the tree: something that a package says of itself or asks of another."""

    kind: str
    """``requires``, ``none`` (no such version) or ``unusable`` (no wheel, yanked and the like)."""
    package: str
    """Whose it is; ``PROJECT`` for the project."""
    versions: str
    """Its versions that the fact is about, such as ``>=2.3, <2.4``; ``*`` for all."""
    other: str = ""
    """Which package is required."""
    other_versions: str = ""
    """Which versions of it."""
    why: str = ""
    """For what cannot be used: the reason, in uv's words."""


def parsed(errors: str) -> tuple[tuple[Fact, ...], str]:
    """The facts, each once and in order, and what else uv said."""
    if _BEGIN not in errors:
        return (), errors
    said: list[str] = []
    facts: dict[Fact, None] = {}
    inside = reduced = False
    for line in errors.splitlines():
        if line.startswith(_BEGIN):
            inside, reduced = True, False
        elif line.startswith(_REDUCED):
            inside = reduced = True
        elif inside and (line.startswith((" ", "term ", PROJECT)) or _is_fact(line)):
            if reduced and (fact := _fact(line.strip())) is not None:
                facts[fact] = None
        else:
            inside = False
            said.append(line)
    return tuple(facts), "\n".join(said).strip() + "\n"


def _is_fact(line: str) -> bool:
    # A tree of one leaf has no indentation.
    return " depends on " in line or line.startswith("no versions of ")


def _fact(line: str) -> Fact | None:
    if line.startswith(("term ", "not ")):
        return None
    if line.startswith("no versions of "):
        name, versions = _split(line.removeprefix("no versions of "))
        return Fact("none", name, versions)
    if " depends on " in line:
        left, _, right = line.partition(" depends on ")
        (name, versions), (other, wanted) = _split(left), _split(right)
        return Fact("requires", name, versions, other, wanted)
    what, _, why = line.partition(" ")
    while why and why[0] in "<>=!~|&":  # a range with blanks in it
        more, _, why = why.partition(" ")
        what = f"{what} {more}"
    name, versions = _split(what)
    return Fact("unusable", name, versions, why=why) if name else None


def _split(text: str) -> tuple[str, str]:
    match = _PACKAGE.fullmatch(text.strip())
    if match is None:
        return "", text
    return match["name"].lower(), (match["range"] or "*").strip()
