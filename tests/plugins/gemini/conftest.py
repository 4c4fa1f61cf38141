"""A Gemini server on loopback that holds requests to the vendor's types and rules (``rules.py``).

It stands in for the models only: what they say, the test puts there. Embeddings it makes of the
letters of a text, so that each text has a vector of its own. What breaks a rule is answered with
400, as the provider does, and fails the test.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.genai import types

from headrace.chat import ChatResponse
from headrace.testing import ChatBackend
from headrace_gemini import GeminiChatModel, GeminiEmbeddingModel

from .rules import camel, faults_of

KEY = "AIzaTest-0123456789abcdefghijklmnop"
CHAT = "gemini-3-test"
EMBED = "gemini-embedding-test"
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
SIGNED = "c2lnbmF0dXJl"


class Provider(ChatBackend):
    """What the server answers, and what it was asked.

    Attributes:
        bodies: The requests, in order of arrival, by the names of the reference.
        headers: The headers of each.
        paths: The paths of each, with their queries.
        answers: What is answered next; the last one again and again.
        unknown: Names in a body that are the server's own and not the vendor's.
        faults: What was wrong with requests.
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
    def model(self) -> GeminiChatModel:
        return GeminiChatModel(CHAT, base_url=self.url)

    def answer(self, *responses: ChatResponse) -> None:
        for response in responses:
            calls = [self.call(call.name, **call.arguments) for call in response.message.tool_calls]
            if calls:
                calls[0]["thoughtSignature"] = SIGNED
            text = [{"text": response.text}] if response.text else []
            self.says(
                *text,
                *calls,
                reason="MAX_TOKENS" if response.finish_reason == "length" else "STOP",
                usage={
                    "promptTokenCount": response.usage.input_tokens,
                    "candidatesTokenCount": response.usage.output_tokens,
                },
            )

    def fail(self, code: str, retry_after: float | None = None) -> None:
        status, words = {
            "rate_limited": (429, "You exceeded your current quota."),
            "overloaded": (503, "The model is overloaded. Please try again later."),
            "timeout": (504, "Deadline expired before operation could complete."),
            "context_too_long": (
                400,
                "The input token count (1048577) exceeds the maximum number of tokens allowed "
                "(1048576).",
            ),
            "bad_request": (400, "Invalid value at 'generation_config.temperature'"),
            "unauthorised": (400, "API key not valid. Please pass a valid API key."),
        }[code]
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.error(status, words, **headers)

    def cut(self) -> None:
        self.answers.append("cut before")

    def requests(self) -> list[dict[str, Any]]:
        return self.bodies

    def tool_choice(self, body: dict[str, Any]) -> Any:
        return body.get("toolConfig")

    # ---------------------------------------------------- answers
    @staticmethod
    def call(name: str, call_id: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A part that calls a tool."""
        named = {} if call_id is None else {"id": call_id}
        return {"functionCall": {**named, "name": name, "args": arguments}}

    def says(self, *parts: Any, reason: str = "STOP", usage: Any = None, **more: Any) -> None:
        """Answers with parts, at once or in pieces, as the request wants; texts become parts."""
        made = [{"text": part} if isinstance(part, str) else part for part in parts]
        body = {
            "candidates": [
                {
                    "content": {"role": "model", "parts": made},
                    "finishReason": reason,
                    "index": 0,
                    **more,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": 11,
                "candidatesTokenCount": 7,
                "totalTokenCount": 18,
                **(usage or {}),
            },
            "modelVersion": "gemini-3-test-001",
            "responseId": "r1",
        }
        valid(body)
        self.answers.append(body)

    def raw(self, status: int, body: Any, **headers: str) -> None:
        """Answers with anything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, data))

    def error(self, status: int, words: str, details: Any = (), **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        told = {"code": status, "message": words, "status": STATUS.get(status, "UNKNOWN")}
        self.raw(status, {"error": {**told, "details": list(details)}}, **headers)

    def events(self, *listed: Any, end: str = "") -> None:
        """Answers a stream with these events; then ends, or as ``end`` says: ``cut``."""
        data = b"".join(one if isinstance(one, bytes) else event(one) for one in listed)
        self.answers.append((200, {"content-type": "text/event-stream", "x-end": end}, data))

    def take(self, data: bytes, sent_to: str, headers: dict[str, str]) -> Any:
        """Checks and records a request; gives what is answered."""
        body = camel(json.loads(data))
        path, _, query = sent_to.partition("?")
        with self.lock:
            self.bodies.append(body)
            self.paths.append(sent_to)
            self.headers.append(headers)
            self.arrived.release()
            faults = faults_of(path, {n: v for n, v in body.items() if n not in self.unknown})
            if faults:
                self.faults += faults
                told = {"code": 400, "message": "; ".join(faults), "status": "INVALID_ARGUMENT"}
                return 400, {}, json.dumps({"error": told}).encode()
            if path.endswith(":batchEmbedContents") and not self.answers:
                return embedded(body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not isinstance(answer, dict):
            return answer
        if path.endswith(":streamGenerateContent"):
            assert query == "alt=sse"
            return in_parts(answer)
        return 200, {}, json.dumps(answer).encode()


def valid(answer: dict[str, Any]) -> None:
    """Holds an answer to the vendor's types."""
    types.GenerateContentResponse.model_validate_json(json.dumps(answer), strict=True)


def event(value: Any) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\r\n\r\n"


def in_parts(answer: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """An answer as the server streams it: pieces of text, calls, and a last part with the sums."""
    [candidate] = answer["candidates"]
    pieces: list[dict[str, Any]] = []
    for part in candidate["content"]["parts"]:
        if "text" in part and part.keys() <= {"text", "thought"}:
            text = part["text"]
            pieces += [{**part, "text": text[at : at + 4]} for at in range(0, len(text), 4)]
        else:
            pieces.append(part)
    base = {"modelVersion": answer["modelVersion"], "responseId": "r1"}
    beside = {name: value for name, value in candidate.items() if name != "content"}
    beside.pop("finishReason")
    made = []
    for number, piece in enumerate(pieces or [{"text": ""}]):
        last = number == max(0, len(pieces) - 1)
        one = {**beside, "content": {"role": "model", "parts": [piece]}}
        end = {"finishReason": candidate["finishReason"]} if last else {}
        sums = {"usageMetadata": answer["usageMetadata"]} if last else {}
        made.append({"candidates": [{**one, **end}], **sums, **base})
        beside.pop("logprobsResult", None)  # told once
    for one in made:
        valid(one)
    return 200, {"content-type": "text/event-stream"}, b"".join(map(event, made))


def embedded(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """A vector for each text, of its own letters."""
    vectors = []
    for request in body["requests"]:
        text = "".join(part["text"] for part in request["content"]["parts"])
        digest = hashlib.shake_256(text.encode()).digest(request.get("outputDimensionality", 32))
        vectors.append({"values": [value / 255 - 0.5 for value in digest]})
    answer = {"embeddings": vectors}
    types.EmbedContentResponse.model_validate_json(json.dumps(answer), strict=True)
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
            self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"candidates": [')
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        end = headers.pop("x-end", "")
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        if "event-stream" in headers.get("content-type", ""):
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            # Cut anywhere, as networks do: also inside of a line or of a character.
            for begin in range(0, len(body), 7):
                piece = body[begin : begin + 7]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if end == "cut":
                self.close_connection = True
                return
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
    """A key, no proxy, and nothing else that the client would read."""
    for name in (*os.environ,):
        if name.startswith(("GOOGLE_", "GEMINI_")) or name.upper() in {"HTTP_PROXY", "ALL_PROXY"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
def provider():
    """A server that listens; at the end, no request may have broken the provider's rules."""
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
    return opener(provider, GeminiChatModel, CHAT)


@pytest.fixture
def opened_embedder(provider):
    """``async with opened_embedder(...) as model``: an embedding model of the server, open."""
    return opener(provider, GeminiEmbeddingModel, EMBED)


def opener(provider: Provider, kind: Any, name: str) -> Any:
    @asynccontextmanager
    async def open_model(**arguments: Any):
        model = kind(**{"model": name, "base_url": provider.url, **arguments})
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
    """What is wrong with a request: ``check(path, body)``."""
    return faults_of
