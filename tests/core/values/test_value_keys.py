"""Values as keys of vector stores: in the order and with the equality that conditions have."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from headrace.filters import matches
from headrace.vectors import equality_key, order_key

NUMBERS = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(-20, 20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-70, 70).map(lambda power: 2.0**power)
    | st.integers(50, 62).flatmap(lambda power: st.integers(-3, 3).map(lambda n: 2**power + n))
)
VALUES = st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]))
WHOLE_64 = range(-(2**63), 2**63)


def places(number):
    place, rest = order_key(number)
    return place, rest or 0


@given(NUMBERS, NUMBERS)
@example(2**63 - 1, 2.0**63)
@example(2**53 + 1, 2.0**53)
@example(-0.0, 0)
def test_keys_are_in_the_exact_order_of_their_numbers(one, other):
    less = matches({"a": {"lt": other}}, {"a": one})
    same = matches({"a": other}, {"a": one})

    assert (places(one) < places(other)) == less
    assert (places(one) == places(other)) == same


@given(NUMBERS)
def test_keys_of_numbers_fit_64_bits(number):
    assert all(part in WHOLE_64 for part in places(number))


@given(VALUES, VALUES)
@example(1, "1")
@example(True, 1)
@example("text a", "a")
@example("x" * 101, "x" * 102)
def test_values_have_one_key_where_a_condition_takes_them_for_equal(one, other):
    assert (equality_key(one) == equality_key(other)) == matches({"a": other}, {"a": one})
