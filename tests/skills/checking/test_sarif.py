"""The SARIF log: held against the parts of SARIF 2.1.0 that it uses, written down by hand."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from headrace_skills.checking import RULES, check_place, to_sarif

_TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_BAG = {"type": "object"}
_RULE = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": _TEXT,
        "fullDescription": _TEXT,
        "help": _TEXT,
        "defaultConfiguration": {
            "type": "object",
            "properties": {"level": _LEVEL},
            "additionalProperties": False,
        },
        "properties": _BAG,
    },
    "additionalProperties": False,
}
_LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                    "additionalProperties": False,
                },
                "region": {
                    "type": "object",
                    "properties": {
                        "startLine": {"type": "integer", "minimum": 1},
                        "startColumn": {"type": "integer", "minimum": 1},
                    },
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
_RESULT = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _TEXT,
        "locations": {"type": "array", "items": _LOCATION},
        "properties": _BAG,
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
                                },
                                "additionalProperties": False,
                            }
                        },
                        "additionalProperties": False,
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": _RESULT},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "skills" / "my forms"
    root.mkdir(parents=True)
    (root / "SKILL.md").write_text("---\nname: forms\ndescription: d\nversion: 1\n---\n[a](b.md)\n")
    (root / "Ünï\n.md").write_text("")
    (tmp_path / "bad.zip").write_text("")
    return to_sarif([*check_place(Path("skills")), *check_place(tmp_path / "bad.zip")], "1.2.3")


def test_it_is_sarif(log):
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(log)))


def test_each_result_leads_to_its_rule_and_place(log):
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    told = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] == RULES[result["ruleId"]].level
        place = result["locations"][0]["physicalLocation"]
        region = place["region"]
        uri = place["artifactLocation"]["uri"]
        told.add((result["ruleId"], uri, region["startLine"], region["startColumn"]))
    assert told == {
        ("name-folder", "skills/my%20forms/SKILL.md", 2, 7),
        ("description-short", "skills/my%20forms/SKILL.md", 3, 14),
        ("field-unknown", "skills/my%20forms/SKILL.md", 4, 1),
        ("file-missing", "skills/my%20forms/SKILL.md", 6, 5),
        ("file-name", "skills/my%20forms/%C3%9Cn%C3%AF%0A.md", 1, 1),
        ("archive", "bad.zip", 1, 1),
    }


def test_only_rules_that_were_broken_are_listed(log):
    (run,) = log["runs"]
    listed = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(listed) == sorted({one["ruleId"] for one in run["results"]})


def test_a_log_of_nothing_is_one_too():
    jsonschema.Draft202012Validator(SCHEMA).validate(to_sarif([], "1"))


def test_a_place_outside_of_the_working_folder_is_absolute(tmp_path):
    (tmp_path / "a b").mkdir()
    log = to_sarif(check_place(tmp_path / "a b"), "1")
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"{tmp_path.as_uri()}/a%20b/SKILL.md"
