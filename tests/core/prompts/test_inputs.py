"""The names that an input gives to prompts."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from pydantic import BaseModel, ConfigDict, RootModel

from headrace import Event, Prompt
from headrace.prompts import input_fields, is_structured


class Letter(BaseModel):
    model_config = ConfigDict(extra="allow")

    sender: str
    inner: dict[str, int] = {}


class Arrived(Event):
    sender: str


@dataclass
class Parcel:
    sender: str


Note = namedtuple("Note", "sender")  # noqa: PYI024 - what people give


class Wrapped(RootModel[dict[str, str]]):
    pass


STRUCTURED = [
    {"sender": "Ada"},
    MappingProxyType({"sender": "Ada"}),
    Letter(sender="Ada"),
    Letter(sender="Ada", more="extra"),
    Arrived(sender="Ada"),
    Parcel("Ada"),
    Note("Ada"),
    Wrapped({"sender": "Ada"}),
]


@pytest.mark.parametrize("value", STRUCTURED, ids=lambda value: type(value).__name__)
def test_what_has_fields_gives_them(value):
    assert Prompt("{sender}").fill(input=value)[0].content == "Ada"


@pytest.mark.parametrize("value", STRUCTURED, ids=lambda value: type(value).__name__)
def test_the_whole_of_it_is_json(value):
    assert '"sender":"Ada"' in Prompt("{input}").fill(input=value)[0].content


@pytest.mark.parametrize("value", ["Ada", 7, 0.5, True])
def test_a_scalar_is_the_input_and_nothing_else(value):
    assert input_fields(value) == {"input": value}
    assert not is_structured(value)


def test_fields_that_a_model_allows_beside_its_own_are_fields():
    assert Prompt("{more}").fill(input=Letter(sender="a", more="b"))[0].content == "b"


def test_an_inputs_own_field_of_that_name_is_no_longer_the_whole():
    assert Prompt("{input}").fill(input={"input": "mine"})[0].content == "mine"


def test_other_names_come_before_the_inputs():
    assert Prompt("{sender}").fill(input={"sender": "Ada"}, sender="Bob")[0].content == "Bob"


@pytest.mark.parametrize("value", [["a"], ("a",), {"a"}, {"a": 1}, Letter(sender="a")])
def test_what_has_parts_is_structured(value):
    assert is_structured(value)


class TestRows:
    @pytest.fixture
    def row(self):
        return pytest.importorskip("pyflink.common").Row

    def test_one_with_names_gives_its_fields_nested_ones_too(self, row):
        given = row(sender="Ada", inner=row(n=1))
        filled = Prompt("{sender} {inner} {input}").fill(input=given)

        assert filled[0].content == 'Ada {"n":1} {"sender":"Ada","inner":{"n":1}}'

    def test_one_without_names_is_a_list_of_its_values(self, row):
        assert Prompt("{input}").fill(input=row("Ada", 1))[0].content == '["Ada",1]'
        assert is_structured(row("Ada", 1))
