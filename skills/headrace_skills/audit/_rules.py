"""Rules that are data: a table of patterns, checked when it is loaded."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace_skills.audit._model import CATEGORIES, Severity
from headrace_skills.audit._table import read_table
from headrace_skills.errors import SkillError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AuditRuleError", "PatternRule", "builtin_patterns", "load_patterns", "phrase"]

LANGUAGES = frozenset(("prose", "python", "shell", "powershell", "js", "markup", "data"))
_TABLE = Path(__file__).with_name("rules.yaml")
_FIELDS = frozenset(
    (
        "id",
        "severity",
        "category",
        "in",
        "words",
        "pattern",
        "also",
        "unless",
        "reason",
        "case",
        "hit",
        "miss",
    )
)
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")
_PHRASE = re.compile(r"\{([a-z-]+)\}")
_GAP = re.compile(r"<(p?)(\d{1,3})>")
_BLANK_IN_SET = re.compile(r"\[\^?\]?[^\]]* ")
# Any white space, so that a phrase goes on over the end of a line, in a quotation too.
_BLANK = r"[\s>*_]+"


class AuditRuleError(SkillError):
    """A table of rules that cannot be used; the text names the rule and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A rule that is a pattern."""

    id: str
    """``GROUP/NAME``."""
    severity: Severity
    category: str
    """One of ``CATEGORIES``."""
    languages: frozenset[str]
    """What it is held against; empty for everything."""
    pattern: re.Pattern[str]
    reason: str
    words: tuple[tuple[str, ...], ...] = ()
    """In small letters: of each list one occurs nearby, else the pattern is not tried."""
    also: re.Pattern[str] | None = None
    """What must occur as well, anywhere in the same text."""
    unless: re.Pattern[str] | None = None
    """What must not occur in the lines of the match."""
    hit: tuple[str, ...] = ()
    """Examples that it must find."""
    miss: tuple[str, ...] = ()
    """Examples that it must leave alone."""


def compile_pattern(
    text: str, phrases: Mapping[str, str] | None = None, *, case: bool = False
) -> re.Pattern[str]:
    """Compile a pattern of the table.

    A blank stands for any white space, the end of a line too; ``<80>`` for up to 80 characters of
    one sentence; ``<p80>`` for up to 80 characters of one paragraph; ``{name}`` for a phrase of the
    table. Case does not matter unless it is asked for.

    Raises:
        re.error: It is not a pattern.
        KeyError: There is no such phrase.
    """
    text = _PHRASE.sub(lambda found: f"(?:{(phrases or {})[found[1]]})", text)
    text = _GAP.sub(_gap, text.strip()).replace(" ", _BLANK)
    return re.compile(text, 0 if case else re.IGNORECASE)


def _gap(match: re.Match[str]) -> str:
    one = r"[^\n]" if match[1] else r"[^.!?\n]|[.!?](?=[^\s])"
    return rf"(?:{one}|\n(?!\s*\n)){{0,{match[2]}}}?"


def load_patterns(table: Path) -> tuple[PatternRule, ...]:
    """Read a table of rules from a YAML file: ``phrases`` (optional) and ``rules``.

    Raises:
        AuditRuleError: It cannot be read, or one of its rules cannot be used.
    """
    phrases, entries = _read(table)
    rules = tuple(
        _rule(entry, phrases, f"{table.name}, rule {n}") for n, entry in enumerate(entries, 1)
    )
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise AuditRuleError(f"{table.name} has two rules {rule.id}")
        seen.add(rule.id)
    return rules


@cache
def builtin_patterns() -> tuple[PatternRule, ...]:
    """The rules that come with this package."""
    return load_patterns(_TABLE)


@cache
def phrase(name: str) -> re.Pattern[str]:
    """A phrase of this package's own table, for the rules that are code."""
    phrases, _ = _read(_TABLE)
    return compile_pattern(phrases[name], phrases)


def _read(table: Path) -> tuple[dict[str, str], list[Any]]:
    import yaml

    try:
        data = read_table(table)
    except (OSError, yaml.YAMLError) as error:
        raise AuditRuleError(f"the rules of {table} cannot be read: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("rules"), list):
        raise AuditRuleError(f"{table} has no list `rules`")
    phrases = data.get("phrases", {})
    if not isinstance(phrases, dict) or not all(isinstance(one, str) for one in phrases.values()):
        raise AuditRuleError(f"{table}: its `phrases` are not texts with names")
    return phrases, data["rules"]


def _rule(entry: Any, phrases: Mapping[str, str], where: str) -> PatternRule:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise AuditRuleError(f"{where}: it has no id")
    name = entry["id"]
    if not _ID.fullmatch(name):
        raise AuditRuleError(f"{where}: the id {name!r} is not of the form group/name")
    if unknown := entry.keys() - _FIELDS:
        raise AuditRuleError(
            f"{name}: it has unknown fields: {', '.join(sorted(map(str, unknown)))}"
        )
    languages = entry.get("in", [])
    if not isinstance(languages, list) or not LANGUAGES.issuperset(languages):
        raise AuditRuleError(f"{name}: `in` is a list of {', '.join(sorted(LANGUAGES))}")
    category = _text(entry, "category", name)
    if category not in CATEGORIES:
        raise AuditRuleError(
            f"{name}: the category {category!r} is none of {', '.join(CATEGORIES)}"
        )
    try:
        severity = Severity.of(_text(entry, "severity", name))
    except ValueError as error:
        raise AuditRuleError(f"{name}: the severity {error}") from None
    pattern = _pattern(entry, "pattern", phrases, name)
    if pattern is None:
        raise AuditRuleError(f"{name}: it has no pattern")
    return PatternRule(
        id=name,
        severity=severity,
        category=category,
        languages=frozenset(languages),
        pattern=pattern,
        reason=_text(entry, "reason", name),
        words=tuple(
            tuple(str(one).replace("+", " ") for one in str(words).split())
            for words in entry.get("words", ())
        ),
        also=_pattern(entry, "also", phrases, name),
        unless=_pattern(entry, "unless", phrases, name),
        hit=tuple(map(str, entry.get("hit", ()))),
        miss=tuple(map(str, entry.get("miss", ()))),
    )


def _text(entry: Mapping[str, Any], field: str, name: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value.strip():
        raise AuditRuleError(f"{name}: it has no {field}")
    return value.strip()


def _pattern(
    entry: Mapping[str, Any], field: str, phrases: Mapping[str, str], name: str
) -> re.Pattern[str] | None:
    if field not in entry:
        return None
    try:
        text = _text(entry, field, name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a blank within [...], for one
            found = compile_pattern(text, phrases, case=entry.get("case") is True)
    except KeyError as error:
        raise AuditRuleError(f"{name}: its {field} names no phrase: {error}") from None
    except (re.error, Warning) as error:
        raise AuditRuleError(f"{name}: its {field} is not a pattern: {error}") from None
    if _BLANK_IN_SET.search(re.sub(r"\\.", "__", text)):
        raise AuditRuleError(f"{name}: its {field} is not a pattern: a blank in [...]: write \\x20")
    if found.search("") is not None:
        raise AuditRuleError(f"{name}: its {field} finds the empty text")
    return found
