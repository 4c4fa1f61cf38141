"""A service on loopback that counts what agents do to the outside, and how often."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Effect", "Ledger"]


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that was done."""

    way: str
    """By which kind of call: ``plain``, ``reconciled``, ``outbox``."""
    name: str
    """Its idempotency key: what should be done once has one name."""
    at: float
    """When, in seconds of the monotonic clock, which all processes of a machine share."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # what waits longer is sent again a second later, by nobody alive

    def handle_error(self, *_: object) -> None:
        """Says nothing: callers that are killed leave their connections."""


class Ledger:
    """The service; it is never struck itself.

    ``POST /WAY/NAME`` takes effect, ``GET /WAY/NAME`` tells how often it did. With a key, as in
    ``POST /WAY/KEY/NAME``, it takes effect once for each key, as servers do that know such keys.
    """

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._keys: set[str] = set()
        self.repeated = 0
        """How often an effect was asked for whose key was known."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def effects(self) -> list[Effect]:
        """All that was done up to now, in order."""
        with self._changed:
            return list(self._effects)

    def count(self) -> int:
        """How much was done up to now."""
        with self._changed:
            return len(self._effects)

    def wait_for(self, count: int, seconds: float) -> bool:
        """Waits until so much was done; whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._effects) >= count, seconds)

    def _take(self, way: str, name: str, key: str | None = None) -> int:
        with self._changed:
            if key is not None and key in self._keys:
                self.repeated += 1
                return self._counts[way, name]
            if key is not None:
                self._keys.add(key)
            self._effects.append(Effect(way, name, time.monotonic()))
            self._counts[way, name] += 1
            self._changed.notify_all()
            return self._counts[way, name]

    def _count(self, way: str, name: str) -> int:
        with self._changed:
            return self._counts[way, name]

    def _handler(ledger) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                _, way, *key, name = map(unquote, self.path.split("/"))
                self._answer(ledger._take(way, name, *key))

            def do_GET(self) -> None:
                self._answer(ledger._count(*self._named()))

            def _named(self) -> tuple[str, str]:
                _, way, name = self.path.split("/")
                return way, unquote(name)

            def _answer(self, count: int) -> None:
                body = json.dumps({"count": count}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
