"""Reports as SARIF 2.1.0: what code hosts and editors show beside the lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace_skills._sarif import log, physical_location
from headrace_skills.checking._rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_skills.checking._report import Fault, Report

__all__ = ["to_sarif"]


def to_sarif(reports: Iterable[Report], version: str) -> dict[str, Any]:
    """Give a SARIF log with one run.

    Args:
        reports: What was found.
        version: That of the tool.
    """
    faults = [(report, fault) for report in reports for fault in report.faults]
    used = {fault.rule for _, fault in faults}
    indexes = {name: index for index, name in enumerate(one for one in RULES if one in used)}
    return log(
        "agents skills check",
        version,
        [_rule(name) for name in indexes],
        [_result(report, fault, indexes) for report, fault in faults],
    )


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
        "locations": [physical_location(Path(report.place, fault.file), fault.line, fault.column)],
        "properties": {"skill": report.name, "loads": fault.loads},
    }
