"""Values as the log shows them: shortened by limits, their type kept, without secrets."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.eventlog._values import Limits, Shower
from headrace.values import encode

LIMITS = Limits(text=10, items=3, depth=3, whole=1000)
WIDE = Limits(text=1000, items=1000, depth=100, whole=10**6)


def shown(value, limits=LIMITS, **more):
    made = Shower(**more).show(value, limits)
    return json.loads(made.text), dict(made.cut)


@pytest.mark.parametrize(
    ("value", "expected", "cut"),
    [
        ("x" * 10, "x" * 10, {}),
        ("x" * 25, "x" * 10, {"texts": 1, "characters": 15}),
        ([1, 2, 3], [1, 2, 3], {}),
        ([1, 2, 3, 4, 5], [1, 2, 3], {"items": 2}),
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {"a": 1, "b": 2, "c": 3}, {"fields": 2}),
        ([[[[1]]]], [[[[]]]], {"deep": 1}),
        ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {}}}}, {"deep": 1}),
        ([[[[]]], {}], [[[[]]], {}], {}),
        (None, None, {}),
        (True, True, {}),
        (12345678901234567890, 12345678901234567890, {}),
        (float("inf"), None, {}),
    ],
)
def test_a_value_is_shortened_and_what_was_left_out_is_counted(value, expected, cut):
    assert shown(value) == (expected, cut)


def test_all_of_a_record_has_a_limit_too():
    value = [["x" * 100 for _ in range(100)] for _ in range(100)]
    made = Shower().show(value, WIDE._replace(whole=5000))

    assert len(made.text) < 7000
    assert made.cut["characters"] or made.cut["items"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=30,
)


def kinds(value):
    return type(value) if type(value) not in (int, float) else float


@given(JSON)
def test_a_shortened_value_keeps_its_json_type(value):
    stored = encode(value)
    found, _ = shown(stored)

    assert kinds(found) is kinds(finite(value))


@given(JSON)
def test_within_the_limits_a_value_is_shown_as_it_is(value):
    stored = encode(value)
    made = Shower().show(stored, WIDE)
    if not made.cut:  # a text may look like a secret
        assert json.loads(made.text) == finite(value)


def finite(value):
    """A value without the numbers that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(one) for one in value]
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    return value


@given(JSON)
def test_the_quick_way_gives_what_the_long_way_gives(value):
    stored = encode(value)
    quick = Shower()
    slow = Shower(redact=["no such field"])  # with names of one's own there is no quick way

    assert quick.show(stored, WIDE) == slow.show(stored, WIDE)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "apiKey",
        "api_key",
        "accessToken",
        "Authorization",
        "db.password",
        "clientSecret",
    ],
)
def test_fields_that_tell_of_a_secret_are_not_shown(name):
    assert shown({name: "x"}, WIDE) == ({name: "[redacted]"}, {"redacted": 1})
    assert shown({"a": [{name: {"deep": 1}}]}, WIDE)[0] == {"a": [{name: "[redacted]"}]}


@pytest.mark.parametrize("name", ["tokens", "input_tokens", "key", "password_file", "secretary"])
def test_fields_that_only_sound_like_it_are_shown(name):
    assert shown({name: 5}, WIDE) == ({name: 5}, {})


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-1234567890-abc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_texts_that_look_like_a_secret_are_not_shown(secret):
    found, cut = shown({"said": [f"it is {secret} there"]}, WIDE)

    assert found == {"said": ["it is [redacted] there"]}
    assert cut == {"redacted": 1}


def test_of_a_bearer_token_and_an_address_the_secret_part_is_not_shown():
    said = ["Authorization: Bearer abcdefgh12345", "postgresql://ann:hunter2@db/orders"]

    assert shown(said, WIDE)[0] == [
        "Authorization: Bearer [redacted]",
        "postgresql://[redacted]@db/orders",
    ]


def test_a_known_secret_is_not_shown_wherever_it_stands():
    assert shown({"a": 'x"hunter-22"y'}, WIDE, secrets=['"hunter-22"'])[0] == {"a": "x[redacted]y"}


def test_a_secret_that_a_limit_would_cut_in_half_is_not_shown_in_part():
    found, _ = shown("12345 sk-proj-abcdefghijklmnop1234", LIMITS)
    assert found == "12345 [red"


def test_fields_of_names_of_one_s_own_are_not_shown():
    found, _ = shown(
        {"iban": "DE1", "card_number": 4, "name": "Ann"}, WIDE, redact=["iban", "card_*"]
    )
    assert found == {"iban": "[redacted]", "card_number": "[redacted]", "name": "Ann"}


def test_stored_forms_are_shown_as_what_they_hold():
    stored = encode({"when": (1, 2), "set": {3}, "pairs": {1: "a"}})
    assert shown(stored, WIDE)[0] == {"when": [1, 2], "set": [3], "pairs": {"1": "a"}}


def test_a_value_that_no_json_has_is_shown_as_its_text():
    assert shown({"x": object}, WIDE)[0]["x"].startswith("<class")
