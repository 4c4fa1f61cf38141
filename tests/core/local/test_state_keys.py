"""The state file: keys of every type and content have memories of their own, read again too."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from semantic_agents import Tally

from headrace.local import run_local

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", "_", "/", "'", '"', "''", "\x00", "\x1f", "\n", "1", "null", "é", "e\u0301", "\ud800", "%"]
)
KEYS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary(max_size=4)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=3,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=8, unique_by=repr))
@example([1, "1", 1.0, True, (1,), ("1",), b"1", "j1"])
@example([None, "null", "None", "", (), "\x00", 0, False])
@example(["a\x1fb", ("a", "b"), "a/b", ("a/b",), "a_b", "a\x00b", "'", "''"])
def test_each_key_has_a_memory_of_its_own_before_and_after_a_restart(keys):
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state.db"

        before = run_local(Tally(), keys, key=lambda key: key, state=state)
        after = run_local(Tally(), keys, key=lambda key: key, state=state)

    wanted = sorted(map(repr, keys))
    assert sorted(repr(key) for key, count in before if count == 1) == wanted
    assert sorted(repr(key) for key, count in after if count == 2) == wanted
