"""Values: what is kept comes back equal, shares nothing, and has one text in every process."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import json
import os
import subprocess
import sys
import uuid
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_values import (
    Box,
    Colour,
    Frozen,
    Level,
    Names,
    Open,
    Outer,
    Pair,
    Point,
    Rights,
    Secretive,
    Tree,
)

from headrace.errors import MemoryValueError, StateError
from headrace.values import MAX_DEPTH, decode, digest, dumps, encode, to_jsonable

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
AWARE = st.datetimes(timezones=st.timezones()) | st.datetimes(
    timezones=st.builds(
        dt.timezone,
        st.integers(-86399, 86399).map(lambda seconds: dt.timedelta(seconds=seconds)),
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=50)
    | st.datetimes()
    | AWARE
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.sampled_from([*Colour, *Level, *(Rights(n) for n in range(4))])
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from(["$", "v", "t", "e"]), inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.frozensets(HASHABLE, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.builds(Pair, inner, inner)
        | st.builds(Tree, anything=inner)
    ),
    max_leaves=12,
)


def same(a, b):
    """Equal, and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(key, other) and same(a[key], b[other]) for key, other in zip(a, b, strict=True)
        )
    return a == b


@given(VALUES)
def test_a_value_comes_back_equal_through_json(value):
    assert same(decode(json.loads(json.dumps(encode(value)))), value)


@given(VALUES)
def test_a_stored_form_is_json_like(value):
    def check(stored):
        assert type(stored) in {type(None), bool, int, float, str, list, dict}
        for item in stored if isinstance(stored, list) else ():
            check(item)
        for name, item in stored.items() if isinstance(stored, dict) else ():
            assert type(name) is str
            check(item)

    check(encode(value))


@given(VALUES)
def test_equal_stored_forms_have_one_text_and_one_digest(value):
    stored = encode(value)
    again = json.loads(dumps(stored))

    assert (dumps(again), digest(again)) == (dumps(stored), digest(stored))


def test_what_is_changed_after_encoding_does_not_change_the_stored_form():
    value = {"list": [1], "model": Tree(anything=[1]), "pair": Pair([1])}
    stored = encode(value)
    before = copy.deepcopy(stored)
    value["list"].append(2)
    value["model"].anything.append(2)
    value["pair"].left.append(2)

    assert stored == before


def test_what_is_changed_after_decoding_does_not_change_the_stored_form():
    stored = encode({"list": [1], "model": Tree(anything=[1])})
    before = copy.deepcopy(stored)
    value = decode(stored)
    value["list"].append(2)
    value["model"].anything.append(2)

    assert stored == before


@pytest.mark.parametrize(
    "hostile",
    [
        {"$": "ttl", "v": 1, "e": 0},
        {"$": "model", "t": "os:system", "v": {}},
        {"$": "dict", "v": [[1, 2]]},
        {"$": "nonsense"},
        {"$": {"$": "tuple", "v": []}},
        {"$": None},
    ],
)
def test_a_mapping_that_looks_like_a_tag_is_a_mapping(hostile):
    assert decode(encode(hostile)) == hostile
    assert decode(encode([hostile, {"a": hostile}])) == [hostile, {"a": hostile}]


