"""The audit: what a skill does, and what in it a person should look at before it is run.

It tells facts. That it finds nothing is no proof of anything.
"""

from __future__ import annotations

from headrace_skills.audit._audit import Rules, audit_skill
from headrace_skills.audit._hits import Analyser, Hit, Seen
from headrace_skills.audit._model import CATEGORIES, AuditReport, Fact, Finding, Severity
from headrace_skills.audit._places import audit_place
from headrace_skills.audit._plugins import rules_with_plugins
from headrace_skills.audit._rules import AuditRuleError, PatternRule, load_patterns
from headrace_skills.audit._sarif import to_sarif
from headrace_skills.audit._sources import Source

__all__ = [
    "CATEGORIES",
    "Analyser",
    "AuditReport",
    "AuditRuleError",
    "Fact",
    "Finding",
    "Hit",
    "PatternRule",
    "Rules",
    "Seen",
    "Severity",
    "Source",
    "audit_place",
    "audit_skill",
    "load_patterns",
    "rules_with_plugins",
    "to_sarif",
]
