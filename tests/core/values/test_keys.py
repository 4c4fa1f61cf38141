"""Keys: a name for each key of any type and content, and no name for two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import MemoryValueError
from headrace.flink._pages import hash_of, page_of, shard_of
from headrace.values import decode, encode, key_id

KEYS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(max_size=20) | st.uuids() | st.dates(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)  # fmt: skip


def exact(value):
    """What tells values apart that Python calls equal: 1, 1.0, True."""
    if isinstance(value, tuple):
        return ("tuple", *(exact(item) for item in value))
    return (type(value).__name__, repr(value))


@given(KEYS, KEYS)
def test_two_keys_have_two_names(a, b):
    assert (key_id(a) == key_id(b)) == (exact(a) == exact(b))


@given(KEYS)
def test_a_key_has_the_same_name_after_it_was_kept(key):
    assert key_id(decode(encode(key))) == key_id(key)


@pytest.mark.parametrize("pair", [(1, "1"), (1, 1.0), (1, True), ("j1", 1), (None, "null")])
def test_keys_that_look_alike_are_two(pair):
    assert key_id(pair[0]) != key_id(pair[1])


def test_no_name_is_empty():
    assert key_id("") != ""


def test_a_live_object_is_no_key():
    with pytest.raises(MemoryValueError):
        key_id(object())


@given(st.text(), st.integers(1, 32768))
def test_a_key_is_in_a_shard_that_there_is(key, shards):
    assert 0 <= shard_of(key_id(key), shards) < shards


@given(st.integers(0, 2**32 - 1), st.integers(1, 10_000))
def test_a_hash_is_on_a_page_that_there_is(number, pages):
    assert 0 <= page_of(number, pages) < pages


@given(st.integers(0, 2**32 - 1), st.integers(1, 10_000))
def test_one_more_page_moves_only_the_hashes_of_the_page_that_is_split(number, pages):
    before, after = page_of(number, pages), page_of(number, pages + 1)

    assert after in {before, pages}
    assert after == before or before == page_of(pages, pages)


def test_hashes_do_not_change_with_versions():
    assert hash_of("123456789") == 0xCBF43926  # the check value of CRC-32
