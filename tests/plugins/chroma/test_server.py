"""Chroma on a server: what it may do to the requests, and what is sent to it."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from headrace.errors import NonRetryableError, ResourceError
from headrace.vectors import VectorQuery
from headrace_chroma import ChromaVectorError, ChromaVectorStore

SECRET = "s3cret-token"  # noqa: S105 - of nobody


def item(name):
    return {"id": name, "text": "text", "vector": [1, 0]}


def using(talk, **given):
    async def go():
        store = ChromaVectorStore(**given)
        await store.open()
        try:
            return await talk(store)
        finally:
            await store.close()

    return asyncio.run(go())


class TestRestarts:
    def test_are_not_seen_by_the_next_call(self, server, database):
        async def talk(store):
            await store.add([item("a")])
            server.stop()
            server.start()
            return await store.count()

        assert using(talk, **database) == 1

    def test_that_take_long_fail_calls_for_now(self, server, database):
        async def talk(store):
            await store.add([item("a")])
            server.stop()
            try:
                with pytest.raises(ChromaVectorError) as caught:
                    await store.query(VectorQuery(vector=[1, 0]))
            finally:
                server.start()
            return caught.value, await store.count()

        error, count = using(talk, **database)

        assert not isinstance(error, NonRetryableError)
        assert count == 1

    def test_that_are_under_way_fail_the_opening_for_now(self, server, database):
        server.stop()
        try:
            with pytest.raises(ChromaVectorError, match="Connect"):
                using(lambda store: store.count(), **database)
        finally:
            server.start()


class TestAServerThatHangs:
    def test_is_waited_for_no_longer_than_the_time_out(self, database):
        async def talk(store):
            return store._place.client._server._session.timeout

        assert using(talk, **database, timeout=77) == httpx.Timeout(77)

    def test_fails_the_opening_after_the_time_out(self, server, database):
        server.signal(signal.SIGSTOP)
        try:
            with pytest.raises(ChromaVectorError, match="Timeout"):
                using(lambda store: store.count(), **database, timeout=0.2)
        finally:
            server.signal(signal.SIGCONT)


class Doorman(BaseHTTPRequestHandler):
    """Lets nobody in, and says with what they came."""

    def do_GET(self):
        self.server.came.append(self.headers.get("X-Chroma-Token"))
        body = json.dumps({"error": "AuthError", "message": f"not with {self.server.came[-1]}"})
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def doorman():
    with HTTPServer(("127.0.0.1", 0), Doorman) as server:
        server.came, server.status = [], 401
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TestSecrets:
    @pytest.fixture
    def given(self, doorman, monkeypatch):
        monkeypatch.setenv("CHROMA_KEY", SECRET)
        return {
            "url": f"http://127.0.0.1:{doorman.server_port}",
            "secret_headers": {"X-Chroma-Token": "CHROMA_KEY"},
        }

    @pytest.mark.parametrize("status", [401, 403])
    def test_that_are_refused_are_told_of_without_them(self, doorman, given, status):
        doorman.status = status

        with pytest.raises(ResourceError, match="secret_headers") as caught:
            using(lambda store: store.count(), **given)

        assert doorman.came == [SECRET]
        assert SECRET not in str(caught.value)
        assert caught.value.__context__ is None

    def test_that_are_missing_are_named(self, given, monkeypatch):
        monkeypatch.delenv("CHROMA_KEY")

        with pytest.raises(ResourceError, match="CHROMA_KEY"):
            using(lambda store: store.count(), **given)


def test_a_database_that_is_not_there_is_told_of(server):
    with pytest.raises(ChromaVectorError, match="missing_one"):
        using(lambda store: store.count(), url=server.url, database="missing_one")
