"""The labelled set: what it holds, and how much of it the audit finds."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from headrace_skills.audit import Severity, audit_skill

from .materialise import HERE, entries

ROOT = Path(__file__).parents[3]
SEEN, HELD_OUT = entries("seen"), entries("held_out")
# Whoever changes the held-out skills after seeing how rules do on them has none any more.
HELD_OUT_FILES = {
    "held_out_benign.yaml": "e5c9265d0174e2073ec6ec510b6c8407679a9e52eaaed038d2aaa116452b5356",
    "held_out_hostile.yaml": "cd5f60cabc21008a885eeaa5491e7b2a8a6bc189cca11a76756c86606a35cdc0",
}
# What was found when the rules first met them, a little below: rules may lose no more than that.
HELD_OUT_RECALL, HELD_OUT_ALARMS = 0.65, 1


def is_flagged(entry, tmp_path):
    return bool(audit_skill(entry.write(tmp_path)).at_least(Severity.HIGH))


@pytest.mark.parametrize("name", HELD_OUT_FILES)
def test_the_held_out_skills_are_what_they_were(name):
    assert hashlib.sha256((HERE / name).read_bytes()).hexdigest() == HELD_OUT_FILES[name]


def test_the_set_is_large_and_of_all_kinds():
    both = [*SEEN, *HELD_OUT]
    assert len({one.id for one in both}) == len(both)
    assert sum(one.hostile for one in both) >= 60
    assert sum(not one.hostile for one in both) >= 60
    for split in (SEEN, HELD_OUT):
        hostile = [one for one in split if one.hostile]
        kinds = Counter(one.kind for one in hostile)
        assert set(kinds) == {
            "remote-code",
            "credential-theft",
            "exfiltration",
            "manipulation",
            "persistence",
            "hidden",
            "obfuscation",
            "supply-chain",
            "destructive",
            "injection",
        }
        assert {one.place for one in hostile} == {
            "frontmatter",
            "body",
            "reference",
            "script",
            "data",
            "name",
        }
        assert {one.manner for one in hostile} == {"code", "encoded", "plain", "steps"}


@pytest.mark.parametrize("entry", [one for one in SEEN if one.hostile], ids=lambda one: one.id)
def test_a_hostile_skill_that_the_rules_were_written_with_is_found(entry, tmp_path):
    assert is_flagged(entry, tmp_path)


@pytest.mark.parametrize("entry", [one for one in SEEN if not one.hostile], ids=lambda one: one.id)
def test_a_benign_skill_that_the_rules_were_written_with_is_no_alarm(entry, tmp_path):
    assert not is_flagged(entry, tmp_path)


def test_the_held_out_skills_are_found_as_before(tmp_path):
    flagged = [(one.hostile, is_flagged(one, tmp_path)) for one in HELD_OUT]
    hostile = [flag for is_hostile, flag in flagged if is_hostile]
    assert sum(hostile) >= HELD_OUT_RECALL * len(hostile)
    assert sum(flag for is_hostile, flag in flagged if not is_hostile) <= HELD_OUT_ALARMS


def test_the_skills_of_the_examples_are_no_alarm():
    skills = [file.parent for file in ROOT.glob("examples/*/skills/*/SKILL.md")]
    assert skills
    for skill in skills:
        assert audit_skill(skill).at_least(Severity.MEDIUM) == (), skill
