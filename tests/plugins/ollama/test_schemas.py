"""What of a tool's JSON schema reaches the model, though the client would drop most of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ollama import Tool

from headrace.chat import ToolSpec
from headrace.errors import ModelError
from headrace_ollama._schemas import tool_of


def told(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The properties as the client sends them."""
    parameters = {"type": "object", "properties": properties, **more}
    tool = tool_of(ToolSpec(name="t", parameters=parameters))
    sent = Tool.model_validate(tool).model_dump(exclude_none=True)
    found: dict[str, Any] = sent["function"]["parameters"]["properties"]
    return found


def in_words(part: dict[str, Any]) -> Any:
    """The JSON in a description."""
    text = part["description"]
    return json.loads(text[text.index("JSON schema: ") + len("JSON schema: ") :].rstrip(")"))


def test_what_the_client_knows_goes_as_it_is():
    part = {
        "type": "array",
        "items": {"type": "object", "properties": {"a": {"type": "integer"}}},
        "description": "Some.",
        "enum": [[1]],
    }

    assert told({"x": part})["x"] == part


def test_fields_of_an_object_are_told_in_words():
    part = {"type": "object", "properties": {"lat": {"type": "number"}}, "description": "Where."}

    made = told({"x": part})["x"]

    assert made["type"] == "object"
    assert made["description"].startswith("Where. (JSON schema: ")
    assert in_words(made) == {"properties": {"lat": {"type": "number"}}}


def test_limits_are_told_in_words():
    made = told({"x": {"type": "integer", "minimum": 1, "default": 3}})["x"]

    assert in_words(made) == {"minimum": 1, "default": 3}


def test_an_optional_value_has_two_types():
    part = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "X"}

    assert told({"x": part})["x"] == {"type": ["integer", "null"]}


def test_an_optional_list_keeps_its_items():
    part = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}

    assert told({"x": part})["x"] == {"type": ["array", "null"], "items": {"type": "string"}}


def test_alternatives_are_told_in_words():
    part = {"anyOf": [{"type": "integer"}, {"type": "string"}]}

    assert in_words(told({"x": part})["x"]) == part


def test_references_are_put_in_their_place():
    definitions = {
        "Place": {"type": "object", "properties": {"at": {"$ref": "#/$defs/Point"}}},
        "Point": {"type": "array", "items": {"type": "number"}},
    }

    made = told({"x": {"$ref": "#/$defs/Place", "description": "Where."}}, **{"$defs": definitions})

    assert made["x"]["type"] == "object"
    assert in_words(made["x"]) == {"properties": {"at": definitions["Point"]}}


def test_a_reference_that_leads_to_itself_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}

    made = told({"x": {"$ref": "#/$defs/Node"}}, **{"$defs": {"Node": node}})

    assert in_words(made["x"]) == {"properties": {"next": {"description": "a Node"}}}


@pytest.mark.parametrize("reference", ["#/$defs/Missing", "https://example.org/a.json#/Missing"])
def test_a_reference_that_leads_nowhere_is_named(reference):
    assert told({"x": {"$ref": reference}})["x"] == {"description": "a Missing"}


def test_parameters_may_be_called_like_words_of_json_schema():
    named = {name: {"type": "string"} for name in ("$defs", "definitions", "default", "enum")}

    assert told(named) == named


@pytest.mark.parametrize("part", [True, False, None, 3])
def test_a_part_that_says_nothing_is_offered_without_a_type(part):
    assert told({"x": part})["x"] == {}


def test_what_holds_for_all_parameters_is_told_with_the_tool():
    schema = {"type": "object", "properties": {}, "minProperties": 1, "title": "T"}

    function = tool_of(ToolSpec(name="t", description="Does.", parameters=schema))["function"]

    assert function["description"] == 'Does. (JSON schema: {"minProperties":1})'


@pytest.mark.parametrize("schema", [{}, {"properties": []}, {"required": "x"}])
def test_a_schema_of_a_wrong_form_offers_a_tool_without_parameters(schema):
    function = tool_of(ToolSpec(name="t", parameters=schema))["function"]

    assert function["parameters"] == {"type": "object", "properties": {}, "required": []}


def test_references_that_multiply_are_refused():
    definitions: dict[str, Any] = {"d0": {"type": "string"}}
    for number in range(1, 30):
        twice = {"$ref": f"#/$defs/d{number - 1}"}
        definitions[f"d{number}"] = {"type": "object", "properties": {"a": twice, "b": twice}}

    with pytest.raises(ModelError, match="the tool t is too large") as caught:
        told({"x": {"$ref": "#/$defs/d29"}}, **{"$defs": definitions})

    assert caught.value.code == "bad_request"


def test_a_schema_that_is_too_deep_is_refused():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(900):
        schema = {"type": "array", "items": schema}

    with pytest.raises(ModelError, match="too large"):
        told({"x": schema})
