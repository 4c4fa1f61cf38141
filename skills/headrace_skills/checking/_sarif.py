"""Reports as SARIF 2.1.0: what code hosts and editors show beside the lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from headrace_skills.checking._rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_skills.checking._report import Fault, Report

__all__ = ["to_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(reports: Iterable[Report], version: str) -> dict[str, Any]:
    """Give a SARIF log with one run.

    Args:
        reports: What was found.
        version: That of the tool.
    """
    faults = [(report, fault) for report in reports for fault in report.faults]
    used = {fault.rule for _, fault in faults}
    indexes = {name: index for index, name in enumerate(one for one in RULES if one in used)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "agents skills check",
                        "version": version,
                        "rules": [_rule(name) for name in indexes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(report, fault, indexes) for report, fault in faults],
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.mend},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"standard": rule.standard},
    }


def _result(report: Report, fault: Fault, indexes: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": fault.rule,
        "ruleIndex": indexes[fault.rule],
        "level": fault.level,
        "message": {"text": f"{fault.message} ({fault.mend})"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _address(report, fault)},
                    "region": {"startLine": fault.line, "startColumn": fault.column},
                }
            }
        ],
        "properties": {"skill": report.name, "loads": fault.loads},
    }


def _address(report: Report, fault: Fault) -> str:
    """A relative address where the place is relative or below the working folder."""
    path = Path(report.place, fault.file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    scheme = "file://" if path.is_absolute() else ""
    return scheme + quote(os.fsencode(path))
