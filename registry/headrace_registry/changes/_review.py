"""What a change brings in, and what has to be agreed to before it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from headrace_registry.catalogue import AuditFinding, Release, ReleaseSkill

__all__ = ["Kind", "Move", "Objection", "Review", "objections"]

Kind = Literal["added", "removed", "up", "down", "changed"]
"""``changed``: the same version with other contents, or from another place."""

_GRAVE = ("high", "critical")


@dataclass(frozen=True, slots=True)
class Move:
    """A package that comes, goes, or changes its version."""

    name: str
    """Its normalised name."""
    kind: Kind
    """What happens to it."""
    before: str | None
    """The version that the project has; ``None``: it has none."""
    after: str | None
    """The version that it gets; ``None``: it goes."""
    origin: str
    """Where it comes from, for people to read."""
    direct: bool
    """Whether the project itself asks for it."""
    license: str = ""
    """Its licence; nothing where it is not known."""
    size: int | None = None
    """Its bytes, packed; ``None`` where they are not known."""
    release: Release | None = None
    """All that its catalogue says; ``None`` for a package of the index."""

    @property
    def skills(self) -> tuple[ReleaseSkill, ...]:
        """Its skills."""
        return () if self.release is None else self.release.skills

    def as_data(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "name": self.name,
            "change": self.kind,
            "before": self.before,
            "after": self.after,
            "from": self.origin,
            "direct": self.direct,
            "license": self.license or None,
            "size": self.size,
            "skills": [_skill_as_data(one) for one in self.skills],
        }


@dataclass(frozen=True, slots=True)
class Objection:
    """Something that is only done when it was agreed to by name."""

    what: str
    """What it is, in one sentence."""
    option: str
    """What agrees to it on the command line."""

    def as_data(self) -> dict[str, str]:
        """The same, for JSON."""
        return {"what": self.what, "option": self.option}


@dataclass(frozen=True, slots=True)
class Review:
    """A change that could be made, and what would come of it. Nothing is changed yet."""

    moves: tuple[Move, ...]
    """What comes, goes and changes, by name."""
    unchanged: int = 0
    """How many packages stay as they are."""
    notes: tuple[str, ...] = ()
    """What should be known: look-alikes elsewhere, an expired registry that was read offline."""
    diffs: tuple[tuple[str, str], ...] = field(default=())
    """For skills that change: the name, and the difference of their texts."""

    def as_data(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "moves": [one.as_data() for one in self.moves],
            "unchanged": self.unchanged,
            "notes": list(self.notes),
            "diffs": [{"skill": name, "diff": text} for name, text in self.diffs],
        }


def objections(
    review: Review, *, accept: Collection[str] = (), downgrades: bool = False
) -> list[Objection]:
    """What stands against making a change without a further word.

    Args:
        review: The change.
        accept: Rules of the audit that were agreed to.
        downgrades: Whether older versions were agreed to.
    """
    return [*_grave(review.moves, accept), *([] if downgrades else _downgrades(review.moves))]


def _grave(moves: Sequence[Move], accept: Collection[str]) -> Iterator[Objection]:
    for move in moves:
        if move.kind == "removed":
            continue
        for skill in move.skills:
            for finding in skill.findings:
                if finding.severity in _GRAVE and finding.rule not in accept:
                    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
                    yield Objection(
                        f"{skill.name}: {finding.severity}: {finding.rule} at {place}",
                        f"--accept {finding.rule}",
                    )


def _downgrades(moves: Sequence[Move]) -> Iterator[Objection]:
    for move in moves:
        if move.kind == "down":
            yield Objection(
                f"{move.name} would go down from {move.before} to {move.after}",
                "--allow-downgrade",
            )


def _skill_as_data(skill: ReleaseSkill) -> dict[str, Any]:
    return {
        "name": skill.name,
        "description": skill.description,
        "scripts": list(skill.scripts),
        "asks": {
            "network": list(skill.needs.network),
            "environment": list(skill.needs.environment),
            "commands": list(skill.needs.commands),
        },
        "findings": [_finding_as_data(one) for one in skill.findings],
    }


def _finding_as_data(finding: AuditFinding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "file": finding.file,
        "line": finding.line,
        "reason": finding.reason,
    }
