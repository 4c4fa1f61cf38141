"""Conditions on metadata: what holds, what does not, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.filters import (
    OPERATORS,
    All,
    AnyOf,
    Comparison,
    Not,
    check_filter,
    features_of,
    matches,
    parse_filter,
    sql_of,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)


def nested(depth):
    return {"$not": nested(depth - 1)} if depth else {"a": 1}


@pytest.mark.parametrize(
    ("where", "metadata"),
    [
        (None, {}),
        ({}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": "x"}, {"a": "x"}),
        ({"a": True}, {"a": True}),
        ({"a": 0.0}, {"a": -0.0}),
        ({"a": ["x", "y"]}, {"a": "y"}),
        ({"a": ("x", 2)}, {"a": 2}),
        ({"a": {"in": [None, 1]}}, {}),
        ({"a": None}, {}),
        ({"a": None}, {"a": None}),
        ({"a": {"eq": None}}, {"a": None}),
        ({"a": {"ne": None}}, {"a": False}),
        ({"a": {"ne": None}}, {"a": []}),
        ({"a": {"ne": 1}}, {}),
        ({"a": {"ne": 1}}, {"a": "1"}),
        ({"a": {"ne": 1}}, {"a": True}),
        ({"a": {"gte": 1, "lt": 2}}, {"a": 1.5}),
        ({"a": {"lte": 1}}, {"a": 1}),
        ({"a": {"gt": "Z"}}, {"a": "a"}),
        ({"a": {"lt": "\U0001f600"}}, {"a": "\uffff"}),
        ({"a": {"gt": 2.0**53}}, {"a": 2**53 + 1}),
        ({"a.b": 1}, {"a.b": 1}),
        ({"a": 1, "b": {"ne": 1}}, {"a": 1, "b": 2}),
        ({"$or": [{"a": 1}, {"b": 1}]}, {"b": 1}),
        ({"$or": [{}]}, {"a": 1}),
        ({"$and": [{"a": 1}, {"a": {"lt": 2}}]}, {"a": 1}),
        ({"$not": {"a": 1}}, {}),
        ({"$not": {"a": 1, "b": 1}}, {"a": 1, "b": 2}),
        ({"$not": {"$or": [{"a": 1}, {"b": 1}]}, "c": 1}, {"c": 1}),
        ({"$a": 1}, {"$a": 1}),
    ],
)
def test_a_condition_holds(where, metadata):
    assert matches(where, metadata)


@pytest.mark.parametrize(
    ("where", "metadata"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": None}),
        ({"a": 1}, {"a": True}),
        ({"a": False}, {"a": 0}),
        ({"a": "1"}, {"a": 1}),
        ({"a": "x"}, {"a": ["x"]}),
        ({"a": "é"}, {"a": "e\u0301"}),
        ({"a": []}, {"a": "x"}),
        ({"a": []}, {"a": []}),
        ({"a": None}, {"a": False}),
        ({"a": None}, {"a": ""}),
        ({"a": {"ne": 1}}, {"a": 1.0}),
        ({"a": {"ne": None}}, {}),
        ({"a": {"in": [1, "x"]}}, {"a": True}),
        ({"a": {"lt": 2}}, {}),
        ({"a": {"lt": 2}}, {"a": "1"}),
        ({"a": {"lt": 2}}, {"a": True}),
        ({"a": {"lt": "x"}}, {"a": None}),
        ({"a": {"lt": "x"}}, {"a": ["a"]}),
        ({"a": {"gte": 1, "lt": 2}}, {"a": 2}),
        ({"a": 2.0**53}, {"a": 2**53 + 1}),
        ({"a.b": 1}, {"a": {"b": 1}}),
        ({"a": 1, "b": 1}, {"a": 1}),
        ({"$or": [{"a": 1}, {"b": 1}]}, {"a": 2}),
        ({"$or": [{"a": 1}], "b": 1}, {"a": 1}),
        ({"$and": [{"a": 1}, {"b": 1}]}, {"a": 1}),
        ({"$not": {}}, {}),
        ({"$not": {"a": {"ne": 1}}}, {"a": 2}),
    ],
)
def test_a_condition_does_not_hold(where, metadata):
    assert not matches(where, metadata)


@pytest.mark.parametrize(
    "where",
    [
        [("a", 1)],
        "a",
        {"": 1},
        {1: 1},
        {"a\0": 1},
        {"\ud800": 1},
        {"a": {}},
        {"a": {"like": "x"}},
        {"a": {"b": 1}},
        {"a": {1: 1}},
        {"a": {"in": "text"}},
        {"a": {"in": 1}},
        {"a": {"in": {"x": 1}}},
        {"a": {"eq": [1]}},
        {"a": {"eq": {"x": 1}}},
        {"a": {"ne": ["x"]}},
        {"a": [["x"]]},
        {"a": {"lt": None}},
        {"a": {"gte": True}},
        {"a": b"x"},
        {"a": {1, 2}},
        {"a": 1j},
        {"a": math.nan},
        {"a": {"lt": math.inf}},
        {"a": 2**63},
        {"a": [1, -(2**63) - 1]},
        {"a": "x\0"},
        {"a": ["\udfff"]},
        {"$or": []},
        {"$or": {"a": 1}},
        {"$and": "a"},
        {"$or": ["a"]},
        {"$not": [{"a": 1}]},
        {"$not": None},
        {"$or": [{"a": {"like": 1}}]},
        nested(17),
    ],
    ids=ascii,
)
def test_what_is_no_condition_is_refused(where):
    with pytest.raises(ValueError, match=r"^filter: "):
        check_filter(where)


def test_a_refusal_names_the_entry_and_what_there_is():
    with pytest.raises(ValueError, match=r"^filter: year: 'from' is none of eq, ne, lt, .*in$"):
        check_filter({"year": {"from": 1}})


def test_a_long_value_is_not_told_at_length():
    with pytest.raises(ValueError, match="filter") as caught:
        check_filter({"a": "x" * 10_000 + "\0"})

    assert len(str(caught.value)) < 200


def test_a_condition_is_taken_apart_in_order():
    where = {
        "b": {"gte": 1, "lt": 2},
        "$or": [{"a": "x"}, {"c": ("y", None)}],
        "$not": {"d": None},
    }

    assert parse_filter(where) == All(
        (
            Comparison("b", "gte", 1),
            Comparison("b", "lt", 2),
            AnyOf((All((Comparison("a", "eq", "x"),)), All((Comparison("c", "in", ["y", None]),)))),
            Not(All((Comparison("d", "eq", None),))),
        )
    )


def test_a_condition_may_be_nested_sixteen_deep():
    assert matches(nested(16), {"a": 1})


@pytest.mark.parametrize(
    ("where", "features"),
    [
        (None, set()),
        ({"a": 1}, {"equal"}),
        ({"a": [1, None]}, {"equal", "null"}),
        ({"a": {"lt": 1}}, {"numbers"}),
        ({"a": {"lt": "x"}}, {"texts"}),
        ({"$or": [{"a": 1}, {"$not": {"b": {"gt": 1}}}]}, {"or", "not", "equal", "numbers"}),
        ({"$and": [{"a": 1}]}, {"equal"}),
    ],
)
def test_a_condition_tells_what_a_store_must_be_able_to_do(where, features):
    assert features_of(where) == features


def test_sql_is_bound_in_the_order_of_its_marks():
    where = {"a": 1, "$or": [{"b": 2}, {"$not": {"c": 3, "d": 4}}]}

    sql, bound = sql_of(parse_filter(where), lambda test: (f"{test.name} = ?", [test.value]))

    assert sql == "(a = ? AND (b = ? OR NOT ((c = ? AND d = ?))))"
    assert bound == [1, 2, 3, 4]


def test_sql_of_no_condition_is_true():
    assert sql_of(parse_filter({}), lambda test: ("", []), true="1") == ("1", [])


@given(found=VALUES, wanted=SCALARS)
def test_equal_and_unequal_are_opposites(found, wanted):
    assert matches({"a": {"eq": wanted}}, {"a": found}) != matches(
        {"a": {"ne": wanted}}, {"a": found}
    )


@given(found=VALUES, wanted=st.lists(SCALARS, max_size=4))
def test_one_of_is_equal_to_any(found, wanted):
    any_of = any(matches({"a": each}, {"a": found}) for each in wanted)

    assert matches({"a": wanted}, {"a": found}) == any_of


@given(found=SCALARS, wanted=SCALARS.filter(lambda each: isinstance(each, (str, float))))
def test_of_less_equal_and_greater_one_holds_between_values_of_a_kind(found, wanted):
    held = [verb for verb in ("lt", "eq", "gt") if matches({"a": {verb: wanted}}, {"a": found})]
    comparable = not isinstance(found, bool) and (
        isinstance(found, str) if isinstance(wanted, str) else isinstance(found, (int, float))
    )

    assert len(held) == comparable


@given(metadata=st.dictionaries(st.sampled_from("ab"), VALUES), wanted=SCALARS)
def test_any_condition_can_be_asked_of_any_metadata(metadata, wanted):
    for verb in OPERATORS:
        value = [wanted] if verb == "in" else wanted
        if verb in {"eq", "ne", "in"} or not (wanted is None or isinstance(wanted, bool)):
            assert matches({"a": {verb: value}}, metadata) in {True, False}
