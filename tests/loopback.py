"""A provider on loopback: the one HTTP server that the tests of all plugins ask in place of theirs.

Each plugin's tests say what its provider is like: what is wrong with a request, in which words it
is refused, and how an answer goes over the wire. All else is here: what came is kept, what a test
put there is answered, and a request that broke a rule fails the test, whatever was answered.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs

import pytest

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError

HELLO = ChatRequest(messages=(Message(role="user", content="hello"),))
Opened = Callable[..., AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Answer:
    """An answer, as it goes over the wire."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: tuple[bytes, ...] | None = None
    """The pieces of a body whose length is not told beforehand, in place of ``body``."""
    end: Literal["", "cut", "held"] = ""
    """Whether pieces are all, or the connection is cut after them, or held open."""


def as_json(status: int, body: Any) -> Answer:
    """An answer in JSON."""
    return Answer(status, body=json.dumps(body).encode())


def cut_up(data: bytes, size: int) -> tuple[bytes, ...]:
    """Data in pieces, as networks cut them: also inside of a line or of a character."""
    return tuple(data[begin : begin + size] for begin in range(0, len(data), size))


class Loopback(ABC):
    """What a server answers, and what it was asked.

    Attributes:
        bodies: The requests, in order of arrival.
        headers: The headers of each, by their names in small letters.
        paths: The path of each.
        queries: The query of each.
        clients: The connection of each.
        answers: What is answered next; the last one again and again. ``slow`` waits for
            ``released``; ``cut before`` and ``cut inside`` end the connection.
        unknown: Names in a body that are the server's own and not the vendor's.
        faults: What was wrong with requests.
        released: Ends the waiting of slow answers.
        root: The address.
        url: The address with ``path``.
    """

    path = ""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.clients: list[Any] = []
        self.answers: list[Any] = []
        self.unknown: set[str] = set()
        self.faults: list[str] = []
        self.released = threading.Event()
        self.root = ""
        self._arrived = threading.Semaphore(0)
        self._lock = threading.Lock()

    # ---------------------------------------------------- what differs
    @abstractmethod
    def faults_in(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> list[str]:
        """What the provider would refuse in a request."""

    @abstractmethod
    def refusal(self, why: str) -> Answer:
        """How it refuses one."""

    @abstractmethod
    def sent(self, answer: Any, path: str, body: dict[str, Any]) -> Answer:
        """A test's answer as it goes over the wire, at once or in parts as the request wants."""

    @abstractmethod
    def tell(self, text: str) -> None:
        """Answers with a text."""

    def unprompted(self, path: str, body: dict[str, Any]) -> Any:
        """What is answered where a test says nothing."""
        raise AssertionError(f"no answer was put there for {path}")

    def read(self, data: bytes) -> dict[str, Any]:
        """A request's body."""
        body: dict[str, Any] = json.loads(data)
        return body

    def known(self, body: dict[str, Any]) -> dict[str, Any]:
        """A body without what is the server's own."""
        return {name: value for name, value in body.items() if name not in self.unknown}

    # ---------------------------------------------------- what tests use
    @property
    def url(self) -> str:
        return self.root + self.path

    def raw(self, status: int, body: Any, **headers: str) -> None:
        """Answers with anything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(Answer(status, named, data))

    def cut(self) -> None:
        """Ends the connection without an answer."""
        self.answers.append("cut before")

    def requests(self) -> list[dict[str, Any]]:
        """The bodies, as the conformance class asks for them."""
        return self.bodies

    async def arrival(self) -> None:
        """Waits for one more request."""
        assert await asyncio.to_thread(self._arrived.acquire, timeout=60)

    # ---------------------------------------------------- the server's side
    def take(self, data: bytes, target: str, headers: dict[str, str], client: Any) -> Any:
        """Checks and keeps a request; gives what is answered."""
        body = self.read(data)
        path, _, query = target.partition("?")
        with self._lock:
            self.bodies.append(body)
            self.paths.append(path)
            self.queries.append(parse_qs(query))
            self.headers.append(headers)
            self.clients.append(client)
            self._arrived.release()
            if faults := self.faults_in(path, self.known(body), headers):
                self.faults += faults
                return self.refusal("; ".join(faults))
            if self.answers:
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            else:
                answer = self.unprompted(path, body)
        plain = isinstance(answer, (str, Answer))
        return answer if plain else self.sent(answer, path, body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for the client's delayed ACK
    wbufsize = -1
    provider: Loopback

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        names = {name.lower(): value for name, value in self.headers.items()}
        answer = self.provider.take(data, self.path, names, self.client_address)
        if isinstance(answer, Answer):
            self._send(answer)
            return
        if answer == "slow":
            self.provider.released.wait(30)
        elif answer == "cut inside":
            self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id": ')
        else:
            assert answer == "cut before", answer
        self.close_connection = True

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        if answer.pieces is None:
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in answer.pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        if answer.end == "held":
            self.provider.released.wait(30)
        if answer.end:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that go away are a part of the tests."""


@contextmanager
def serving(provider: Any) -> Iterator[Any]:
    """Lets a provider listen; at the end, no request may have broken its rules."""
    server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"provider": provider}))
    provider.root = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert provider.faults == [], provider.faults


def opener(kind: Any, **usual: Any) -> Opened:
    """``async with opened(...) as model``: a model with these arguments and others, open."""

    @asynccontextmanager
    async def opened(**arguments: Any) -> AsyncIterator[Any]:
        model = kind(**{**usual, **arguments})
        await model.open()
        try:
            yield model
        finally:
            await model.close()

    return opened


def asking(opened: Opened) -> Callable[..., Any]:
    """``ask(request, ...)``: asks once and gives the answer."""

    def ask(request: Any, **arguments: Any) -> Any:
        async def run() -> Any:
            async with opened(**arguments) as model:
                return await model.chat(request)

        return asyncio.run(run())

    return ask


def streaming(opened: Opened) -> Callable[..., Any]:
    """``stream(request, ...)``: asks once for a stream; gives the answer and the parts told."""

    def stream(request: Any, **arguments: Any) -> Any:
        async def run() -> Any:
            told: list[Any] = []
            async with opened(**arguments) as model:
                return await model.stream(request, told.append), told

        return asyncio.run(run())

    return stream


def embedding(opened: Opened) -> Callable[..., Any]:
    """``embed(texts, ...)``: embeds texts once."""

    def embed(texts: list[str], **arguments: Any) -> Any:
        async def run() -> Any:
            async with opened(**arguments) as model:
                return await model.embed(texts)

        return asyncio.run(run())

    return embed


def failing(ask: Callable[..., Any], usual: ChatRequest = HELLO) -> Callable[..., ModelError]:
    """``failure(request, ...)``: asks once and gives the error."""

    def failure(request: ChatRequest = usual, **arguments: Any) -> ModelError:
        with pytest.raises(ModelError) as caught:
            ask(request, **arguments)
        return caught.value

    return failure


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port on which nobody listens: it is bound, so nobody else can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
