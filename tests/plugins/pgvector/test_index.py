"""The index: that it is made as asked for, is used, and does not find too little."""

from __future__ import annotations

import asyncio
import random
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from headrace.errors import ResourceError
from headrace.vectors import VectorQuery
from headrace_pgvector import PgVectorStore

LENGTH = 8
COUNT = 2000


def item(name, vector, **metadata):
    return {"id": name, "text": "", "metadata": metadata, "vector": vector}


def around(draw, first):
    return [first, *(draw.gauss(0, 0.1) for _ in range(LENGTH - 1))]


def crowd():
    """Many items near the first axis, and 20 at the other end, which alone are rare."""
    draw = random.Random(7)
    near = [item(f"near{n}", around(draw, 1.0), year=draw.random()) for n in range(COUNT)]
    far = [item(f"far{n}", around(draw, -1.0), year=2000 + n) for n in range(20)]
    return near + far


ASKED = [1.0] + [0.0] * (LENGTH - 1)


def run(store, talk):
    async def opened():
        await store.open()
        try:
            return await talk(store)
        finally:
            await store.close()

    return asyncio.run(opened())


@pytest.fixture(scope="module")
def crowded(running):
    """A database whose collection ``c`` holds the crowd, with an index."""
    name = f"crowd{uuid4().hex}"
    running.run(f"CREATE DATABASE {name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", running.dsn(name))
        run(PgVectorStore("c", index="hnsw"), lambda store: store.add(crowd()))
    yield name
    running.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def filled(server, crowded, monkeypatch):
    """The store with an index that holds the crowd."""
    monkeypatch.setenv("DATABASE_URL", server.dsn(crowded))
    return PgVectorStore("c", index="hnsw")


@contextmanager
def setting(server, database, name, value):
    """A setting of the sessions that begin in the meantime."""
    server.run(f"ALTER DATABASE {database} SET {name} = {value}")
    try:
        yield
    finally:
        server.run(f"ALTER DATABASE {database} RESET {name}")


def used(server, database):
    """How often the index was looked into, by sessions that have ended."""
    [(count,)] = server.run(
        "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'headrace_c_hnsw'",
        database=database,
    )
    return count


def test_it_is_made_with_the_numbers_given(server, database):
    store = PgVectorStore("c", index="hnsw", m=8, ef_construction=32)

    run(store, lambda store: store.add([item("a", [1, 2])]))

    [(definition,)] = server.run(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'headrace_c_hnsw'", database=database
    )
    assert "USING hnsw (vector vector_cosine_ops)" in definition
    assert "m='8', ef_construction='32'" in definition


def test_it_is_not_made_unasked(server, database):
    run(PgVectorStore("c"), lambda store: store.add([item("a", [1, 2])]))

    found = server.run("SELECT 1 FROM pg_indexes WHERE indexdef LIKE '%hnsw%'", database=database)
    assert found == []


def test_it_is_made_for_a_table_that_is_there(server, database):
    async def talk(store):
        await store.query(VectorQuery(vector=[1, 2], limit=5))
        await store.add([item("b", [1, 2])])

    run(PgVectorStore("c"), lambda store: store.add([item("a", [1, 2])]))
    run(PgVectorStore("c", index="hnsw"), talk)

    assert used(server, database) == 0


def test_it_is_used(server, crowded, filled):
    before = used(server, crowded)
    with setting(server, crowded, "enable_seqscan", "off"):
        run(filled, lambda store: store.query(VectorQuery(vector=ASKED, limit=10)))

    while used(server, crowded) == before:  # told a moment after the session has ended
        pass


def test_it_is_not_used_by_a_store_that_asks_for_none(server, crowded, filled):
    """With the index it would find too little: see the next test."""
    with setting(server, crowded, "enable_seqscan", "off"):
        found = run(
            PgVectorStore("c"),
            lambda store: store.query(
                VectorQuery(vector=ASKED, limit=10, where={"year": {"gte": 2000}})
            ),
        )

    assert len(found) == 10


def test_a_plain_search_in_it_finds_too_little_of_a_crowd(server, crowded, filled):
    """Else the tests below would say nothing."""
    with psycopg.connect(server.dsn(crowded)) as connection:
        connection.execute("SET enable_seqscan = off")
        found = connection.execute(
            "SELECT id FROM headrace_c WHERE (metadata ->> 'year')::numeric >= 2000 "
            "ORDER BY vector <=> %s::vector LIMIT 10",
            [str(ASKED)],
        ).fetchall()

    assert len(found) < 10


@pytest.mark.parametrize("limit", [1, 10, 20])
def test_a_condition_that_few_fulfil_does_not_find_too_little(server, crowded, filled, limit):
    with setting(server, crowded, "enable_seqscan", "off"):
        found = run(
            filled,
            lambda store: store.query(
                VectorQuery(vector=ASKED, limit=limit, where={"year": {"gte": 2000}})
            ),
        )

    assert len(found) == limit
    assert all(each["id"].startswith("far") for each in found)


def test_a_condition_is_fulfilled_by_all_that_can_be_where_the_index_gives_up(
    server, crowded, filled
):
    with (
        setting(server, crowded, "hnsw.max_scan_tuples", "50"),
        setting(server, crowded, "enable_seqscan", "off"),
    ):
        found = run(
            filled,
            lambda store: store.query(
                VectorQuery(vector=ASKED, limit=30, where={"year": {"gte": 2000}})
            ),
        )

    assert sorted(each["id"] for each in found) == sorted(f"far{n}" for n in range(20))


@pytest.mark.parametrize("limit", [41, 500, 1500, COUNT + 20])
def test_more_may_be_wanted_than_the_index_looks_at(filled, limit):
    found = run(filled, lambda store: store.query(VectorQuery(vector=ASKED, limit=limit)))

    scores = [each["score"] for each in found]
    assert len({each["id"] for each in found}) == limit
    assert scores == sorted(scores, reverse=True)


def test_it_finds_nine_of_ten_at_least(filled):
    draw = random.Random(11)
    questions = [around(draw, 1.0) for _ in range(20)]

    async def talk(store):
        return [
            {each["id"] for each in await store.query(VectorQuery(vector=q, limit=10))}
            for q in questions
        ]

    exact = run(PgVectorStore("c"), talk)
    found = run(filled, talk)

    common = sum(len(one & other) for one, other in zip(exact, found, strict=True))
    assert common >= 0.9 * 10 * len(questions)


def test_vectors_that_are_too_long_for_it_are_told_of(server, database):
    with pytest.raises(ResourceError, match=r"2000 numbers at most, not 2001: leave `index` out"):
        run(PgVectorStore("c", index="hnsw"), lambda store: store.add([item("a", [1.0] * 2001)]))

    assert server.run("SELECT to_regclass('headrace_c')", database=database) == [(None,)]


def test_long_vectors_do_without_it(database):
    async def talk(store):
        await store.add([item("a", [1.0] * 3072)])
        return await store.query(VectorQuery(vector=[2.0] * 3072, limit=5))

    [found] = run(PgVectorStore("c"), talk)

    assert found["score"] == pytest.approx(1, abs=1e-6)
