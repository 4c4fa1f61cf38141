"""Forms of answers in the words of strict mode, held against the vendor's own rewriting."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Literal

import jsonschema
import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, ConfigDict, Field

from headrace_openai._forms import strict_schema


class Sky(Enum):
    CLEAR = "clear"
    RAIN = "rain"


class Wind(BaseModel):
    """Where it blows from."""

    direction: str
    knots: int = 0


class Weather(BaseModel):
    city: str
    sky: Sky
    wind: Wind = Field(description="At ten metres.")
    gusts: list[Wind] = []
    note: str | None = None
    chance: float = Field(ge=0, le=1)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Tree(BaseModel):
    name: str
    branches: list[Tree] = []


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class Named(BaseModel):
    name: str = Field(min_length=1, max_length=9)


def without(schema, *words):
    """The schema without the words that say nothing about what is valid."""
    if isinstance(schema, list):
        return [without(one, *words) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: without(one, *words) for name, one in schema.items() if name not in words}


@pytest.mark.parametrize("form", [Weather, Closed, Cat])
def test_a_form_is_rewritten_as_the_vendor_rewrites_it(form):
    given = form.model_json_schema()

    strict = strict_schema(given)

    # Defaults are dropped here, as the interface's guide does not know them.
    assert strict == without(to_strict_json_schema(form), "default")


@pytest.mark.parametrize("form", [Weather, Owner, Tree, Closed, Named, Wind])
def test_every_property_is_required_and_no_other_is_allowed(form):
    strict = strict_schema(form.model_json_schema())

    objects = [one for one in walk(strict) if one.get("type") == "object"]
    assert objects
    for one in objects:
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (
            Weather,
            {
                "city": "Bern",
                "sky": "rain",
                "wind": {"direction": "N", "knots": 3},
                "gusts": [{"direction": "E", "knots": 9}],
                "note": None,
                "chance": 0.5,
            },
        ),
        (Owner, {"pet": {"kind": "cat", "lives": 9}}),
        (Owner, {"pet": {"kind": "dog"}}),
        (Tree, {"name": "a", "branches": [{"name": "b", "branches": []}]}),
    ],
)
def test_what_keeps_to_the_strict_form_keeps_to_the_given_one(form, value):
    strict = strict_schema(form.model_json_schema())

    jsonschema.validate(value, strict)

    jsonschema.validate(value, form.model_json_schema())
    form.model_validate(value)


@pytest.mark.parametrize("form", [Weather, Owner, Tree])
def test_the_strict_form_is_a_schema_whose_root_is_an_object(form):
    strict = strict_schema(form.model_json_schema())

    jsonschema.Draft202012Validator.check_schema(strict)
    assert strict["type"] == "object"
    assert "$ref" not in strict


def test_limits_that_strict_mode_does_not_know_are_left_to_the_check_of_the_answer():
    strict = strict_schema(Named.model_json_schema())

    assert strict["properties"]["name"] == {"title": "Name", "type": "string"}


def test_the_given_schema_is_left_as_it_is():
    given = Weather.model_json_schema()
    before = json.dumps(given)

    strict_schema(given)

    assert json.dumps(given) == before


OBJECT = {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "array"},
        {"type": "array", "items": {}},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {},
        True,
        {"not": {"type": "string"}},
        {"allOf": [OBJECT, OBJECT]},
        {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        {"$ref": "elsewhere.json#/a"},
        {"$ref": "#/$defs/missing", "description": "d"},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "object", "properties": {}, "patternProperties": {"^a": {"type": "string"}}},
    ],
)
def test_a_form_that_strict_mode_has_no_words_for_is_none(part):
    assert strict_schema({**OBJECT, "properties": {"part": part}}) is None


@pytest.mark.parametrize("root", [{"type": "string"}, {"anyOf": [OBJECT]}, {"type": "array"}])
def test_a_form_whose_root_is_no_object_is_none(root):
    assert strict_schema(root) is None


def test_a_form_that_stands_for_itself_ends():
    node = {"$ref": "#/$defs/node", "description": "itself"}
    form = {**OBJECT, "properties": {"a": node}, "$defs": {"node": {**node, "title": "n"}}}

    assert strict_schema(form) is None


@pytest.mark.parametrize(
    ("kinds", "meant"), [(["object", "null"], ["object", "null"]), ("object", "object")]
)
def test_an_object_that_may_be_null_stays_so(kinds, meant):
    part = {"type": kinds, "properties": {"a": {"type": "string"}}}

    strict = strict_schema({**OBJECT, "properties": {"part": part}})

    assert strict["properties"]["part"]["type"] == meant


def walk(schema):
    """Every schema within a schema."""
    if isinstance(schema, list):
        for one in schema:
            yield from walk(one)
    elif isinstance(schema, dict):
        yield schema
        for one in schema.values():
            yield from walk(one)
