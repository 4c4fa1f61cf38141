"""Prompts: fields filled once, all else left as it is."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import headrace
import headrace.chat
from headrace import Image, Message, Prompt
from headrace.errors import PromptError

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name != "input"
)
BRACES = st.text(alphabet='{}ab_1 ":,\n', max_size=40)


def text_of(prompt, /, **values):
    [message] = prompt.fill(**values)
    return message.content


class TestFields:
    def test_a_field_is_filled(self):
        assert text_of(Prompt("Is {name} well?"), name="Ada") == "Is Ada well?"

    def test_each_time_that_it_is_there(self):
        assert text_of(Prompt("{a}{a} {b}"), a="x", b="y") == "xx y"

    def test_a_name_that_is_not_given_stays(self):
        assert text_of(Prompt("{known} {unknown}"), known=1) == "1 {unknown}"

    def test_a_value_that_nothing_names_changes_nothing(self):
        assert text_of(Prompt("hello"), name="Ada") == "hello"

    def test_two_braces_are_the_escape_whether_the_name_is_given_or_not(self):
        assert text_of(Prompt("{{a}} {{b}}"), a="x") == "{a} {b}"

    @pytest.mark.parametrize(
        "text",
        ['{"a": 1}', "{}", "{ a }", "{1}", "{a.b}", "{a!r}", "{a:>3}", "{é}", "a} {b", '{"a": {}}'],
    )
    def test_other_braces_are_no_fields(self, text):
        assert text_of(Prompt(text), a="x", b="y") == text

    def test_an_example_in_json_holds_a_field(self):
        text = '{"who": "{name}", "more": {"n": 1}}'

        assert text_of(Prompt(text), name="Ada") == '{"who": "Ada", "more": {"n": 1}}'

    def test_a_value_is_not_filled_again(self):
        assert text_of(Prompt("{a} {b}"), a="{b} {{b}} \\1 \\g<0>", b="c") == (
            "{b} {{b}} \\1 \\g<0> c"
        )

    def test_any_name_of_a_parameter_can_be_a_field(self):
        values = {"self": 1, "values": 2, "text": 3, "data": 4, "messages": 5}
        prompt = Prompt(" ".join(f"{{{name}}}" for name in values))

        assert text_of(prompt, **values) == "1 2 3 4 5"

    def test_the_names_are_told_without_those_that_are_escaped(self):
        assert Prompt("{a} {b} {{c}} {a}").fields == {"a", "b"}

    @given(text=BRACES, name=NAMES, value=BRACES)
    def test_what_has_no_field_of_a_name_is_the_same_for_every_value(self, text, name, value):
        prompt = Prompt(text)
        filled = text_of(prompt, **{name: value})

        assert (filled == text_of(prompt)) or name in prompt.fields

    @given(before=BRACES, after=BRACES, value=BRACES)
    def test_what_is_filled_in_stands_there_as_it_is(self, before, after, value):
        prompt = Prompt(f"{before} {{zz}} {after}")

        assert text_of(prompt, zz=value) == f"{text_of(Prompt(before))} {value} " + text_of(
            Prompt(after)
        )

    @given(name=NAMES)
    def test_the_escape_gives_the_text_of_each_field(self, name):
        assert text_of(Prompt(f"{{{{{name}}}}}"), **{name: "x"}) == f"{{{name}}}"

    @given(values=st.dictionaries(NAMES, BRACES, max_size=4), text=BRACES)
    def test_of_all_fields_only_those_that_are_not_given_are_left(self, values, text):
        mark = "<filled>"
        prompt = Prompt(text)
        filled = text_of(prompt, **dict.fromkeys(values, mark))

        assert filled.count(mark) == sum(
            text.count(f"{{{name}}}") - text.count(f"{{{{{name}}}}}") for name in values
        )


class TestValues:
    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ("plain", "plain"),
            (7, "7"),
            (0.5, "0.5"),
            (True, "true"),
            (None, "null"),
            ({"ö": [1, {"b": None}]}, '{"ö":[1,{"b":null}]}'),
            ([1, "two"], '[1,"two"]'),
            (dt.date(2026, 8, 2), "2026-08-02"),
            ([dt.date(2026, 8, 2)], '["2026-08-02"]'),
            (enum.Enum("Colour", {"RED": "red"}).RED, "red"),
            (re.compile("a").pattern, "a"),
        ],
    )
    def test_a_text_is_told_as_it_is_and_all_else_as_json(self, value, told):
        assert text_of(Prompt("{v}"), v=value) == told

    def test_what_has_a_text_of_its_own_is_told_by_it(self):
        class Money:
            def __str__(self):
                return "3 francs"

        assert text_of(Prompt("{v}"), v=Money()) == "3 francs"

    def test_what_has_none_is_refused_by_the_fields_name(self):
        with pytest.raises(PromptError, match="the field 'v' cannot be told to a model"):
            text_of(Prompt("{v}"), v=object())

    def test_it_is_not_looked_at_where_nothing_names_it(self):
        assert text_of(Prompt("hello"), v=object()) == "hello"

    @pytest.mark.parametrize("wrap", [lambda asked: asked, functools.partial])
    def test_a_function_is_asked_for_the_value_once_for_each_filling(self, wrap):
        numbers = iter(range(9))
        asked = wrap(lambda: next(numbers))
        prompt = Prompt("{n} {n}")

        assert [text_of(prompt, n=asked), text_of(prompt, n=asked)] == ["0 0", "1 1"]


class TestMessages:
    def test_a_text_is_one_message_of_the_users(self):
        assert Prompt("hello").fill() == (Message(role="user", content="hello"),)

    def test_roles_and_order_stay(self):
        prompt = Prompt(
            messages=[
                Message(role="system", content="You speak {language}.", cache=True),
                Message(role="user", content="Hello"),
                Message(role="assistant", content="{greeting}"),
                Message(role="user", content="{said}"),
            ]
        )
        filled = prompt.fill(language="Latin", greeting="Ave", said="{language}")

        assert [(each.role, each.content) for each in filled] == [
            ("system", "You speak Latin."),
            ("user", "Hello"),
            ("assistant", "Ave"),
            ("user", "{language}"),
        ]
        assert [each.cache for each in filled] == [True, False, False, False]

    def test_messages_may_be_data(self):
        assert Prompt(messages=[{"role": "system", "content": "a"}]).fill()[0].role == "system"

    def test_images_stay_and_their_addresses_and_data_are_filled(self):
        shown = (Image(url="https://example.org/{id}.png"), Image(data="{photo}"), Image(data="eA"))
        prompt = Prompt(messages=[Message(role="user", content="{id}?", images=shown)])
        [message] = prompt.fill(id=7, photo="aGk=")

        assert prompt.fields == {"id", "photo"}
        assert [(each.url, each.data) for each in message.images] == [
            ("https://example.org/7.png", None),
            (None, "aGk="),
            (None, "eA"),
        ]

    def test_a_prompt_has_a_message(self):
        with pytest.raises(ValidationError):
            Prompt(messages=[])

    def test_it_cannot_be_changed(self):
        with pytest.raises(ValidationError):
            Prompt("a").messages = ()

    def test_it_is_the_same_after_json(self):
        prompt = Prompt(messages=[Message(role="system", content="{a}")])

        assert Prompt(**json.loads(prompt.model_dump_json())) == prompt

    def test_it_is_had_from_three_places(self):
        assert headrace.Prompt is headrace.chat.Prompt is Prompt
        with pytest.raises(AttributeError, match="no attribute 'Promt'"):
            headrace.chat.Promt  # noqa: B018
