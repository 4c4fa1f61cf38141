"""Forms of answers: what the provider keeps answers to, and what is refused before it is asked."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from headrace.errors import ModelError
from headrace_anthropic import AnthropicChatModel
from headrace_anthropic._forms import output_format


class Sky(Enum):
    CLEAR = "clear"
    RAIN = "rain"


class Place(BaseModel):
    name: str = Field(min_length=1)
    height: int | None = None


class Report(BaseModel):
    """A report of the weather."""

    place: Place
    others: list[Place] = Field(default_factory=list, max_length=5)
    sky: Sky
    wind: Literal["none", "some"]
    degrees: float = Field(ge=-90, le=60)


class Nothing(BaseModel):
    pass


def objects(schema: Any) -> list[dict[str, Any]]:
    """All objects' schemas in a schema."""
    if isinstance(schema, list):
        return [found for each in schema for found in objects(each)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for each in schema.values() for found in objects(each)]


def keys(schema: Any) -> set[str]:
    """All words of JSON schema in a schema whose properties have no such names."""
    if isinstance(schema, list):
        return {found for each in schema for found in keys(each)}
    if not isinstance(schema, dict):
        return set()
    return set(schema) | {found for each in schema.values() for found in keys(each)}


def test_objects_are_closed():
    made = output_format(Report.model_json_schema())

    assert made["type"] == "json_schema"
    assert len(objects(made["schema"])) == 2
    assert all(each["additionalProperties"] is False for each in objects(made["schema"]))


def test_what_cannot_be_enforced_is_told_in_descriptions():
    schema = output_format(Report.model_json_schema())["schema"]

    assert not {"minimum", "maximum", "minLength", "maxItems"} & keys(schema)
    assert "60" in schema["properties"]["degrees"]["description"]


def test_form_is_left_as_it_was():
    schema = Report.model_json_schema()

    output_format(schema)

    assert schema == Report.model_json_schema()


def test_several_types_become_alternatives():
    schema = {
        "type": "object",
        "properties": {"height": {"type": ["integer", "null"], "description": "In metres."}},
    }

    height = output_format(schema)["schema"]["properties"]["height"]

    assert [each["type"] for each in height["anyOf"]] == ["integer", "null"]


@pytest.mark.parametrize(
    "schema",
    [
        Nothing.model_json_schema(),
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
    ],
)
def test_objects_whose_names_are_known_are_taken(schema):
    assert output_format(schema)["schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "field is a map"),
        ({"type": "object"}, "field is a map"),
        ({"type": "object", "patternProperties": {"^a": {"type": "integer"}}}, "field is a map"),
        ({}, "field may hold anything"),
        (True, "field may hold anything"),
        ({"type": "array", "items": {}}, r"field\[\] may hold anything"),
        ({"anyOf": [{"type": "null"}, {"type": "object"}]}, "field is a map"),
        ({"type": "decimal"}, "is not understood"),
    ],
)
def test_what_the_provider_cannot_keep_to_is_a_bad_request_that_says_where(field, why):
    schema = {"type": "object", "properties": {"field": field}}

    with pytest.raises(ModelError, match=why) as caught:
        output_format(schema)

    assert caught.value.code == "bad_request"
    assert "structured=False" in str(caught.value)


@pytest.mark.parametrize("structured", [True, False])
def test_model_says_whether_it_keeps_to_forms(structured):
    async def opened() -> bool:
        model = AnthropicChatModel("m", structured=structured)
        await model.open()
        await model.close()
        return model.structured

    assert asyncio.run(opened()) is structured
