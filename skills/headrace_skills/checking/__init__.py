"""Skills held against the standard, strictly: every fault, with its place and how to mend it."""

from __future__ import annotations

from headrace_skills.checking._check import check_skill
from headrace_skills.checking._names import name_faults, nearest_name
from headrace_skills.checking._new import SkillNameError, files_of_new, write_new
from headrace_skills.checking._places import check_place
from headrace_skills.checking._report import Fault, Report
from headrace_skills.checking._rule import Level, Rule
from headrace_skills.checking._rules import RULES
from headrace_skills.checking._sarif import to_sarif

__all__ = [
    "RULES",
    "Fault",
    "Level",
    "Report",
    "Rule",
    "SkillNameError",
    "check_place",
    "check_skill",
    "files_of_new",
    "name_faults",
    "nearest_name",
    "to_sarif",
    "write_new",
]