@pytest.mark.parametrize(
    "value",
    [
        Point(x=1),
        Tree(position=Point(x=1), children=[Tree()]),
        Open(x=1, y=[2]),
        Frozen(name="a"),
        Outer.Inner(3),
        Names(["a", "b"]),
        float("inf"),
        -0.0,
        decimal.Decimal("1.10"),
        dt.datetime(2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
        dt.time(1, 2, 3, 4, tzinfo=dt.timezone.utc),
        dt.time(1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        "\ud800",
        2**200,
        dt.timedelta.min,
    ],
    ids=repr,
)
def test_particular_values_come_back_equal(value):
    back = decode(json.loads(dumps(encode(value))))

    assert (type(back), repr(back)) == (type(value), repr(value))


def test_nan_stays_nan():
    assert decode(json.loads(dumps(encode(float("nan"))))) != 0.0


def test_the_fields_that_were_not_set_stay_unset():
    assert decode(encode(Point(x=1))).model_fields_set == {"x"}


def test_a_field_that_the_constructor_does_not_take_is_kept():
    value = Frozen(name="a")
    object.__setattr__(value, "made", "later")

    assert decode(encode(value)) == value


def test_a_private_part_of_a_model_is_kept():
    value = Secretive(x=1)
    value._seen = 7

    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        object(), lambda: 1, bytearray(b"1"), range(3), iter([]), 1j, type, Exception("x"),
        pytest, open,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(value):
    with pytest.raises(MemoryValueError, match="cannot be kept or sent"):
        encode(value)


def test_the_nested_place_of_what_cannot_be_kept_is_named():
    value = {"orders": [Pair(1, Tree(anything={"deep": (1, object())}))]}

    with pytest.raises(MemoryValueError) as refused:
        encode(value)

    assert str(refused.value).startswith(
        "at ['orders']: at [0]: at .right: at .anything: at ['deep']: at [1]: a builtins.object"
    )


def test_a_cycle_is_refused():
    value = []
    value.append(value)

    with pytest.raises(MemoryValueError, match="a cycle"):
        encode(value)


def test_deep_values_are_kept_up_to_the_bound():
    value = 1
    for _ in range(MAX_DEPTH):
        value = [value]

    assert decode(encode(value)) == value


def test_a_class_inside_a_function_is_refused_where_it_is_kept():
    class Local(Point):
        pass

    with pytest.raises(MemoryValueError, match="is defined inside a function"):
        encode(Local(x=1))


def test_a_generic_class_without_a_name_is_refused_where_it_is_kept():
    with pytest.raises(MemoryValueError, match=r"Box\[int\] is made where it is used"):
        encode(Box[int](value=1))


class TestOtherProcesses:
    PROGRAM = (
        "import uuid; from headrace.values import *; from unit_values import *;"
        "value = {'set': {'a', 'b', 'c', 1, (2, 'x')}, 'f': frozenset({Colour.RED, 'r', 2}),"
        " 'm': Tree(anything={uuid.UUID(int=3), uuid.UUID(int=4)}), 'u': Point(x=1)};"
        "print(dumps(encode(value)))"
    )

    def text(self, seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        program = [sys.executable, "-c", self.PROGRAM]
        return subprocess.run(
            program, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def test_the_text_does_not_depend_on_the_hash_seed(self):
        assert len({self.text(seed) for seed in ("0", "1", "4242")}) == 1

    def test_it_is_read_there_as_the_same_value(self):
        stored = json.loads(self.text("7"))

        assert decode(stored)["set"] == {"a", "b", "c", 1, (2, "x")}


class TestOtherVersions:
    """What was kept by another version of the code, by changing what is stored."""

    def test_a_field_that_was_added_has_its_default(self):
        stored = encode(Point(x=1, label="l"))
        del stored["v"]["label"]

        assert decode(stored) == Point(x=1)

    def test_a_field_that_a_dataclass_no_longer_has_is_dropped(self):
        stored = encode(Pair(1, 2))
        stored["v"]["gone"] = 3

        assert decode(stored) == Pair(1, 2)

    def test_a_field_that_a_model_no_longer_has_is_dropped(self):
        stored = encode(Point(x=1))
        stored["v"]["gone"] = 3

        assert decode(stored) == Point(x=1)

    def test_a_value_that_no_longer_fits_is_refused_with_its_class(self):
        stored = encode(Point(x=1))
        stored["v"]["x"] = "many"

        with pytest.raises(StateError, match="unit_values:Point cannot be read"):
            decode(stored)

    def test_a_class_that_is_gone_is_refused_with_what_to_do(self):
        stored = encode(Point(x=1))
        stored["t"] = "unit_values:Gone"

        with pytest.raises(StateError, match="Keep the class"):
            decode(stored)

    @pytest.mark.parametrize("name", ["os:system", "subprocess:Popen", "unit_values:T"])
    def test_what_is_no_model_is_not_called(self, name):
        with pytest.raises(StateError, match="no longer the kind of class"):
            decode({"$": "model", "t": name, "v": {}})

    def test_an_unknown_tag_is_refused(self):
        with pytest.raises(StateError, match="unknown tag 'later'"):
            decode({"$": "later"})


class TestForPeople:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (Point(x=1), {"x": 1, "label": ""}),
            (Pair(Colour.RED, {3, 1}), {"left": "r", "right": [1, 3]}),
            (dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), "2026-01-02T00:00:00+00:00"),
            (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
            (dt.timedelta(minutes=1), 60.0),
            (b"\x00", "AA=="),
            (float("nan"), None),
            ({1: "a"}, {"1": "a"}),
            (Open(x=1, y=2), {"x": 1, "y": 2}),
        ],
        ids=repr,
    )
    def test_values_are_shown_as_people_expect_them(self, value, shown):
        assert to_jsonable(value) == shown

    def test_what_cannot_be_shown_is_refused(self):
        with pytest.raises(MemoryValueError, match="object cannot be written as JSON"):
            to_jsonable([object()])
