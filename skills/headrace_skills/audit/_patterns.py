"""The rules that are patterns, held against a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.audit._hidden import plain
from headrace_skills.audit._hits import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace_skills.audit._rules import PatternRule
    from headrace_skills.audit._sources import Source

__all__ = ["match_patterns"]

WINDOW = 4 * 1024
"""Characters that a pattern sees at once: a hostile text cannot make it slow beyond that."""
OVERLAP = 640
"""Characters that two windows of one paragraph share: more than any rule spans."""
MAX_HITS = 5
"""Places of one rule in one text that are told."""
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")

Piece = tuple[int, str, str]
"""Where it begins in the text; itself; and in small letters."""


def match_patterns(source: Source, rules: Sequence[PatternRule]) -> Iterator[Hit]:
    """Find what the rules for a text's language find in it, as it looks and not as it is coded."""
    text, places = plain(source.text)
    small = text.lower()
    pieces: list[Piece] | None = None
    for rule in rules:
        if rule.languages and source.language not in rule.languages:
            continue
        if not _may_match(rule, small) or (
            rule.also is not None and rule.also.search(text) is None
        ):
            continue
        if pieces is None:
            pieces = list(_pieces(text))
        found = 0
        for start, end in _matches(rule, pieces):
            if rule.unless is not None and rule.unless.search(_lines(text, start, end)):
                continue
            if places is not None:
                start, end = places[start], places[end - 1] + 1  # noqa: PLW2901
            yield Hit(rule.id, rule.severity, rule.category, start, end, rule.reason)
            found += 1
            if found == MAX_HITS:
                break


def _may_match(rule: PatternRule, small: str) -> bool:
    for words in rule.words:
        for word in words:
            if word in small:
                break
        else:
            return False
    return True


def _pieces(text: str) -> Iterator[Piece]:
    """Paragraphs, which no rule goes beyond; long ones in windows."""
    begin = 0
    for end in (*(match.end() for match in _PARAGRAPH.finditer(text)), len(text)):
        for at in range(begin, max(end - OVERLAP, begin + 1), WINDOW - OVERLAP):
            piece = text[at : min(at + WINDOW, end)]
            yield at, piece, piece.lower()
        begin = end


def _matches(rule: PatternRule, pieces: list[Piece]) -> Iterator[tuple[int, int]]:
    told = -1
    for begin, piece, small in pieces:
        if not _may_match(rule, small):
            continue
        for match in rule.pattern.finditer(piece):
            if begin + match.start() > told:
                told = begin + match.start()
                yield told, begin + match.end()


def _lines(text: str, start: int, end: int) -> str:
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    return text[left : len(text) if right < 0 else right]
