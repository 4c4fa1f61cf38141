"""Scopes of any content stay apart in what mem0 and its stores are told."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from headrace.scopes import shown_scope
from headrace_mem0._rows import row_id
from headrace_mem0._scopes import conditions, kept, understood

PARTS = st.text(max_size=4) | st.sampled_from(
    ["", "_", "/", "%2F", "'", '"', "\x00", "1", "*", "=", "a:b", " "]
)
SCOPES = st.fixed_dictionaries({"agent": PARTS, "key": PARTS, "user": PARTS, "set": PARTS})


@given(SCOPES, PARTS, SCOPES, PARTS)
@example(
    {"agent": "a", "key": "b/c", "user": "", "set": ""}, "1",
    {"agent": "a/b", "key": "c", "user": "", "set": ""}, "1",
)  # fmt: skip
@example(
    {"agent": "a", "key": "b", "user": "c", "set": ""}, "s",
    {"agent": "a", "key": "b", "user": "c", "set": "s"}, "",
)  # fmt: skip
def test_two_memories_are_two_rows_where_their_scopes_or_ids_differ(one, one_id, other, other_id):
    same = (one, one_id) == (other, other_id)

    assert (row_id("memory", one, one_id) == row_id("memory", other, other_id)) == same


@given(SCOPES, SCOPES)
def test_what_is_asked_for_a_scope_is_fulfilled_by_its_own_rows_alone(one, other):
    asked, row = conditions(one), kept(other)

    assert all(row.get(name) == value for name, value in asked.items()) == (one == other)


@given(SCOPES)
def test_a_scope_is_read_as_it_was_told(scope):
    assert understood(kept(scope)) == shown_scope(scope)
