"""An endpoint that shows metrics: ``GET /metrics`` in Prometheus' text format."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError
from headrace.metrics._text import CONTENT_TYPE, as_text

if TYPE_CHECKING:
    from typing_extensions import Self

    from headrace.metrics._series import Metrics

__all__ = ["Endpoint"]

_PATH = "/metrics"
_SECONDS = 10


class Endpoint:
    """Serves the metrics of this process while it is entered.

    It shows names and numbers, no content; who may reach the address may read them.

    Args:
        metrics: What is shown.
        host: The address to listen on.
        port: The port; 0: a free one, which ``port`` tells.

    Raises:
        HeadraceError: The address cannot be listened on.
    """

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        import socket

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def server_bind(self) -> None:
                # Not as http.server does it: it asks a name server for the host's name.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.socket.bind(self.server_address)
                self.server_address = self.socket.getsockname()

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A reader that went away harms nobody."""

        class Handler(BaseHTTPRequestHandler):
            timeout = _SECONDS
            server_version, sys_version = "headrace", ""

            def do_GET(self) -> None:
                found = self.path.partition("?")[0] == _PATH
                text = as_text(metrics) if found else f"metrics are at {_PATH}\n"
                body = text.encode()
                self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
                self.send_header("Content-Type", CONTENT_TYPE if found else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Scrapes are no news."""

        try:
            self._server = Server((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise HeadraceError(
                f"metrics cannot be shown at {host}:{port}: {error}\n  next: another port; 0 takes "
                "a free one"
            ) from None
        self.host = host
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="headrace-metrics",
            daemon=True,
        )

    @property
    def address(self) -> str:
        """Where it is read."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}{_PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
