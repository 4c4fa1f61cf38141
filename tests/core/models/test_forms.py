"""Forms of answers: from types and schemas, read from what models write, faults told in words."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal, Union

import pytest
from pydantic import BaseModel, Field

from headrace import ChatRequest, Message
from headrace.models._forms import Form, FormError, in_words


class Room(BaseModel):
    floor: int
    doors: list[str] = []


class Bare:
    """No type of data."""


class House(BaseModel):
    name: str
    rooms: list[Room]
    built: dt.date | None = None


class Tree(BaseModel):
    label: str
    branches: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

HOUSE = {"name": "Mill", "rooms": [{"floor": 1, "doors": ["red"]}], "built": "1850-02-03"}
SCHEMA: dict[str, Any] = {
    "title": "Order",
    "type": "object",
    "properties": {"total": {"type": "integer", "minimum": 1}, "note": {"type": "string"}},
    "required": ["total"],
    "additionalProperties": False,
}


def wrapped(value):
    return json.dumps({"value": value})


def fault(form, text):
    with pytest.raises(FormError) as raised:
        form.read(text)
    return str(raised.value)


class TestTypes:
    def test_a_model_is_read_with_what_is_nested_in_it(self):
        house = Form(House).read(json.dumps(HOUSE))

        assert house == House(
            name="Mill", rooms=[Room(floor=1, doors=["red"])], built=dt.date(1850, 2, 3)
        )

    def test_a_model_that_holds_itself_is_read(self):
        tree = Form(Tree).read(wrapped({"label": "a", "branches": [{"label": "b"}]}))

        assert tree == Tree(label="a", branches=[Tree(label="b")])

    def test_a_list_is_read(self):
        assert Form(list[int]).read(wrapped([1, 2])) == [1, 2]

    def test_a_tuple_is_read(self):
        assert Form(tuple[int, str]).read(wrapped([1, "a"])) == (1, "a")

    def test_a_literal_is_read(self):
        assert Form(Literal["yes", "no"]).read(wrapped("no")) == "no"

    def test_another_value_than_those_of_a_literal_is_a_fault(self):
        assert "'yes' or 'no'" in fault(Form(Literal["yes", "no"]), wrapped("maybe"))

    def test_a_union_is_read_as_the_one_that_fits(self):
        assert Form(Pet).read(wrapped({"kind": "dog", "name": "Rex"})) == Dog(
            kind="dog", name="Rex"
        )

    def test_nothing_is_an_answer_where_the_type_says_so(self):
        assert Form(int | None).read(wrapped(None)) is None

    def test_a_dict_type_is_read(self):
        assert Form(dict[str, int]).read('{"a": 1}') == {"a": 1}

    @pytest.mark.parametrize("wanted", [object(), 7, Bare])
    def test_what_is_no_type_is_refused(self, wanted):
        with pytest.raises(TypeError, match="no form of an answer can be made of"):
            Form(wanted)

    def test_a_type_that_cannot_be_told_apart_from_others_is_read_too(self):
        bounded = Annotated[int, Field(json_schema_extra={"examples": [1]})]

        assert Form(bounded).read(wrapped(7)) == 7

    def test_unions_of_another_order_have_their_own_schemas(self):
        schemas = [Form(Union[int, str]).schema, Form(Union[str, int]).schema]  # noqa: UP007

        orders = [
            [part["type"] for part in schema.json_schema["properties"]["value"]["anyOf"]]
            for schema in schemas
        ]
        assert orders == [["integer", "string"], ["string", "integer"]]


class TestSchemas:
    def test_data_that_is_valid_is_given_as_it_is(self):
        assert Form(SCHEMA).read('{"total": 3}') == {"total": 3}

    def test_data_that_is_not_valid_is_a_fault_with_its_place(self):
        assert fault(Form(SCHEMA), '{"total": 0}').startswith("the answer.total must be")

    def test_a_schema_that_is_none_is_refused(self):
        with pytest.raises(TypeError, match="no JSON schema of an answer"):
            Form({"type": "object", "properties": {"a": {"type": "whole number"}}})

    def test_a_schema_that_is_no_json_is_refused(self):
        with pytest.raises(TypeError, match="no JSON schema of an answer"):
            Form({"type": "object", "default": object()})

    def test_a_schema_of_a_list_with_definitions_is_read(self):
        schema = {
            "type": "array",
            "items": {"$ref": "#/$defs/Total"},
            "$defs": {"Total": {"type": "integer"}},
        }

        assert Form(schema).read(wrapped([1])) == [1]

    def test_definitions_of_a_list_are_at_the_root_of_what_the_model_is_told(self):
        schema = {
            "type": "array",
            "items": {"$ref": "#/$defs/Total"},
            "$defs": {"Total": {"type": "integer"}},
        }

        assert Form(schema).schema.json_schema["$defs"] == {"Total": {"type": "integer"}}

    @pytest.mark.parametrize("definitions", ["$defs", "definitions"])
    def test_a_schema_is_left_as_it_is(self, definitions):
        schema = {
            "type": "array",
            "items": {"$ref": f"#/{definitions}/Total"},
            definitions: {"Total": {"type": "integer"}},
        }
        before = json.dumps(schema)
        Form(schema)

        assert json.dumps(schema) == before

    def test_a_schema_that_was_changed_since_is_another_form(self):
        schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
        Form(schema)
        schema["properties"]["a"]["type"] = "string"

        assert Form(schema).read('{"a": "text"}') == {"a": "text"}


class TestWhatModelsAreTold:
    def test_a_schema_has_the_name_of_its_type(self):
        assert Form(House).schema.name == "House"

    def test_a_schema_has_its_title_for_a_name(self):
        assert Form(SCHEMA).schema.name == "Order"

    def test_a_name_has_only_what_providers_take(self):
        assert Form({**SCHEMA, "title": "Ordre d'été" + "!" * 80}).schema.name == "Ordre_d_t_"

    def test_what_is_no_object_is_put_into_one(self):
        assert Form(list[int]).schema.json_schema == {
            "type": "object",
            "properties": {"value": {"type": "array", "items": {"type": "integer"}}},
            "required": ["value"],
            "additionalProperties": False,
        }

    def test_what_one_request_does_to_its_schema_is_not_in_the_next(self):
        Form(House).schema.json_schema["properties"].clear()

        assert set(Form(House).schema.json_schema["properties"]) == {"name", "rooms", "built"}


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            '{"total": 3}',
            '\n {"total": 3}\n',
            '```json\n{"total": 3}\n```',
            '```\n{"total": 3}\n```\n',
            'Here it is:\n{"total": 3}\nAnything else?',
            'Here it is:\n```json\n{"total": 3}\n```\nAnything else?',
        ],
    )
    def test_json_is_found_in_a_fence_and_between_words(self, text):
        assert Form(SCHEMA).read(text) == {"total": 3}

    def test_a_text_that_holds_a_fence_is_not_taken_for_one(self):
        note = "```\n{}\n```"

        assert Form(SCHEMA).read(json.dumps({"total": 1, "note": note}))["note"] == note

    @pytest.mark.parametrize("text", ["", "no", "{", "}{", '{"total": 3', "[" * 10_000])
    def test_what_is_no_json_is_a_fault(self, text):
        assert fault(Form(SCHEMA), text).startswith("it is not JSON")

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
    def test_numbers_that_json_does_not_have_are_a_fault(self, number):
        assert "it is not JSON" in fault(Form(dict[str, float]), f'{{"a": {number}}}')

    def test_each_fault_is_told_with_its_place(self):
        told = fault(Form(House), '{"name": 1, "rooms": [{"doors": []}]}')

        assert told == "name: Input should be a valid string; rooms.0.floor: Field required"

    def test_many_faults_are_told_in_short(self):
        told = fault(Form(list[int]), wrapped(["x"] * 25))

        assert told.count("valid integer") == 10
        assert told.endswith("; and 15 more")

    @pytest.mark.parametrize("text", ["[1]", '{"values": [1]}', '{"value": [1], "more": 1}'])
    def test_the_object_around_what_is_none_must_be_there(self, text):
        assert fault(Form(list[int]), text) == "an object with the one field 'value' is expected"


class TestInWords:
    @pytest.fixture
    def asked(self):
        def asked(*messages):
            return in_words(ChatRequest(messages=messages, output=Form(SCHEMA).schema))

        return asked

    def test_the_form_is_told_at_the_end_of_the_system_prompt(self, asked):
        request = asked(
            Message(role="system", content="Be brief."), Message(role="user", content="hi")
        )

        told, schema = request.messages[0].content.rsplit("\n", 1)
        assert told.startswith("Be brief.\n\n")
        assert json.loads(schema) == SCHEMA

    def test_where_there_is_no_system_prompt_there_is_one_then(self, asked):
        request = asked(Message(role="user", content="hi"))

        assert [message.role for message in request.messages] == ["system", "user"]

    def test_the_model_is_not_asked_for_a_form_besides(self, asked):
        assert asked(Message(role="user", content="hi")).output is None
