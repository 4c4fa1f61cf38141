"""Git over HTTP on this machine: git's own server program behind a small web server."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Handler(http.server.BaseHTTPRequestHandler):
    root: Path
    login: str | None
    elsewhere: str | None
    silent: threading.Event | None
    endless: bool

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _go_on(self) -> None:
        """Lists refs until the other side hangs up."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        line = f"{'1' * 40} refs/heads/{'x' * 900}\n".encode()
        rows = (b"%04x" % (len(line) + 4) + line) * 1000
        with suppress(OSError):
            self.wfile.write(b"001e# service=git-upload-pack\n0000")
            while True:
                self.wfile.write(rows)

    def _answer(self, body: bytes) -> None:
        if self.silent is not None:
            self.silent.wait(30)
            return
        if self.endless:
            self._go_on()
            return
        if self.elsewhere is not None:
            self.send_response(301)
            self.send_header("Location", self.elsewhere + self.path)
            self.end_headers()
            return
        said = self.headers.get("Authorization", "")
        if self.login and said != "Basic " + base64.b64encode(self.login.encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=False, env=environment
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(
    root: Path,
    *,
    login: str | None = None,
    elsewhere: str | None = None,
    silent: bool = False,
    endless: bool = False,
) -> Iterator[str]:
    """Serve the repositories of a folder.

    Args:
        root: The folder.
        login: ``USER:PASSWORD`` that is asked for.
        elsewhere: Where each request is sent instead.
        silent: Whether nothing is ever answered.
        endless: Whether the answer has no end.
    """
    over = threading.Event() if silent else None
    members = {
        "root": root,
        "login": login,
        "elsewhere": elsewhere,
        "silent": over,
        "endless": endless,
    }
    handler = type("Handler", (_Handler,), members)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        if over is not None:
            over.set()
        server.shutdown()
        thread.join()
        server.server_close()
