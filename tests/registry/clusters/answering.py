"""A server that answers as it is told to, on a real socket."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers:
    """What a server says to each path, and what it was asked."""

    def __init__(self):
        self.by_path = {}
        self.asked = []
        self.address = ""

    def say(self, path, body, *, status=200, kind="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.by_path[path] = (status, named, data)

    def refuse(self, path, error, *, status=400):
        self.say(path, {"errors": [error]}, status=status)

    def to(self, request):
        size = int(request.headers.get("Content-Length", 0))
        self.asked.append(
            (request.command, request.path, dict(request.headers), request.rfile.read(size))
        )
        path = request.path.partition("?")[0]
        missing = json.dumps({"errors": [f"Unable to load requested file {path}."]}).encode()
        answer = self.by_path.get(path, (404, {"Content-Type": "application/json"}, missing))
        return answer() if callable(answer) else answer


@contextmanager
def answering():
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self):
            status, headers, data = answers.to(self)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    answers.address = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
