"""A provider on loopback that holds requests to the vendor's own types, as strictly as can be.

It stands in for the models' intelligence only: what they say is put there by the tests.
"""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from .replies import Completion, Embeddings, Reply


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


REQUESTS = {
    ("chat/completions", False): strict_validator(CompletionCreateParamsNonStreaming),
    ("chat/completions", True): strict_validator(CompletionCreateParamsStreaming),
    ("responses", False): strict_validator(ResponseCreateParamsNonStreaming),
    ("responses", True): strict_validator(ResponseCreateParamsStreaming),
    ("embeddings", False): strict_validator(EmbeddingCreateParams),
}
"""What requests are held to, by endpoint and whether they ask for a stream."""


def check_request(endpoint: str, body: dict[str, Any]) -> None:
    """Refuses what the provider would: by its types, and by the rules that they cannot say.

    Raises:
        ValueError: With all that is wrong.
    """
    validator = REQUESTS[endpoint, body.get("stream") is True]
    validator.validate_json(json.dumps(body), strict=True)
    if endpoint == "chat/completions":
        _check_results(body["messages"])
    elif endpoint == "responses":
        _check_items(body["input"])
    elif not body["input"] or len(body["input"]) > 2048 or "" in body["input"]:
        raise ValueError("input: 1 to 2048 texts, none of them empty")
    if "tool_choice" in body and not body.get("tools"):
        raise ValueError("tool_choice is only allowed with tools")


def _check_results(messages: list[dict[str, Any]]) -> None:
    """Each call is answered right after it, and nothing else is."""
    due: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in due:
                raise ValueError(f"no call {message['tool_call_id']} waits for a result")
            due.remove(message["tool_call_id"])
            continue
        if due:
            raise ValueError(f"calls without a result: {sorted(due)}")
        due = {call["id"] for call in message.get("tool_calls", ())}
    if due:
        raise ValueError(f"calls without a result: {sorted(due)}")


def _check_items(items: list[dict[str, Any]]) -> None:
    """Results follow their calls, and reasoning is followed by what it led to."""
    called = set()
    for item, following in zip(items, [*items[1:], None], strict=True):
        if item["type"] == "function_call":
            called.add(item["call_id"])
        elif item["type"] == "function_call_output" and item["call_id"] not in called:
            raise ValueError(f"no tool call found for the output {item['call_id']}")
        elif item["type"] == "reasoning" and (
            following is None or following["type"] not in {"reasoning", "message", "function_call"}
        ):
            raise ValueError("reasoning was provided without its required following item")


class Provider:
    """What the server answers, and what it was asked.

    Attributes:
        requests: The bodies, in order of arrival.
        headers: The headers of each.
        paths: The path of each.
        queries: The query of each.
        answers: What is answered next; the last one again and again.
        unknown: Options that are the server's own and not the vendor's.
        faults: What was wrong with requests.
        arrived: Whether there was a request.
        released: Ends the waiting of slow answers.
        url: The address, as ``base_url``.
        root: The address without a path, as ``azure_endpoint``.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.answers: list[Any] = []
        self.unknown: set[str] = set()
        self.faults: list[str] = []
        self.arrived = threading.Event()
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.root = ""
        self.url = ""

    def reply(self, *replies: Reply) -> None:
        """Answers with what the vendor's types accept, whole or streamed as it is asked."""
        self.answers += replies

    def answer(self, *choices: dict[str, Any], **more: Any) -> None:
        """Answers with a chat completion."""
        self.reply(Completion(*choices, **more))

    def raw(self, status: int, body: Any, **headers: str) -> None:
        """Answers with anything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, data))

    def fail(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        error = {"message": message, "type": "error", "param": None, "code": code}
        self.raw(status, {"error": error}, **headers)

    def stream(self, *pieces: bytes, cut: bool = False, held: bool = False) -> None:
        """Answers with a stream of just these pieces.

        It ends well, or with a cut of the connection, or is held open.
        """
        self.answers.append((pieces, "cut" if cut else "held" if held else ""))

    async def arrival(self) -> None:
        """Waits for the first request."""
        assert await asyncio.to_thread(self.arrived.wait, 60)

    def take(self, data: bytes, path: str, headers: dict[str, str]) -> Any:
        """Checks and records a request; gives what is answered."""
        body = json.loads(data)
        known = {name: value for name, value in body.items() if name not in self.unknown}
        parts = urlsplit(path)
        endpoint = next(name for name, _ in REQUESTS if parts.path.endswith(f"/{name}"))
        with self.lock:
            self.requests.append(body)
            self.paths.append(parts.path)
            self.queries.append(parse_qs(parts.query))
            self.headers.append(headers)
            self.arrived.set()
            try:
                check_request(endpoint, known)
            except ValueError as error:
                self.faults.append(str(error))
                return 400, {}, json.dumps({"error": {"message": str(error)}}).encode()
            if not self.answers and endpoint == "embeddings":
                answer: Any = Embeddings()
            else:
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not isinstance(answer, Reply):
            return answer
        if body.get("stream"):
            return answer.events(body), ""
        return 200, {}, json.dumps(answer.body(body)).encode()


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
        if len(answer) == 2:
            self.write_stream(*answer)
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def write_stream(self, pieces: Any, end: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        if end == "held":
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
