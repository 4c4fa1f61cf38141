"""An Ollama server on loopback that holds requests to the client's own types, strictly.

It stands in for the models only: what they say, the test puts there. Embeddings it makes of the
letters of a text, so that each text has a vector of its own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ollama._types as vendor
import pytest
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from headrace.chat import ChatResponse
from headrace.testing import ChatBackend
from headrace_ollama import OllamaChatModel, OllamaEmbeddingModel

KEY = "olk-test-0123456789abcdef"


def strict_validator(kind: Any) -> SchemaValidator:
    """A validator of the client's type that refuses unknown keys.

    Where the type takes any mapping beside a model of its own, it must be the model. Of models only
    the fields are kept: a class brings a validator of its own along, which is lenient.
    """

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.get("type") == "model":
            named = {"ref": node["ref"]} if "ref" in node else {}
            return {**strict(node["schema"]), **named}
        made = {key: value if key == "metadata" else strict(value) for key, value in node.items()}
        if made.get("type") == "model-fields":
            made["extra_behavior"] = "forbid"
        elif made.get("type") == "union":
            models = [
                choice
                for choice in made["choices"]
                if isinstance(choice, dict) and choice["type"] in {"model-fields", "definition-ref"}
            ]
            made["choices"] = models or made["choices"]
        return made

    return SchemaValidator(strict(TypeAdapter(kind).core_schema))


REQUESTS = {
    "/api/chat": strict_validator(vendor.ChatRequest),
    "/api/embed": strict_validator(vendor.EmbedRequest),
}
ANSWERS = {
    "/api/chat": strict_validator(vendor.ChatResponse),
    "/api/embed": strict_validator(vendor.EmbedResponse),
}


def check_request(path: str, body: dict[str, Any]) -> None:
    """Holds a request to the client's types.

    On the wire an image is its base64, which is not how its type is built: it is looked at apart.
    """
    body = json.loads(json.dumps(body))
    for message in body.get("messages", []):
        for image in message.pop("images", []):
            base64.b64decode(image, validate=True)
    REQUESTS[path].validate_json(json.dumps(body), strict=True)


class Provider(ChatBackend):
    """What the server answers, and what it was asked.

    Attributes:
        bodies: The requests, in order of arrival.
        headers: The headers of each.
        answers: What is answered next; the last one again and again.
        unknown: Options that are the server's own and not the client's.
        arrived: Counts the requests that came, for those who wait for them.
        released: Ends the waiting of slow answers.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[Any] = []
        self.unknown: set[str] = set()
        self.faults: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.url = ""

    # ---------------------------------------------------- what the conformance class asks for
    def model(self) -> OllamaChatModel:
        return OllamaChatModel("llama-test", host=self.url)

    def answer(self, *responses: ChatResponse) -> None:
        for response in responses:
            message = response.message
            calls = [
                {"function": {"name": call.name, "arguments": call.arguments}}
                for call in message.tool_calls
            ]
            self.says(
                {
                    "role": "assistant",
                    "content": message.content,
                    **({"tool_calls": calls} if calls else {}),
                },
                done_reason="length" if response.finish_reason == "length" else "stop",
                prompt_eval_count=response.usage.input_tokens,
                eval_count=response.usage.output_tokens,
            )

    def fail(self, code: str, retry_after: float | None = None) -> None:
        status, words = {
            "rate_limited": (429, "you have reached your hourly usage limit"),
            "overloaded": (
                503,
                "server busy, please try again.  maximum pending requests exceeded",
            ),
            "timeout": (504, "timed out waiting for the model to load"),
            "context_too_long": (400, "prompt too long; exceeded max context length by 12 tokens"),
            "bad_request": (400, '"llama-test" does not support thinking'),
            "unauthorised": (401, "unauthorized"),
        }[code]
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.raw(status, {"error": words}, **headers)

    def cut(self) -> None:
        self.answers.append("cut before")

    def requests(self) -> list[dict[str, Any]]:
        return self.bodies

    # ---------------------------------------------------- answers
    def says(self, message: dict[str, Any], **more: Any) -> None:
        """Answers with a message, whole or in parts, as the request wants it."""
        body = {
            "model": "llama-test:latest",
            "created_at": "2026-08-01T10:00:00.000000001Z",
            "message": message,
            "done": True,
            "done_reason": "stop",
            "total_duration": 5_000_000,
            "prompt_eval_count": 11,
            "eval_count": 7,
            **more,
        }
        body = {name: value for name, value in body.items() if value is not None}
        ANSWERS["/api/chat"].validate_json(json.dumps(body), strict=True)
        self.answers.append(body)

    def lines(self, *lines: Any) -> None:
        """Answers a stream with these lines."""
        data = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        self.answers.append((200, {"content-type": "application/x-ndjson"}, b"\n".join(data)))

    def raw(self, status: int, body: Any, **headers: str) -> None:
        """Answers with anything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, data))

    def take(self, data: bytes, sent_to: str, headers: dict[str, str]) -> Any:
        """Checks and records a request; gives what is answered."""
        body = json.loads(data)
        path = "/api/" + sent_to.rpartition("/api/")[2]
        with self.lock:
            self.bodies.append(body)
            self.paths.append(sent_to)
            self.headers.append(headers)
            self.arrived.release()
            try:
                check_request(path, self._known(body))
            except (ValueError, KeyError) as error:
                self.faults.append(str(error))
                return 400, {}, json.dumps({"error": str(error)}).encode()
            if path == "/api/embed" and not self.answers:
                return embedded(body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, dict):
            return in_parts(answer) if body["stream"] else (200, {}, json.dumps(answer).encode())
        return answer

    def _known(self, body: dict[str, Any]) -> dict[str, Any]:
        options = {n: v for n, v in body.get("options", {}).items() if n not in self.unknown}
        return {**body, "options": options}


def in_parts(answer: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """An answer as the server streams it: pieces of text, calls, and a last part with the sums."""
    message = answer["message"]
    base = {"model": answer["model"], "created_at": answer["created_at"], "done": False}
    text, thinking = message.get("content", ""), message.get("thinking", "")
    parts = [{"content": "", "thinking": thinking[i : i + 4]} for i in range(0, len(thinking), 4)]
    parts += [{"content": text[i : i + 4]} for i in range(0, len(text), 4)]
    parts += [{"content": "", "tool_calls": [call]} for call in message.get("tool_calls", [])]
    lines = [{**base, "message": {"role": "assistant", **part}} for part in parts]
    lines.append({**answer, "message": {"role": "assistant", "content": ""}})
    for line in lines:
        ANSWERS["/api/chat"].validate_json(json.dumps(line), strict=True)
    data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    return 200, {"content-type": "application/x-ndjson"}, data


def embedded(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """A vector for each text, of its own letters."""
    length = body.get("dimensions", 32)
    vectors = []
    for text in body["input"]:
        digest = hashlib.shake_256(text.encode()).digest(length)
        vectors.append([value / 255 - 0.5 for value in digest])
    answer = {
        "model": body["model"],
        "embeddings": vectors,
        "total_duration": 5,
        "prompt_eval_count": 3,
    }
    ANSWERS["/api/embed"].validate_json(json.dumps(answer), strict=True)
    return 200, {}, json.dumps(answer).encode()


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
            self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"model": "x", ')
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        if "x-ndjson" in headers.get("content-type", ""):
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            # Cut anywhere, as networks do: also inside of a line or of a character.
            for begin in range(0, len(body), 7):
                piece = body[begin : begin + 7]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that go away are a part of the tests."""


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No proxy, and nothing else that the client would read."""
    for name in ("OLLAMA_HOST", "OLLAMA_API_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def provider():
    """A server that listens; at the end, no request may have broken the client's types."""
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
    """``async with opened(...) as model``: a chat model of the server, open."""
    return opener(provider, OllamaChatModel, "llama-test")


@pytest.fixture
def opened_embedder(provider):
    """``async with opened_embedder(...) as model``: an embedding model of the server, open."""
    return opener(provider, OllamaEmbeddingModel, "embed-test")


def opener(provider: Provider, kind: Any, name: str) -> Any:
    @asynccontextmanager
    async def open_model(**arguments: Any):
        model = kind(name, **{"host": provider.url, **arguments})
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
    """Asks once and gives the answer and the parts that were told."""

    def once(request: Any, **arguments: Any) -> Any:
        async def run() -> Any:
            parts: list[Any] = []
            async with opened(**arguments) as model:
                return await model.stream(request, parts.append), parts

        return asyncio.run(run())

    return once


@pytest.fixture
def embed(opened_embedder):
    """Embeds texts once."""

    def once(texts: list[str], **arguments: Any) -> Any:
        async def run() -> Any:
            async with opened_embedder(**arguments) as model:
                return await model.embed(texts)

        return asyncio.run(run())

    return once


@pytest.fixture
def key():
    """A key."""
    return KEY


@pytest.fixture
def unused_port():
    """A port on which nobody listens: it is bound, so nobody else can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def request_check():
    """What requests are held to: ``request_check(path, body)`` raises ``ValueError``."""
    return check_request
