"""A site served over HTTP: for development, and for a registry that takes uploads.

Any file server serves a site; this one also answers in the form that a client asks for.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

from headrace_registry.catalogue import CATALOGUE
from headrace_registry.errors import SiteError
from headrace_registry.site._requests import Found, Moved, find, wanted_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headrace_registry.site._uploads import Uploads

__all__ = ["Server", "serve"]

_CHUNK = 1 << 18


class Server:
    """A site that is being served."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self._listener.server_address[:2]
        name = host.decode() if isinstance(host, bytes) else str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def wait(self) -> None:
        """Waits until the process is told to end."""
        while True:
            time.sleep(3600)


@contextmanager
def serve(
    site: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    uploads: Uploads | None = None,
    log: Callable[[str], None] | None = None,
) -> Iterator[Server]:
    """Serves a site until the block is left.

    Args:
        site: Its folder; what takes its place later is served from then on.
        host: The address to listen at.
        port: The port; 0 for a free one.
        uploads: Takes uploads; None: there are none.
        log: Told each request, on one line.

    Raises:
        SiteError: There is no registry, or the address cannot be listened at.
    """
    if not (site / CATALOGUE).is_file():
        raise SiteError(
            f"{site} is no registry: it has no {CATALOGUE}\n"
            f"  next: agents registry build WHEEL... -o {site}"
        )
    try:
        listener = _Listener(site, host, port, uploads, log)
    except OSError as error:
        raise SiteError(f"cannot listen at {host}:{port}: {error.strerror}") from None
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Server(listener)
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Listener(ThreadingHTTPServer):
    """Accepts connections; each is answered in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        site: Path,
        host: str,
        port: int,
        uploads: Uploads | None,
        log: Callable[[str], None] | None,
    ) -> None:
        self.site = site
        self.uploads = uploads
        self.log = log
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # http.server asks the name service for its own name, which may take seconds.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of a connection, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the last one's receipt
    wbufsize = 1 << 16
    timeout = 60
    server: _Listener

    def do_GET(self) -> None:
        """Sends a file."""
        found = find(self.server.site, self.path, self.headers.get("Accept", ""))
        if isinstance(found, Moved):
            self.send_response(301)
            self.send_header("Location", quote(found.path))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif found is None:
            self.answer(404, f"this registry has no file {self.path[:200]}\n")
        else:
            with found.file:
                self._send(found)

    def do_HEAD(self) -> None:
        """Tells of a file what a GET would."""
        self.do_GET()

    def do_POST(self) -> None:
        """Takes an upload."""
        if self.server.uploads is None:
            self.close_connection = True
            self.answer(405, "this registry takes no uploads over HTTP\n")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self.answer(411, "say how long it is (Content-Length)\n")
            return
        answer = self.server.uploads.take(self.headers, self.rfile, int(length))
        self.close_connection = answer.close
        headers = {"WWW-Authenticate": 'Basic realm="registry"'} if answer.status == 401 else {}  # noqa: PLR2004
        self.answer(answer.status, answer.text, headers)

    def answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        """Sends a text."""
        data = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Tells a request to whoever asked for it."""
        if self.server.log is not None:
            self.server.log(f"{self.address_string()} {format % args}")

    def _send(self, found: Found) -> None:
        if self._is_known(found):
            self.send_response(304)
            self._describe(found)
            self.end_headers()
            return
        start, end = 0, found.size
        if self.headers.get("If-Range", found.etag) == found.etag:
            try:
                start, end = wanted_range(self.headers.get("Range", ""), end) or (0, end)
            except ValueError:
                self.answer(
                    416, "it has no such bytes\n", {"Content-Range": f"bytes */{found.size}"}
                )
                return
        self.send_response(206 if end - start < found.size else 200)
        self._describe(found)
        self.send_header("Content-Type", found.type)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        if end - start < found.size:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{found.size}")
        self.end_headers()
        if self.command == "HEAD":
            return
        found.file.seek(start)
        while start < end and (chunk := found.file.read(min(_CHUNK, end - start))):
            self.wfile.write(chunk)
            start += len(chunk)

    def _describe(self, found: Found) -> None:
        self.send_header("ETag", found.etag)
        self.send_header("Last-Modified", formatdate(found.modified, usegmt=True))
        self.send_header("Cache-Control", "no-cache")
        if found.varies:
            self.send_header("Vary", "Accept")

    def _is_known(self, found: Found) -> bool:
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tags.strip() == "*" or found.etag in (one.strip() for one in tags.split(","))
        since = self.headers.get("If-Modified-Since")
        try:
            return since is not None and parsedate_to_datetime(since).timestamp() >= int(
                found.modified
            )
        except (ValueError, OverflowError):
            return False
