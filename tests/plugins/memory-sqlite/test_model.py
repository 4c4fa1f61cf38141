"""Any sequence of calls leaves what the same calls leave in a dict."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_memory_sqlite import SqliteMemory

WORDS = ("tulip", "harbour", "雨港", "Zürich", "parcel", "fence")
SCOPES = tuple({"agent": "desk", "key": "k", "user": user} for user in ("ada", "bob"))

scopes = st.sampled_from(SCOPES)
ids = st.sampled_from(("1", "2"))
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
adding = st.tuples(
    st.just("add"), scopes, ids, texts, st.sampled_from((None, "t")), st.sampled_from((None, 5))
)
updating = st.tuples(st.just("update"), scopes, ids, texts)
calls = st.one_of(
    adding,
    adding,
    updating,
    updating,
    st.tuples(st.just("delete"), scopes, ids),
    st.tuples(st.just("erase"), scopes),
    st.tuples(st.just("wait"), st.integers(1, 4)),
)


class Model:
    """The contract, in a dict."""

    def __init__(self):
        self.now = 0
        self.kept = {}
        self.superseded = set()

    def expire(self):
        self.kept = {k: m for k, m in self.kept.items() if m[2] is None or m[2] > self.now}

    def add(self, scope, item_id, text, topic, life):
        key = (scope["user"], item_id)
        if key in self.kept or key in self.superseded:
            return
        if topic is not None:
            old = {k for k, m in self.kept.items() if k[0] == scope["user"] and m[1] == topic}
            self.superseded |= old
            self.kept = {k: m for k, m in self.kept.items() if k not in old}
        self.kept[key] = (text, topic, None if life is None else self.now + life)

    def update(self, scope, item_id, text):
        if (key := (scope["user"], item_id)) in self.kept:
            self.kept[key] = (text, *self.kept[key][1:])

    def delete(self, scope, item_id):
        self.kept.pop((scope["user"], item_id), None)

    def erase(self, scope):
        user = scope["user"]
        self.kept = {k: m for k, m in self.kept.items() if k[0] != user}
        self.superseded = {k for k in self.superseded if k[0] != user}


async def make(memory, model, call):
    verb, *given = call
    if verb == "wait":
        model.now += given[0]
    elif verb == "add":
        scope, item_id, text, topic, life = given
        expires = None if life is None else model.now + life
        await memory.add(scope, item_id, text, {}, topic=topic, expires=expires)
        model.add(*given)
    else:
        await getattr(memory, verb)(*given)
        getattr(model, verb)(*given)
    model.expire()


async def seen(memory):
    kept = {
        (scope["user"], item["id"]): item["text"]
        for scope in SCOPES
        async for item in memory.export(scope)
    }
    found = {
        word: {
            (item["scope"]["user"], item["id"])
            for item in await memory.search({"agent": "desk"}, word, 50)
        }
        for word in WORDS
    }
    return kept, found


@settings(max_examples=60, deadline=None)
@given(st.lists(calls, min_size=4, max_size=24))
def test_any_sequence_leaves_what_the_contract_says(sequence):
    async def go(path):
        model = Model()
        memory = SqliteMemory(path)
        memory.clock = lambda: float(model.now)
        await memory.open()
        try:
            for call in sequence:
                await make(memory, model, call)
            return model, await seen(memory)
        finally:
            await memory.close()

    with tempfile.TemporaryDirectory() as folder:
        model, (kept, found) = asyncio.run(go(str(Path(folder) / "m.db")))

    assert kept == {key: held[0] for key, held in model.kept.items()}
    assert found == {
        word: {key for key, held in model.kept.items() if word in held[0].split()} for word in WORDS
    }
