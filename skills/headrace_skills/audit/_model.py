"""The values of the audit: what was found, and what the skill does as far as can be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CATEGORIES", "AuditReport", "Confidence", "Fact", "FactKind", "Finding", "Severity"]


class Severity(IntEnum):
    """How much harm a finding would stand for, were it meant."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """Its name in lower case."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Severity:
        """The severity of a name.

        Raises:
            ValueError: There is none of that name.
        """
        try:
            return cls[label.upper()]
        except KeyError:
            raise ValueError(f"{label!r} is none of {', '.join(s.label for s in cls)}") from None


Confidence = Literal["high", "medium", "low"]
"""How sure it is that the text does what the rule says; ``low`` where it seems to be quoted."""

CATEGORIES = {
    "instructions": "text that turns the agent against the person it works for",
    "hidden": "text or code that a reader does not see",
    "execution": "code that comes from elsewhere, or is made up while running",
    "credentials": "keys, passwords and logins that are read",
    "exfiltration": "data that is sent away",
    "persistence": "changes that outlive the task",
    "destruction": "data that is lost",
    "obfuscation": "code that is written so as not to be read",
    "supply-chain": "packages and programs from places that nobody vouches for",
    "privilege": "more than the skill says that it needs",
    "outside": "instructions or data that can change after the audit",
}
"""The categories of findings, and what each stands for."""

FactKind = Literal["runs", "reaches", "installs", "reads", "writes", "hides", "imports", "carries"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that a person should look at."""

    rule: str
    """The rule's id, such as ``shell/download-to-shell``."""
    severity: Severity
    """The harm it would stand for."""
    category: str
    """One of ``CATEGORIES``."""
    file: str
    """The file, seen from the skill's folder."""
    line: int
    """Its line, from 1; 0 for the file as a whole."""
    column: int
    """Its character in the line, from 1; 0 for the line as a whole."""
    excerpt: str
    """The text, shortened, on one line, hidden characters written out, secrets masked."""
    reason: str
    """What it does, and why that matters."""
    confidence: Confidence = "high"
    """How sure it is."""
    decoded: tuple[str, ...] = ()
    """The codes that it was under, the outermost first; the place is that of the coded text."""

    def as_data(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "rule": self.rule,
            "severity": self.severity.label,
            "category": self.category,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "excerpt": self.excerpt,
            "reason": self.reason,
            "confidence": self.confidence,
            "decoded": list(self.decoded),
        }


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the skill does or holds, good or bad."""

    kind: FactKind
    """What is done."""
    value: str
    """With what: a program, a host, a package, a variable, a path."""
    file: str
    """Where it was seen first."""
    line: int
    """The line there, from 1; 0 for the file as a whole."""
    declared: bool | None = None
    """Whether the skill says so itself; ``None`` where there is nothing to say."""

    def as_data(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "kind": self.kind,
            "value": self.value,
            "file": self.file,
            "line": self.line,
            "declared": self.declared,
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit saw. That nothing was found says nothing of what cannot be seen."""

    name: str
    """The skill's name, or its folder's where the SKILL.md cannot be read."""
    root: Path
    """Its folder."""
    findings: tuple[Finding, ...]
    """The worst first, then by place."""
    facts: tuple[Fact, ...]
    """By kind, then by value."""
    files: int
    """How many files were read."""
    unread: tuple[tuple[str, str], ...] = ()
    """What was not read, or not to its end, and why."""

    @property
    def worst(self) -> Severity | None:
        """The highest severity; ``None`` without findings."""
        return max((one.severity for one in self.findings), default=None)

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of a severity and above."""
        return tuple(one for one in self.findings if one.severity >= severity)

    def as_data(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "skill": self.name,
            "root": str(self.root),
            "files": self.files,
            "worst": None if self.worst is None else self.worst.label,
            "findings": [one.as_data() for one in self.findings],
            "facts": [one.as_data() for one in self.facts],
            "unread": [{"file": file, "why": why} for file, why in self.unread],
        }
