"""Servers over HTTP: what is sent, and what each way to fail looks like."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mcp_types
import pytest

from headrace.errors import ToolError
from headrace_mcp import McpTools

ECHO = {"name": "echo", "inputSchema": {"type": "object"}}
LOOK = {**ECHO, "name": "look", "annotations": {"readOnlyHint": True}}


class Listening(ThreadingHTTPServer):
    request_queue_size = 512  # as many as any test has begin at once


class Server:
    """A server of the protocol of 2025-11-25 over HTTP, which can also fail as servers do.

    Attributes:
        fails: What is answered to calls of tools, in order: a status with a body, ``"cut"``,
            ``"gone"`` (the session is forgotten), or ``"long"``; then they work.
        received: The requests: method, headers, body.
    """

    def __init__(self):
        self.fails = []
        self.received = []
        self.sessions = set()
        self.connections = []
        self.status = None
        self.lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                owner.connections.append(self.connection)

            def do_POST(self):
                owner.post(self)

            def do_GET(self):
                owner.reply(self, 405)

            def do_DELETE(self):
                owner.received.append(("DELETE", dict(self.headers), None))
                owner.reply(self, 204)

            def log_message(self, *_):
                pass

        self.http = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/mcp"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.socket.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.http.server_close()

    def post(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        mcp_types.jsonrpc_message_adapter.validate_python(body, by_name=False)
        with self.lock:
            self.received.append(("POST", dict(handler.headers), body))
        if self.status is not None:
            self.reply(handler, *self.status)
        elif "id" not in body:
            self.reply(handler, 202)
        elif body["method"] == "initialize":
            self.start(handler, body)
        elif handler.headers.get("mcp-session-id") not in self.sessions:
            known = "mcp-session-id" in handler.headers
            self.reply(handler, 404 if known else 400, "no session", "text/plain")
        elif body["method"] == "tools/list":
            self.answer(handler, body, {"tools": [ECHO, LOOK]})
        else:
            self.call(handler, body)

    def start(self, handler, body):
        with self.lock:
            session = f"session-{len(self.received)}"
            self.sessions.add(session)
        result = {
            "protocolVersion": "2025-11-25",
            "serverInfo": {"name": "http", "version": "1"},
            "capabilities": {"tools": {}},
        }
        self.answer(handler, body, result, session)

    def call(self, handler, body):
        with self.lock:
            fails = self.fails.pop(0) if self.fails else None
        if fails == "cut":
            handler.close_connection = True
            handler.connection.close()
        elif fails == "gone":
            self.sessions.clear()
            self.reply(handler, 404, "no session", "text/plain")
        elif fails == "long":
            text = {"content": [{"type": "text", "text": "x" * (17 * 1024 * 1024)}]}
            self.answer(handler, body, text)
        elif fails is not None:
            self.reply(handler, *fails)
        else:
            name = body["params"]["name"]
            self.answer(handler, body, {"content": [{"type": "text", "text": f"{name}: fine"}]})

    def answer(self, handler, body, result, session=None):
        text = json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": result})
        self.reply(handler, 200, text, "application/json", session)

    def reply(self, handler, status, text="", kind="application/json", session=None):
        data = text.encode()
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(data)))
        if session:
            handler.send_header("mcp-session-id", session)
        handler.end_headers()
        try:
            handler.wfile.write(data)
        except OSError:  # the client has had enough
            handler.close_connection = True

    def calls(self):
        return [b for m, _, b in self.received if m == "POST" and b.get("method") == "tools/call"]


@pytest.fixture
def server():
    started = Server()
    yield started
    started.close()


# ---------------------------------------------------------------- what is sent
def test_headers_go_with_every_request(server, calling, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "tok-0123456789")
    monkeypatch.setenv("SHOP_KEY", "key-0123456789")
    tools = McpTools(
        url=server.url,
        headers={"X-Team": "blue"},
        secret_headers={"X-Key": "SHOP_KEY"},
        bearer_env="SHOP_TOKEN",
    )

    calling(tools, "echo")

    sent = [{n.lower(): v for n, v in headers.items()} for _, headers, _ in server.received]
    assert {one["x-team"] for one in sent} == {"blue"}
    assert {one["x-key"] for one in sent} == {"key-0123456789"}
    assert {one["authorization"] for one in sent} == {"Bearer tok-0123456789"}


def test_a_user_and_a_password_go_with_every_request(server, calling, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "open:sesame")
    tools = McpTools(url=server.url, user="ada", password_env="SHOP_PASSWORD")  # noqa: S106

    calling(tools, "echo")

    sent = [{n.lower(): v for n, v in headers.items()} for _, headers, _ in server.received]
    assert {one["authorization"] for one in sent} == {"Basic YWRhOm9wZW46c2VzYW1l"}


def test_the_session_is_given_back_at_the_end(server, calling):
    calling(McpTools(url=server.url), "echo")

    assert [method for method, _, _ in server.received][-1] == "DELETE"


def test_many_calls_at_once_are_not_held_up_by_the_client(server, using):
    async def use(tools):
        return await asyncio.gather(*(tools.call("echo", {}) for _ in range(150)))

    assert using(McpTools(url=server.url), use) == ["echo: fine"] * 150


# ---------------------------------------------------------------- failures
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_a_status_is_told_and_the_call_is_not_made_again(server, calling, status):
    server.fails = [(status, "the till is closed", "text/plain")]

    with pytest.raises(ToolError, match=rf"127\.0\.0\.1: answered {status}.*the till is closed"):
        calling(McpTools(url=server.url), "look")

    assert len(server.calls()) == 1


def test_a_failure_of_one_call_leaves_the_session_as_it_is(server, using):
    server.fails = [(500, "", "text/plain")]

    async def use(tools):
        with pytest.raises(ToolError):
            await tools.call("echo", {})
        return await tools.call("echo", {})

    using(McpTools(url=server.url), use)

    assert len(server.sessions) == 1


def test_an_error_of_the_protocol_wins_over_the_status(server, calling):
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32602, "message": "no such wood"}}
    server.fails = [(400, json.dumps(error))]

    with pytest.raises(ToolError, match="it refused: no such wood"):
        calling(McpTools(url=server.url), "echo")


def test_a_connection_that_is_cut_says_that_nobody_knows(server, calling):
    server.fails = ["cut"]

    with pytest.raises(ToolError, match="nobody knows whether it did its work"):
        calling(McpTools(url=server.url), "echo")

    assert len(server.calls()) == 1


def test_a_call_that_does_no_harm_is_made_again_when_the_connection_is_cut(server, calling):
    server.fails = ["cut"]

    assert calling(McpTools(url=server.url), "look") == "look: fine"


def test_calls_beside_one_that_is_cut_go_on(server, using):
    server.fails = ["cut"]

    async def use(tools):
        calls = (tools.call("echo", {}) for _ in range(10))
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = using(McpTools(url=server.url), use)

    assert [one for one in outcomes if one == "echo: fine"] == ["echo: fine"] * 9


def test_a_session_that_the_server_forgot_is_begun_again(server, calling):
    server.fails = ["gone"]

    assert calling(McpTools(url=server.url), "echo") == "echo: fine"


def test_all_calls_of_a_session_that_the_server_forgot_are_made_in_the_next(server, using):
    async def use(tools):
        await tools.call("echo", {})
        server.sessions.clear()
        return await asyncio.gather(*(tools.call("echo", {}) for _ in range(20)))

    assert using(McpTools(url=server.url), use) == ["echo: fine"] * 20


def test_an_answer_without_end_fails_its_call_alone(server, using):
    server.fails = ["long"]

    async def use(tools):
        with pytest.raises(ToolError, match="more than 16777216 bytes"):
            await tools.call("echo", {})
        return await tools.call("echo", {})

    assert using(McpTools(url=server.url), use) == "echo: fine"


@pytest.mark.parametrize("body", ["<html>", "[]", '{"jsonrpc": "2.0"}'])
def test_an_answer_that_is_no_message_fails_its_call_alone(server, using, body):
    server.fails = [(200, body)]

    async def use(tools):
        with pytest.raises(ToolError):
            await tools.call("echo", {})
        return await tools.call("echo", {})

    assert using(McpTools(url=server.url), use) == "echo: fine"


def test_a_server_that_is_not_there_is_told_by_its_name(server, run):
    server.close()

    with pytest.raises(ToolError, match=r"the MCP server 127\.0\.0\.1: cannot be reached"):
        run(McpTools(url=server.url).open())


def test_a_server_that_went_away_is_told_and_the_call_was_not_made(server, using):
    async def use(tools):
        server.close()
        with pytest.raises(ToolError, match=r"was not called: .*cannot be reached"):
            await tools.call("echo", {})

    using(McpTools(url=server.url), use)


def test_a_refused_secret_is_told_and_hidden(server, run, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "tok-0123456789")
    server.status = (401, "tok-0123456789 is not known", "text/plain")

    with pytest.raises(ToolError, match=r"answered 401 Unauthorized: \*\*\* is not known"):
        run(McpTools(url=server.url, bearer_env="SHOP_TOKEN").open())


@pytest.mark.parametrize("shown", ["open:sesame", "YWRhOm9wZW46c2VzYW1l"])
def test_a_refused_password_is_hidden_however_it_is_written(server, run, monkeypatch, shown):
    monkeypatch.setenv("SHOP_PASSWORD", "open:sesame")
    server.status = (401, f"{shown} is not known", "text/plain")

    tools = McpTools(url=server.url, user="ada", password_env="SHOP_PASSWORD")  # noqa: S106

    with pytest.raises(ToolError, match=r"answered 401 Unauthorized: \*\*\* is not known"):
        run(tools.open())


def test_a_failure_holds_nothing_of_the_request(server, run, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "tok-0123456789")
    server.status = (401, "", "text/plain")

    with pytest.raises(ToolError) as failure:
        run(McpTools(url=server.url, bearer_env="SHOP_TOKEN").open())

    assert failure.value.__cause__ is None
    assert failure.value.__context__ is None


@pytest.mark.slow
def test_answers_that_are_no_streams_are_read_too(start_http, calling):
    with start_http("--json") as url:
        assert calling(McpTools(url=url), "greet", {"name": "Ada"}) == "Good morning, Ada."
