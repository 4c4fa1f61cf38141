"""The server: what it must have, how it may fail, and many workers at a time."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import asynccontextmanager

import psycopg
import pytest

from headrace.errors import NonRetryableError, ResourceError
from headrace.vectors import VectorQuery
from headrace_pgvector import PgVectorError, PgVectorStore


def item(name, *vector, **metadata):
    vector = vector or (1.0, 0.0, 0.0)
    return {"id": name, "text": f"text of {name}", "metadata": metadata, "vector": [*vector]}


@asynccontextmanager
async def opened(store):
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def using(store, talk):
    async def go():
        async with opened(store):
            return await talk(store)

    return asyncio.run(go())


def waiting(server):
    """Whether a store waits for a lock."""
    return server.run(
        "SELECT 1 FROM pg_stat_activity "
        "WHERE application_name = 'headrace' AND wait_event_type = 'Lock'"
    )


class TestRestarts:
    def test_of_the_server_are_not_seen_by_the_next_call(self, server, stores):
        async def talk(store):
            await store.add([item("a")])
            server.stop()
            server.start()
            return await store.count()

        assert using(stores("c"), talk) == 1

    def test_that_take_long_fail_calls_for_now_and_are_mended_by_themselves(self, server, stores):
        async def talk(store):
            await store.add([item("a")])
            server.stop()
            try:
                with pytest.raises(PgVectorError) as caught:
                    await store.query(VectorQuery(vector=[1, 0, 0], limit=5))
            finally:
                server.start()
            return caught.value, await store.count()

        error, count = using(stores("c", connect_timeout=0.5), talk)

        assert not isinstance(error, NonRetryableError)
        assert count == 1

    def test_of_single_connections_are_not_seen_by_the_next_call(self, server, stores):
        async def talk(store):
            await store.add([item("a")])
            server.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'headrace'"
            )
            return await store.count()

        assert using(stores("c"), talk) == 1

    def test_while_a_statement_runs_fail_it_for_now(self, server, stores):
        store = stores("c")

        async def talk(store):
            await store.add([item("a")])
            with psycopg.connect(server.dsn()) as other:
                other.execute(f'LOCK TABLE "headrace_{store.collection}"')
                searching = asyncio.ensure_future(
                    store.query(VectorQuery(vector=[1, 0, 0], limit=5))
                )
                while not await asyncio.to_thread(waiting, server):
                    pass
                server.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'headrace'"
                )
                with pytest.raises(PgVectorError):
                    await searching
            return await store.count()

        assert using(store, talk) == 1


class TestTimeouts:
    def test_of_statements_fail_them_for_now(self, server, stores):
        async def talk(store):
            await store.add([item("a")])
            with psycopg.connect(server.dsn()) as other:
                other.execute(f'LOCK TABLE "headrace_{store.collection}"')
                with pytest.raises(PgVectorError, match="statement timeout"):
                    await store.query(VectorQuery(vector=[1, 0, 0], limit=5))
            return await store.count()

        assert using(stores("c", statement_timeout=0.2), talk) == 1

    def test_leave_nothing_of_what_was_being_added(self, server, stores):
        async def talk(store):
            await store.add([item("b")])
            with psycopg.connect(server.dsn()) as other:
                other.execute(
                    f"SELECT 1 FROM \"headrace_{store.collection}\" WHERE id = 'b' FOR UPDATE"
                )
                with pytest.raises(PgVectorError, match="statement timeout"):
                    await store.add([item("a"), item("b"), item("c")])
            return [found["id"] for found in await store.get(["a", "b", "c"])]

        assert using(stores("c", statement_timeout=0.2), talk) == ["b"]


class TestWorkers:
    def test_that_make_the_same_table_at_a_time_make_one(self, server, stores):
        async def go():
            workers = [stores("c", index="hnsw") for _ in range(8)]
            await asyncio.gather(*(worker.open() for worker in workers))
            await asyncio.gather(*(worker.add([item(f"{n}")]) for n, worker in enumerate(workers)))
            count = await workers[0].count()
            await asyncio.gather(*(worker.close() for worker in workers))
            return count

        assert asyncio.run(go()) == 8

    def test_that_add_the_extension_at_a_time_add_it(self, database):
        async def go():
            workers = [PgVectorStore("c") for _ in range(8)]
            await asyncio.gather(*(worker.open() for worker in workers))
            await asyncio.gather(*(worker.close() for worker in workers))

        asyncio.run(go())

    def test_whose_vectors_differ_in_length_are_not_mixed(self, server, stores):
        async def go():
            async with opened(stores("c")) as one, opened(stores("c")) as other:
                added = await asyncio.gather(
                    one.add([item("a", 1, 2)]),
                    other.add([item("b", 1, 2, 3)]),
                    return_exceptions=True,
                )
                return [type(each) for each in added], await one.count()

        outcomes, count = asyncio.run(go())

        assert sorted(outcomes, key=str) == [type(None), ValueError]
        assert count == 1

    def test_take_items_in_one_order_so_that_none_waits_for_another_in_a_circle(
        self, server, stores
    ):
        async def talk(store):
            table = f'"headrace_{store.collection}"'
            await store.add([item("a"), item("b")])
            with psycopg.connect(server.dsn()) as other:
                other.execute(f"SELECT 1 FROM {table} WHERE id = 'a' FOR UPDATE")
                adding = asyncio.ensure_future(store.add([item("b"), item("a")]))
                while not await asyncio.to_thread(waiting, server):
                    pass
                other.execute(f"UPDATE {table} SET text = 'other' WHERE id = 'b'")
            await adding
            return [found["text"] for found in await store.get(["a", "b"])]

        assert using(stores("c"), talk) == ["text of a", "text of b"]

    def test_wait_for_a_connection_of_the_pool(self, server, stores):
        async def talk(store):
            await store.add([item("a")])
            return await asyncio.gather(*(store.count() for _ in range(50)))

        assert using(stores("c", pool_size=1), talk) == [1] * 50


class TestDatabases:
    def test_without_the_extension_are_told_of_where_the_user_may_not_add_it(
        self, server, database, monkeypatch
    ):
        server.run(
            "DROP ROLE IF EXISTS humble",
            "CREATE ROLE humble LOGIN",
            f"GRANT CREATE ON DATABASE {database} TO humble",
        )
        server.run("GRANT CREATE ON SCHEMA public TO humble", database=database)
        monkeypatch.setenv("DATABASE_URL", server.dsn(database, "humble"))

        with pytest.raises(ResourceError, match="superuser run CREATE EXTENSION vector"):
            using(PgVectorStore("c"), PgVectorStore.count)

        server.run("CREATE EXTENSION vector", database=database)
        added = using(PgVectorStore("c"), lambda store: store.add([item("a")]))
        server.run("DROP OWNED BY humble", database=database)
        assert added is None

    def test_of_a_server_without_pgvector_are_told_of(self, server, database):
        server.run(f"ALTER DATABASE {database} SET extension_control_path = '/nowhere'")

        with pytest.raises(ResourceError, match="the server has no pgvector: install"):
            using(PgVectorStore("c"), PgVectorStore.count)

    def test_of_another_encoding_are_refused(self, server, monkeypatch):
        server.run(
            "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
        )
        monkeypatch.setenv("DATABASE_URL", server.dsn("ascii"))
        try:
            with pytest.raises(ResourceError, match="encoding is SQL_ASCII: it must be UTF8"):
                using(PgVectorStore("c"), PgVectorStore.count)
        finally:
            server.run("DROP DATABASE ascii")

    def test_that_have_the_table_of_another_program_are_told_of(self, server, stores):
        store = stores("c")
        server.run(f'CREATE TABLE "headrace_{store.collection}" (id int, vector text)')

        with pytest.raises(ResourceError, match="is not one of this version"):
            using(store, lambda store: store.add([item("a")]))

    def test_that_have_a_table_of_a_newer_version_are_told_of(self, server, stores):
        store = stores("c")
        using(store, lambda store: store.add([item("a")]))
        server.run(f"COMMENT ON TABLE \"headrace_{store.collection}\" IS 'headrace-pgvector 2'")

        with pytest.raises(ResourceError, match=r"headrace-pgvector 2.* upgrade"):
            using(store, lambda store: store.count())

    def test_that_lose_the_table_have_none(self, server, stores):
        store = stores("c")
        using(store, lambda store: store.add([item("a", 1, 2)]))
        server.run(f'DROP TABLE "headrace_{store.collection}"')

        assert using(store, lambda store: store.count()) == 0


class TestSecrets:
    PLACES = (
        "postgresql://user:hush-hush@127.0.0.1:1/db",
        "host=127.0.0.1 port=1 user=user password=hush-hush",
        "postgresql://user:hush-hush@127.0.0.1:port/db",
        "hush-hush",
        "host='hush-hush",
        "postgresql://user:hush-hush@[::1/db",
    )

    @pytest.mark.parametrize("dsn", PLACES)
    def test_are_in_no_text_of_a_failure(self, dsn, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", dsn)

        with pytest.raises((ResourceError, PgVectorError)) as caught:
            asyncio.run(PgVectorStore("c", connect_timeout=2).open())

        shown = "".join(traceback.format_exception(caught.value))
        assert "hush-hush" not in shown
        assert "DATABASE_URL" in shown
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    def test_that_are_wrong_are_not_shown(self, server, stores, monkeypatch):
        server.run(
            "DROP ROLE IF EXISTS locked",
            "CREATE ROLE locked LOGIN PASSWORD 'another one'",
        )
        with server.asking_for_passwords("locked"):
            monkeypatch.setenv("DATABASE_URL", server.dsn(user="locked"))
            with pytest.raises(PgVectorError, match="password authentication failed") as caught:
                asyncio.run(stores("c").open())

        assert server.password not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__context__ is None

    def test_of_an_unreachable_server_can_be_kept_for_later(self, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", self.PLACES[0])

        with pytest.raises(PgVectorError) as caught:
            asyncio.run(PgVectorStore("c", connect_timeout=2).open())

        assert not isinstance(caught.value, NonRetryableError)
