"""The rules of the analysers, and the names that these know: data, in this package's tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace_skills.audit._hits import Hit
from headrace_skills.audit._model import Finding, Severity

if TYPE_CHECKING:
    from headrace_skills.audit._model import Confidence

__all__ = ["CodeRule", "code_rules", "found", "made", "names", "read_table"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class CodeRule:
    """A rule that an analyser keeps."""

    id: str
    severity: Severity
    category: str
    reason: str
    """Why it matters; ``{}`` is filled in where it is found."""


@lru_cache(maxsize=4)
def read_table(file: Path) -> Any:
    """The data of a YAML file.

    Raises:
        OSError: It cannot be read.
        yaml.YAMLError: It is not YAML.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_bytes(), loader)  # noqa: S506 - it is the safe loader


@cache
def code_rules() -> dict[str, CodeRule]:
    """The rules of this package's own analysers, by id."""
    return {
        one["id"]: CodeRule(one["id"], Severity.of(one["severity"]), one["category"], one["reason"])
        for one in read_table(_HERE / "rules.yaml")["analysed"]
    }


@cache
def names(kind: str) -> frozenset[str]:
    """The names of a kind."""
    return frozenset(read_table(_HERE / "names.yaml")[kind].split())


def made(rule: str, start: int, end: int, *filled: str, severity: Severity | None = None) -> Hit:
    """A hit of a rule."""
    one = code_rules()[rule]
    severity = one.severity if severity is None else severity
    return Hit(rule, severity, one.category, start, end, _filled(one.reason, filled))


def found(
    rule: str,
    file: str,
    *filled: str,
    line: int = 0,
    severity: Severity | None = None,
    confidence: Confidence = "high",
) -> Finding:
    """A finding of a rule that has no text to point at."""
    one = code_rules()[rule]
    severity = one.severity if severity is None else severity
    reason = _filled(one.reason, filled)
    return Finding(rule, severity, one.category, file, line, 0, "", reason, confidence)


def _filled(reason: str, filled: tuple[str, ...]) -> str:
    for one in filled:  # not str.format: what is filled in comes from the skill
        reason = reason.replace("{}", one, 1)
    return reason
