"""Agents in YAML: a published schema, faults with line and column, nothing but plain data."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from definition_agents import YAML

from headrace import PlanError
from headrace.agent_yaml import MAX_BYTES, load_agent, parse_agent, schema


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(PlanError) as caught:
        parse_agent(text)
    return [str(fault) for fault in caught.value.faults]


def test_the_schema_is_a_schema_and_takes_the_example():
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    jsonschema.validate(yaml.safe_load(YAML.replace("    on:", '    "on":')), made)


def test_the_schema_refuses_what_reading_refuses():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "acions": []}, schema())
    [fault] = faults("name: a\nacions: []\n")
    assert fault.startswith("agent.yaml:2:1: acions: there is no such field")
    assert "did you mean actions?" in fault


def test_the_published_schema_is_what_the_code_reads():
    published = Path(__file__).parents[3] / "docs" / "agents.schema.json"

    assert json.loads(published.read_text(encoding="utf-8")) == schema(), (
        "make it anew: agents schema -o docs/agents.schema.json"
    )


def test_every_field_of_the_schema_says_what_it_is():
    made = schema()
    kinds = [made, *made["$defs"].values()]
    fields = [field for kind in kinds for field in kind.get("properties", {}).values()]

    assert fields
    assert [field for field in fields if not field.get("description")] == []


def test_the_schema_is_json():
    assert json.loads(json.dumps(schema())) == schema()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "name: a\nactions:\n  - function: nowhere:f\n    on: input\n",
            "agent.yaml:3:15: nowhere",
        ),
        ("name: a\nactions:\n  - on: input\n", "agent.yaml:3:5: actions.0.function"),
        ("name: a\nconfig: {max_in_flight: 0}\n", "agent.yaml:2:25: config.max_in_flight"),
        ("name: a\nprompts: {p: {}}\n", "agent.yaml:2:14: a prompt has either a text or messages"),
        ("parameters: {}\n", "the agent needs a name"),
        ("name: [a\n", "is no YAML"),
        ("name: a\nname: b\n", "agent.yaml:2:1: 'name' is there twice"),
        ("- a\n", "agent.yaml:1:1: must be a mapping"),
    ],
)
def test_a_fault_has_line_and_column(text, told):
    [fault] = faults(text)
    assert told in fault


def test_faults_are_told_together():
    text = "name: a\nactions:\n  - {function: 'x:y', on: input}\n  - {function: 'x:z', on: input}\n"
    assert len(faults(text)) == 2


class TestHostileText:
    def test_a_tag_makes_no_object(self):
        [fault] = faults("name: !!python/object/apply:os.system ['true']\n")
        assert "tag" in fault

    def test_aliases_are_not_read(self):
        bomb = "a: &a [x, x]\nb: &b [*a, *a]\nname: [*b, *b]\n"
        assert "anchors and aliases are not read" in faults(bomb)[0]

    def test_depth_is_bounded(self):
        assert any("nested deeper" in fault for fault in faults("name: " + "[" * 60 + "]" * 60))

    def test_extreme_depth_is_bounded_too(self):
        assert faults("name: " + "[" * 5000 + "]" * 5000)

    def test_size_is_bounded(self):
        assert "is larger than" in faults(b"#" * (MAX_BYTES + 1))[0]

    def test_bytes_that_are_no_text_are_told(self):
        assert "is no YAML" in faults(b"name: \xff\xfe\n")[0]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PlanError, match="cannot be read: No such file"):
        load_agent(tmp_path / "none.yaml")
