"""Scopes of any content stay apart in the file."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace_memory_sqlite import SqliteMemory

PARTS = st.text(max_size=4) | st.sampled_from(["", "_", "/", "'", '"', "\x00", "\x1f", "1", "a:b"])
SCOPES = st.fixed_dictionaries(
    {"agent": PARTS, "key": PARTS, "user": PARTS}, optional={"set": PARTS}
)


def whose(scope):
    """No set and the empty one are the same."""
    return (scope["agent"], scope["key"], scope["user"], scope.get("set", ""))


@settings(max_examples=30, deadline=None)
@given(st.lists(SCOPES, min_size=1, max_size=6, unique_by=whose))
@example([{"agent": "a", "key": "b:c", "user": ""}, {"agent": "a:b", "key": "c", "user": ""}])
@example([{"agent": "a", "key": "b", "user": ""}, {"agent": "a", "key": "", "user": "b"}])
def test_each_scope_has_the_memories_that_were_put_into_it_and_no_other(scopes):
    async def go(path):
        memory = SqliteMemory(path)
        await memory.open()
        for number, scope in enumerate(scopes):
            await memory.add(scope, "one id", f"It is {number}.", {})
        found = [(await memory.get(scope, "one id"))["text"] for scope in scopes]
        sought = [[i["text"] for i in await memory.search(scope, "is", 99)] for scope in scopes]
        await memory.close()
        return found, sought

    with tempfile.TemporaryDirectory() as folder:
        found, sought = asyncio.run(go(str(Path(folder) / "memories.db")))

    texts = [f"It is {number}." for number in range(len(scopes))]
    assert found == texts
    sets = [bool(scope.get("set")) for scope in scopes]
    assert [s for s, named in zip(sought, sets, strict=True) if named] == [
        [text] for text, named in zip(texts, sets, strict=True) if named
    ]
