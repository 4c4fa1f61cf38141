"""A provider on loopback that holds requests to the vendor's types and rules (``rules.py``).

What breaks one is answered with 400, as the provider does, and fails the test.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from headrace_anthropic import AnthropicChatModel

from .rules import faults_of

KEY = "sk-ant-test-0123456789abcdef"
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
VARIABLES = (
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CONFIG_DIR",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_LOG",
    "ANTHROPIC_PROFILE",
)


class Provider:
    """What the server answers, and what it was asked.

    Attributes:
        requests: The bodies, in order of arrival.
        headers: The headers of each.
        paths: The paths of each, with their queries.
        clients: The connections of each.
        answers: What is answered next; the last one again and again.
        unknown: Options that are the server's own and not the vendor's.
        faults: What was wrong with requests.
        arrived: Set when there was a request.
        released: Ends the waiting of slow answers.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.clients: list[Any] = []
        self.answers: list[Any] = []
        self.unknown: set[str] = set()
        self.faults: list[str] = []
        self.arrived = threading.Event()
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.url = ""

    def answer(self, *blocks: Any, **more: Any) -> None:
        """Answers with a message, which the vendor's types accept; texts become blocks."""
        body = message(*blocks, **more)
        Message.model_validate_json(json.dumps(body), strict=True)
        self.answers.append(body)

    def raw(self, status: int, body: Any, **headers: str) -> None:
        """Answers with anything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, data))

    def fail(self, status: int, text: str, kind: str = "api_error", **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        error = {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}
        self.raw(status, error, **headers)

    def events(self, *listed: Any, end: str = "") -> None:
        """Answers with these events; then ends, or as ``end`` says: ``cut`` or ``wait``."""
        data = b"".join(one if isinstance(one, bytes) else event(one) for one in listed)
        self.answers.append(("events", data, end))

    def take(self, data: bytes, path: str, headers: dict[str, str]) -> Any:
        """Checks and records a request; gives what is answered."""
        self.arrived.set()
        body = json.loads(data)
        version = headers["anthropic-version"]
        known = {name: value for name, value in body.items() if name not in self.unknown}
        with self.lock:
            self.requests.append(body)
            self.paths.append(path)
            self.headers.append(headers)
            faults = faults_of(known, version)
            if faults:
                self.faults += faults
                error = {"type": "invalid_request_error", "message": "; ".join(faults)}
                return 400, {}, json.dumps({"type": "error", "error": error}).encode()
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, dict) and body.get("stream"):
            return "events", b"".join(map(event, parts(answer))), ""
        return (200, {}, json.dumps(answer).encode()) if isinstance(answer, dict) else answer

    @staticmethod
    def parts(*blocks: Any, **more: Any) -> list[dict[str, Any]]:
        """The events of a message."""
        return parts(message(*blocks, **more))

    @staticmethod
    def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
        """A block that calls a tool."""
        return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}

    @staticmethod
    def thought(text: str, signature: str = "c2lnbmVk") -> dict[str, Any]:
        """A block of thinking."""
        return {"type": "thinking", "thinking": text, "signature": signature}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for the client's delayed ACK
    wbufsize = -1
    provider: Provider

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        names = {name.lower(): value for name, value in self.headers.items()}
        self.provider.clients.append(self.client_address)
        answer = self.provider.take(data, self.path, names)
        if answer == "slow":
            self.provider.released.wait(30)
            self.close_connection = True
        elif answer == "cut before":
            self.close_connection = True
        elif answer == "cut inside":
            self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id"')
            self.close_connection = True
        elif answer[0] == "events":
            self.send_events(*answer[1:])
        else:
            self.send(*answer)

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_events(self, data: bytes, end: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for at in range(0, len(data), 61):  # never where an event ends
            piece = data[at : at + 61]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        if end == "wait":
            self.provider.released.wait(30)
        if end:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that go away are a part of the tests."""


def message(*blocks: Any, **more: Any) -> dict[str, Any]:
    """The body of a message."""
    content = [{"type": "text", "text": b} if isinstance(b, str) else b for b in blocks]
    called = any(block["type"] == "tool_use" for block in content)
    usage = {
        "input_tokens": 11,
        "output_tokens": 7,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "service_tier": "standard",
        **more.pop("usage", {}),
    }
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test-2026",
        "content": content,
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "usage": usage,
        **more,
    }


def parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that the provider streams a message as; each valid for the vendor's types."""
    end = {name: body.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    start = {
        **body,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }
    start["usage"] = {**body["usage"], "output_tokens": 1}
    made: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(body["content"]):
        empty = dict(block)
        deltas: list[dict[str, Any]] = []
        if block["type"] == "text":
            empty["text"] = ""
            deltas = [{"type": "text_delta", "text": piece} for piece in halves(block["text"])]
            cited = block.get("citations") or ()
            deltas += [{"type": "citations_delta", "citation": each} for each in cited]
            empty |= {"citations": None} if "citations" in block else {}
        elif block["type"] == "thinking":
            empty |= {"thinking": "", "signature": ""}
            said = halves(block["thinking"])
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in said]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        elif block["type"] in {"tool_use", "server_tool_use"}:
            empty["input"] = {}
            written = ["", *halves(json.dumps(block["input"]) if block["input"] else "")]
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in written]
        made.append({"type": "content_block_start", "index": index, "content_block": empty})
        made += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        made.append({"type": "content_block_stop", "index": index})
    told = {"output_tokens": body["usage"]["output_tokens"]}
    if details := body["usage"].get("output_tokens_details"):
        told["output_tokens_details"] = details
    made.append({"type": "message_delta", "delta": end, "usage": told})
    made.append({"type": "message_stop"})
    for one in made:
        EVENTS.validate_json(json.dumps(one), strict=True)
    return [made[0], {"type": "ping"}, *made[1:]]


def halves(text: str) -> list[str]:
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if piece]


def event(value: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """A key, no proxy, and nothing else that the vendor's client would read."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


@pytest.fixture
def provider():
    """A provider that listens; at the end, no request may have broken the vendor's types."""
    made = Provider()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"provider": made}))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
    assert made.faults == []


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a model of the provider, open."""

    @asynccontextmanager
    async def open_model(**arguments: Any):
        model = AnthropicChatModel("claude-test", **{"base_url": provider.url, **arguments})
        await model.open()
        try:
            yield model
        finally:
            await model.close()

    return open_model


@pytest.fixture
def ask(opened):
    """Asks once and gives the answer."""

    def once(request: Any, **arguments: Any) -> Any:
        async def run() -> Any:
            async with opened(**arguments) as model:
                return await model.chat(request)

        return asyncio.run(run())

    return once


@pytest.fixture
def stream(opened):
    """Asks once for a stream; gives the answer and the parts that were told."""

    def once(request: Any, **arguments: Any) -> Any:
        async def run() -> Any:
            told: list[Any] = []
            async with opened(**arguments) as model:
                return await model.stream(request, told.append), told

        return asyncio.run(run())

    return once


@pytest.fixture
def key():
    """The API key."""
    return KEY


@pytest.fixture
def unused_port():
    """A port on which nobody listens: it is bound, so nobody else can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def check():
    """What is wrong with a request, for a version of the interface."""
    return faults_of
