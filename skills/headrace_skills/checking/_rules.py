"""Every rule of the check, in one table: the command line, SARIF and the docs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_skills.checking._rules_of_folder import ARCHIVE, BODY, FOLDER, SCRIPTS
from headrace_skills.checking._rules_of_skill_file import FIELDS, FILE, FRONTMATTER

if TYPE_CHECKING:
    from headrace_skills.checking._rule import Rule

__all__ = ["RULES"]

RULES: dict[str, Rule] = {
    rule.id: rule
    for rules in (FILE, FRONTMATTER, FIELDS, BODY, FOLDER, SCRIPTS, ARCHIVE)
    for rule in rules
}
"""The rules by their ids, in the order of what is looked at."""
