"""Reports as SARIF 2.1.0: what code hosts and editors show beside the lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "agents skills audit",
                        "version": version,
                        "rules": [_rule(first[rule]) for rule in indexes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(*one, indexes) for one in found],
            }
        ],
    }


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
    # A file as a whole has no region; SARIF counts lines from 1.
    region: dict[str, Any] = {"startLine": finding.line} if finding.line else {}
    if finding.column:
        region["startColumn"] = finding.column
    physical: dict[str, Any] = {"artifactLocation": {"uri": _address(report.root, finding.file)}}
    if region:
        physical["region"] = region
    return {
        "ruleId": finding.rule,
        "ruleIndex": indexes[finding.rule],
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": finding.reason},
        "locations": [{"physicalLocation": physical}],
        "properties": {
            "skill": report.name,
            "severity": finding.severity.label,
            "confidence": finding.confidence,
            "decoded": list(finding.decoded),
        },
    }


def _address(root: Path, file: str) -> str:
    path = root / file
    if path.is_relative_to(Path.cwd()):
        return quote(os.fsencode(path.relative_to(Path.cwd())))
    return ("file://" if path.is_absolute() else "") + quote(os.fsencode(path))
