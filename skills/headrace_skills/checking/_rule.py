"""What a rule of the check is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Level", "Rule", "error", "note", "standard", "warning"]

Level = Literal["error", "warning", "note"]
"""``error``: the standard rejects it, or headrace cannot use it; ``warning``: it works, but not
everywhere or not as meant; ``note``: it could be better."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with a skill."""

    id: str
    """Its name; it does not change."""
    level: Level
    """How bad it is."""
    standard: bool
    """Whether a skill with it is no valid one by the standard's reference validator."""
    what: str
    """What is wrong, in a few words."""
    why: str
    """Why it is, in one sentence."""
    mend: str
    """What to do about it, where a fault does not say it more exactly."""


def standard(name: str, what: str, why: str, mend: str) -> Rule:
    """An error by the standard."""
    return Rule(name, "error", standard=True, what=what, why=why, mend=mend)


def error(name: str, what: str, why: str, mend: str) -> Rule:
    """An error by headrace."""
    return Rule(name, "error", standard=False, what=what, why=why, mend=mend)


def warning(name: str, what: str, why: str, mend: str) -> Rule:
    """A warning."""
    return Rule(name, "warning", standard=False, what=what, why=why, mend=mend)


def note(name: str, what: str, why: str, mend: str) -> Rule:
    """A note."""
    return Rule(name, "note", standard=False, what=what, why=why, mend=mend)
