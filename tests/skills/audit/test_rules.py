"""The table of rules: each rule's own examples, what a wrong table is told, rules of plugins."""

from __future__ import annotations

import pytest

from headrace.plugins import Kind, ListedPlugin, Plugin, hookimpl, normalise
from headrace_skills.audit import (
    CATEGORIES,
    AuditRuleError,
    Hit,
    Rules,
    Severity,
    Source,
    load_patterns,
    rules_with_plugins,
)
from headrace_skills.audit._patterns import match_patterns
from headrace_skills.audit._table import code_rules

PATTERNS = Rules.builtin().patterns
EXAMPLES = [(rule, text, True) for rule in PATTERNS for text in rule.hit]
EXAMPLES += [(rule, text, False) for rule in PATTERNS for text in rule.miss]


@pytest.mark.parametrize(
    ("rule", "text", "hits"),
    [pytest.param(*one, id=f"{one[0].id}-{one[2]}-{n}") for n, one in enumerate(EXAMPLES)],
)
def test_a_rule_finds_its_examples_and_leaves_the_others_alone(rule, text, hits):
    language = min(rule.languages, default="data")
    assert bool(list(match_patterns(Source("f", language, text), [rule]))) is hits


@pytest.mark.parametrize("rule", PATTERNS, ids=lambda rule: rule.id)
def test_every_pattern_has_examples_of_both_kinds(rule):
    assert rule.hit
    assert rule.miss


def test_ids_are_used_once_and_categories_are_known():
    ids = [rule.id for rule in PATTERNS] + list(code_rules())
    assert len(ids) == len(set(ids))
    assert {rule.category for rule in (*PATTERNS, *code_rules().values())} == set(CATEGORIES)


GOOD = "{id: a/b, severity: low, category: hidden, pattern: xyz, reason: r}"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("{severity: low}", "no id"),
        ("{id: AB, severity: low}", "group/name"),
        (GOOD.replace("low", "grave"), "grave"),
        (GOOD.replace("hidden", "odd"), "odd"),
        (GOOD.replace("xyz", "'('"), "not a pattern"),
        (GOOD.replace("xyz", "'x*'"), "empty"),
        (GOOD.replace("xyz", "'{nothing}'"), "no phrase"),
        (GOOD.replace("xyz", "'[ab ]'"), "not a pattern"),
        (GOOD.replace("reason", "raison"), "unknown fields: raison"),
        (GOOD[:-1] + ", in: [cobol]}", "in"),
        (GOOD + "\n- " + GOOD, "two rules a/b"),
    ],
)
def test_a_wrong_table_is_refused_and_told_why(tmp_path, rule, why):
    table = tmp_path / "rules.yaml"
    table.write_text(f"rules:\n- {rule}\n")
    with pytest.raises(AuditRuleError, match=why):
        load_patterns(table)


def test_a_rule_of_ones_own_is_used_beside_the_others(audit, tmp_path):
    table = tmp_path / "rules.yaml"
    table.write_text(f"rules:\n- {GOOD.replace('xyz', 'frob the widget')}\n")
    rules = Rules.builtin().extended(*load_patterns(table))
    report = audit("Then frob\nthe widget.", rules=rules)
    assert [(one.rule, one.line, one.column) for one in report.findings] == [("a/b", 6, 6)]


def test_an_analyser_of_ones_own_is_given_every_text(audit):
    def analyse(source: Source):
        if source.language == "python":
            start = source.text.index("frob")
            yield Hit("mine/frob", Severity.HIGH, "execution", start, start + 4, "it frobs")

    report = audit("```python\nx = 1\nfrob()\n```", rules=Rules.builtin().extended(analyse))
    assert [(one.rule, one.line, one.excerpt) for one in report.findings] == [
        ("mine/frob", 8, "frob()")
    ]


def test_a_rule_takes_the_place_of_one_of_its_id():
    rule = PATTERNS[0]
    rules = Rules.builtin().extended(rule)
    assert len(rules.patterns) == len(PATTERNS)


class Brings:
    """A hook plugin with a rule of each form."""

    table = ""

    @hookimpl
    def headrace_audit_rules(self):
        return [self.table, lambda _source: ()]


class Raises:
    @hookimpl
    def headrace_audit_rules(self):
        raise RuntimeError("no rules today")


class GivesNonsense:
    @hookimpl
    def headrace_audit_rules(self):
        return [42]


class Plugins:
    """The hook plugins of an environment."""

    def __init__(self, *names):
        self._names = names

    def list(self, kind):
        assert kind is Kind.HOOKS
        return tuple(
            ListedPlugin(
                Plugin(
                    Kind.HOOKS, name, normalise(f"acme-{name}"), "1.0", f"{__name__}:{name}", "/x"
                ),
                "ready",
            )
            for name in self._names
        )


def test_plugins_bring_rules(tmp_path, monkeypatch):
    table = tmp_path / "more.yaml"
    table.write_text(f"rules:\n- {GOOD}\n")
    monkeypatch.setattr(Brings, "table", str(table))
    rules, faults = rules_with_plugins(Plugins("Brings"))
    assert faults == ()
    assert rules.patterns[-1].id == "a/b"
    assert len(rules.analysers) == len(Rules.builtin().analysers) + 1


@pytest.mark.parametrize(("name", "why"), [("Raises", "no rules today"), ("GivesNonsense", "42")])
def test_a_plugin_that_fails_is_told_and_harms_no_other(tmp_path, monkeypatch, name, why):
    table = tmp_path / "more.yaml"
    table.write_text(f"rules:\n- {GOOD}\n")
    monkeypatch.setattr(Brings, "table", str(table))
    rules, faults = rules_with_plugins(Plugins(name, "Brings"))
    assert [why in str(fault) for fault in faults] == [True]
    assert rules.patterns[-1].id == "a/b"
