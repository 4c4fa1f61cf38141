"""What an analyser says of one text: hits, and things seen that are neither good nor bad."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from headrace_skills.audit._model import Confidence, Severity  # noqa: TC001 - authors of rules ask for types
from headrace_skills.audit._sources import Source

__all__ = ["Analyser", "Hit", "Seen"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding in the making: its place is in the text that the analyser was given."""

    rule: str
    """``GROUP/NAME``."""
    severity: Severity
    category: str
    """One of ``CATEGORIES``."""
    start: int
    """The first character of what was found."""
    end: int
    """The character behind it."""
    reason: str
    confidence: Confidence = "high"


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that a text does. What is wrong with it may show beside what other files do.

    The kinds are those of facts, and: ``takes`` (a secret is read), ``sends`` (data leaves),
    ``fetches`` (a file is downloaded, to the path of the value), ``starts`` (such a path is run),
    ``checks`` (a hash or a signature is held against a file).
    """

    kind: str
    value: str
    start: int = 0


Analyser: TypeAlias = Callable[[Source], Iterable["Hit | Seen | Source"]]
"""Reads one text; gives hits, things seen, and texts within it that are to be read as well."""
