"""A registry as its keeper has it, and servers for it: good ones, and those that are not."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseFile, ReleaseSkill
from headrace_registry.settings import RegistrySettings
from headrace_registry.trust import KeySigner, create_keys
from headrace_registry.wheels import Provided


def wheel(name: str, version: str) -> bytes:
    """A small wheel; the same bytes each time."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return data.getvalue()


def release(name: str, version: str, *skills: tuple[str, str], **more: object) -> Release:
    """A release as the catalogue has it."""
    data = wheel(name, version)
    file = ReleaseFile(
        filename=f"{name.replace('-', '_')}-{version}-py3-none-any.whl",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        metadata_sha256=hashlib.sha256(b"").hexdigest(),
        uploaded="2026-11-21T20:15:00Z",
    )
    found = tuple(
        ReleaseSkill(
            name=one,
            description=text,
            path=f"{name}/.agents/skills/{one}",
            digest="",
            size=1,
            files=1,
        )
        for one, text in skills
    )
    said = {
        "summary": f"What {name} is",
        "license": "Apache-2.0",
        "requires_python": ">=3.10",
        "requires": (),
        "extras": (),
        "keywords": (),
        "provides": tuple(Provided("skills", one.name, one.path) for one in found),
        **more,
    }
    return Release(version=version, skills=found, files=(file,), **said)


TRIAGE = ("log-triage", "Finds the cause of an incident in logs.")
REPORT = ("status-report", "Writes a weekly report of what was done.")


def sign(site, signer, now=None):
    """Signs a folder as it is, and writes what was signed; tells what that was."""
    found = [path for path in sorted(site.rglob("*")) if path.is_file()]
    files = {path.relative_to(site).as_posix(): path.read_bytes() for path in found}
    told = {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
        if not name.startswith("metadata/")
    }
    written = signer.sign(site, told, now or datetime.now(timezone.utc))
    for name, data in written.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_bytes(data)
    return list(written)


class Keeper:
    """Keeps a registry in a folder."""

    def __init__(self, folder: Path, *, signed: bool = True) -> None:
        self.site = folder / "site"
        self.keys = folder / "keys"
        self.site.mkdir(parents=True)
        self.key = create_keys(self.keys) if signed else None
        self.packages: dict[str, Package] = {}
        self.add("skill-log-triage", "1.0", TRIAGE)
        self.add("skill-status-report", "1.0", REPORT)
        self.publish()

    def add(self, name: str, version: str, *skills: tuple[str, str], **more: object) -> ReleaseFile:
        made = release(name, version, *skills, **more)
        old = self.packages.get(name, Package(name, ()))
        self.packages[name] = replace(old, releases=(made, *old.releases))
        path = self.site / "files" / name / made.files[0].filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wheel(name, version))
        return made.files[0]

    def publish(self, **times: object) -> list[str]:
        catalogue = Catalogue("Ours", tuple(self.packages[one] for one in sorted(self.packages)))
        (self.site / "catalogue.json").write_bytes(catalogue.as_json())
        (self.site / "index.html").write_text("<h1>Ours</h1>\n")
        if self.key is None:
            return []
        return sign(self.site, KeySigner.from_folder(self.keys), **times)

    def copy(self) -> dict[str, bytes]:
        """The whole site as it is now."""
        return {
            path.relative_to(self.site).as_posix(): path.read_bytes()
            for path in self.site.rglob("*")
            if path.is_file()
        }

    def settings(self, url: str, **more: object) -> RegistrySettings:
        return RegistrySettings(**{"name": "main", "url": url, "key": self.key, **more})


class Server:
    """A file server on loopback that can be told to behave badly.

    ``answers`` has, for a path, a function that gets the request's handler and answers in its
    stead. ``asked`` has every path and its headers.
    """

    def __init__(self, site: Path) -> None:
        self.site = site
        self.answers: dict[str, object] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ended = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                path = unquote(self.path).lstrip("/")
                outer.asked.append((path, dict(self.headers)))
                answer = outer.answers.get(path) or outer.answers.get("*")
                if answer is not None:
                    answer(self)
                    return
                file = outer.site / path
                if not file.is_file():
                    self.say(404)
                    return
                self.say(200, file.read_bytes())

            def say(self, status: int, body: bytes = b"", **headers: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.handle_error = lambda *_: None  # clients that hang up are what is tested
        self.port = self._httpd.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def over_tls(self, context: object) -> None:
        self._httpd.socket = context.wrap_socket(self._httpd.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._httpd.shutdown()
            thread.join()
            self._httpd.server_close()
