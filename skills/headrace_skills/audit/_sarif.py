"""Reports as SARIF 2.1.0: what code hosts and editors show beside the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace_skills._sarif import log, physical_location
from headrace_skills.audit._model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_skills.audit._model import AuditReport, Finding

__all__ = ["to_sarif"]

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}
# Code hosts sort findings of security by a number from 0 to 10.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.0",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}


def to_sarif(reports: Iterable[AuditReport], version: str) -> dict[str, Any]:
    """Give a SARIF log with one run.

    Args:
        reports: What was found.
        version: That of the tool.
    """
    found = [(report, finding) for report in reports for finding in report.findings]
    first: dict[str, Finding] = {}
    for _, finding in found:
        first.setdefault(finding.rule, finding)
    indexes = {rule: index for index, rule in enumerate(sorted(first))}
    return log(
        "agents skills audit",
        version,
        [_rule(first[rule]) for rule in indexes],
        [_result(*one, indexes) for one in found],
    )


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.reason},
        "properties": {
            "category": finding.category,
            "tags": ["security"],
            "security-severity": _SCORES[finding.severity],
        },
    }


def _result(report: AuditReport, finding: Finding, indexes: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": indexes[finding.rule],
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": finding.reason},
        "locations": [physical_location(report.root / finding.file, finding.line, finding.column)],
        "properties": {
            "skill": report.name,
            "severity": finding.severity.label,
            "confidence": finding.confidence,
            "decoded": list(finding.decoded),
        },
    }
