"""Agents in YAML: a published schema, faults with line and column, nothing but plain data."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from definition_agents import YAML

from headrace import AgentPlan, PlanError
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

    @pytest.mark.parametrize(
        "text", ["[" * 400_000, "{a: " * 50_000, "name: " + "[" * 5000 + "]" * 5000]
    )
    def test_extreme_depth_is_told_before_it_is_followed(self, text):
        [fault] = faults(text)
        assert "agent.yaml:1:" in fault
        assert "nested deeper" in fault

    def test_size_is_bounded(self):
        assert "is larger than" in faults(b"#" * (MAX_BYTES + 1))[0]

    @pytest.mark.parametrize(
        ("data", "at"),
        [
            (b"name: a\ndescription: Z\xfcrich\n", "agent.yaml:2:15"),
            (b"name: a\ndescription: a\0b\n", "agent.yaml:2:15"),
            ("name: a\ndescription: a\0b\n", "agent.yaml:2:15"),
            (b"name: \xff\xfe\n", "agent.yaml:1:7"),
            (bytes(range(256)), "agent.yaml:1:1"),
            (b"\xff\xfen\0\0", "agent.yaml:1:5"),
        ],
        ids=["latin-1", "NUL", "NUL in a str", "bytes", "all bytes", "half of UTF-16"],
    )
    def test_bytes_that_are_no_text_are_told_with_their_place(self, data, at):
        [fault] = faults(data)
        assert fault.startswith(f"{at}: is no YAML")
        assert "save it as UTF-8" in fault

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_encodings_that_say_what_they_are_are_read(self, encoding):
        text = "name: a\ndescription: Zürich\nactions: [{function: 'yaml_agents:greet', on: input}]"
        assert AgentPlan.from_agent(parse_agent(text.encode(encoding))).description == "Zürich"

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ("2024-99-99", "'2024-99-99' is read as timestamp, and is none"),
            ("2024-01-01T00:00:00+99:99", "is read as timestamp"),
            ("!!timestamp soon", "'soon' is read as timestamp"),
            ("!!int many", "'many' is read as int"),
            ("!!float many", "'many' is read as float"),
            ("!!bool maybe", "'maybe' is read as bool"),
            ("!!int 0x_", "'0x_' is read as int"),
            ("0b_", "'0b_' is read as int"),
            ("9" * 5000, "is read as int"),
            ("!!python/name:os.system ''", "has the tag"),
            ("=", "has the tag"),
        ],
        ids=lambda part: part[:20],
    )
    def test_a_value_that_is_none_of_its_kind_is_told_with_its_place(self, value, told):
        [fault] = faults(f"name: a\nparameters: {{x: {value}}}\n")
        assert fault.startswith("agent.yaml:2:17: ")
        assert told in fault

    @pytest.mark.parametrize("name", ["<<: {b: 1}", "!foo b: 1", "? {b: 1}\n: 1", "~: 1"])
    def test_what_is_no_name_is_one_fault(self, name):
        [fault] = faults(f"name: a\n{name}\n")
        assert fault.startswith("agent.yaml:2:")

    @pytest.mark.parametrize("module", ["../../etc", "", ".", "a..b", "a\\0b", "os;x"])
    def test_a_module_that_is_none_is_told_with_its_place(self, module):
        [fault] = faults(f'name: a\nactions: [{{function: "{module}:f", on: input}}]\n')
        assert fault.startswith("agent.yaml:2:22: ")


@pytest.mark.parametrize("code", ["def (", "raise ValueError('boom')", "x.y", "exit(3)"])
def test_a_module_that_cannot_be_imported_is_told_with_its_place(code, tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)

    [fault] = faults("name: a\nactions: [{function: 'broken_module:f', on: input}]\n")

    assert fault.startswith("agent.yaml:2:22: broken_module:f cannot be imported: ")


def test_what_may_be_written_in_two_ways_is_one_fault():
    [fault] = faults("name: a\nactions: [{function: 'x:y', on: {event: input}}]\n")

    assert fault == "agent.yaml:2:33: actions.0.on: must be a list, or must be a text"


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PlanError, match="cannot be read: No such file"):
        load_agent(tmp_path / "none.yaml")
