"""A provider on loopback that holds requests to the vendor's own types, as strictly as can be."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from headrace_openai import OpenAIChatModel

KEY = "sk-test-0123456789abcdef"


def strict_validator(kind: Any) -> SchemaValidator:
    """A validator of the vendor's type that refuses unknown keys and reads iterables to the end."""

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {key: value if key == "metadata" else strict(value) for key, value in node.items()}
        if node.get("type") == "typed-dict":
            node["extra_behavior"] = "forbid"
        elif node.get("type") == "generator":
            node["type"] = "list"
        return node

    return SchemaValidator(strict(TypeAdapter(kind).core_schema))


REQUESTS = strict_validator(CompletionCreateParamsNonStreaming)


class Provider:
    """What the server answers, and what it was asked.

    Attributes:
        requests: The bodies, in order of arrival.
        headers: The headers of each.
        answers: What is answered next; the last one again and again.
        unknown: Options that are the server's own and not the vendor's.
        released: Ends the waiting of slow answers.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[Any] = []
        self.unknown: set[str] = set()
        self.faults: list[str] = []
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.url = ""

    def answer(self, *choices: dict[str, Any], **more: Any) -> None:
        """Answers with a completion, which the vendor's types accept."""
        body = completion(*choices, **more)
        ChatCompletion.model_validate_json(json.dumps(body), strict=True)
        self.answers.append((200, {}, json.dumps(body).encode()))

    def raw(self, status: int, body: Any, **headers: str) -> None:
        """Answers with anything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, data))

    def fail(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        error = {"message": message, "type": "error", "param": None, "code": code}
        self.raw(status, {"error": error}, **headers)

    def take(self, data: bytes, path: str, headers: dict[str, str]) -> Any:
        """Checks and records a request; gives what is answered."""
        body = json.loads(data)
        known = {name: value for name, value in body.items() if name not in self.unknown}
        with self.lock:
            self.requests.append(body)
            self.paths.append(path)
            self.headers.append(headers)
            try:
                REQUESTS.validate_json(json.dumps(known), strict=True)
            except ValueError as error:
                self.faults.append(str(error))
                return 400, {}, json.dumps({"error": {"message": str(error)}}).encode()
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for the client's delayed ACK
    wbufsize = -1
    provider: Provider

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        names = {name.lower(): value for name, value in self.headers.items()}
        answer = self.provider.take(data, self.path, names)
        if answer == "slow":
            self.provider.released.wait(30)
            self.close_connection = True
            return
        if answer == "cut before":
            self.close_connection = True
            return
        if answer == "cut inside":
            self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id"')
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that go away are a part of the tests."""


def completion(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    listed = [
        {
            "index": at,
            "finish_reason": choice.get("finish_reason", "stop"),
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": None,
                **{name: value for name, value in choice.items() if name != "finish_reason"},
            },
        }
        for at, choice in enumerate(choices)
    ]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-test-2026",
        "choices": listed,
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        **more,
    }


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """A key, no proxy, and nothing else that the vendor's client would read."""
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def provider():
    """A provider that listens; at the end, no request may have broken the vendor's types."""
    made = Provider()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"provider": made}))
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
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
        model = OpenAIChatModel("gpt-test", **{"base_url": provider.url, **arguments})
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
def requests_validator():
    """What requests are held to."""
    return REQUESTS
