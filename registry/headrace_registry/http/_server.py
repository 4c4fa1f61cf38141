"""A registry on an HTTP server, which is not trusted: neither with time, nor with bytes.

What a server sends is read by a thread of its own, and handed over in pieces: name look-up,
handshake, headers and body may each be drawn out for ever, and only who waits from outside can
end that.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from headrace_registry.errors import DownloadError
from headrace_registry.http._credentials import (
    credentials_for,
    is_private,
    keyring_for,
    variables,
)
from headrace_registry.http._failures import described
from headrace_registry.http._remote import (
    CHUNK,
    AccessError,
    Limits,
    MissingError,
    UnreachableError,
    failure,
)
from headrace_registry.http._tls import bundle
from headrace_registry.settings import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace_registry.http._credentials import Credentials
    from headrace_registry.settings import RegistrySettings

__all__ = ["Server"]

MAX_REDIRECTS = 5
MAX_WAIT = 10.0
"""Seconds that a server may ask us to wait before the next try."""
_BUSY = (429, 500, 502, 503, 504)


class _Retry(urllib3.Retry):
    """Tries again, and does not let the server say how long to wait."""

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, MAX_WAIT)


class Server:
    """Reads a registry's files over HTTP. Several threads may read at once."""

    def __init__(self, registry: RegistrySettings, tls: Path, limits: Limits) -> None:
        self._registry = registry
        self._limits = limits
        self._tls = tls
        self._credentials = credentials_for(registry) if is_private(registry.url) else None
        self._bundle: str | None = None
        self._asked_keyring = False
        self.used_keyring = False
        self._session = _session()

    def read(self, path: str, limit: int) -> Iterator[bytes]:
        url = f"{self._registry.url}/{quote(path)}"
        try:
            yield from self._timed(url, path, limit)
        except AccessError:
            if not self._ask_keyring():
                raise
            yield from self._timed(url, path, limit)

    def close(self) -> None:
        self._session.close()

    def _ask_keyring(self) -> bool:
        """Looks once into the keyring, where nothing else had credentials."""
        if self._asked_keyring or self._credentials or not is_private(self._registry.url):
            return False
        self._asked_keyring = True
        self._credentials = keyring_for(self._registry)
        self.used_keyring = self._credentials is not None
        return self.used_keyring

    def _timed(self, url: str, path: str, limit: int) -> Iterator[bytes]:
        """The pieces of a file, each within its time."""
        pump = _Pump(self._pieces(url, path, limit))
        began, got, wait = time.monotonic(), 0, self._limits.answer
        try:
            while True:
                try:
                    piece = pump.take(wait)
                except queue.Empty:
                    raise self._too_slow(url, f"no byte came for {wait:g} s") from None
                if isinstance(piece, Exception):
                    raise described(self._registry, url, piece) from None
                if piece is None:
                    return
                yield piece
                if not got:
                    began = time.monotonic()  # what was waited for the first is not counted twice
                got += len(piece)
                took, wait = time.monotonic() - began, self._limits.silence
                if took > self._limits.total:
                    raise self._too_slow(url, f"it is not here after {took:.0f} s")
                if took > self._limits.silence and got / took < self._limits.least_rate:
                    raise self._too_slow(url, f"{got} bytes came in {took:.0f} s")
        finally:
            pump.stop()

    def _too_slow(self, url: str, why: str) -> DownloadError:
        return failure(
            self._registry,
            "sends too slowly; given up",
            where=url,
            why=why,
            kind=UnreachableError,
        )

    def _pieces(self, url: str, path: str, limit: int) -> Iterator[bytes]:
        """The pieces of a file, as they come."""
        for _ in range(MAX_REDIRECTS + 1):
            response = self._session.get(
                url,
                stream=True,
                allow_redirects=False,
                timeout=(self._limits.connect, self._limits.silence),
                proxies=requests.utils.get_environ_proxies(url, no_proxy=None),
                verify=self._authorities(url),
                auth=_basic(self._credentials) if is_private(url) else None,
            )
            with closing(response):
                if response.is_redirect:
                    url = self._followed(url, response.headers["location"])
                    continue
                self._check_status(response, url, path)
                yield from self._body(response, url, limit)
                return
        raise failure(self._registry, f"sends {path} in a circle", where=url)

    def _authorities(self, url: str) -> str | bool:
        """The file of authorities for an address; looked for once."""
        if urlsplit(url).scheme == "https" and self._bundle is None:
            self._bundle = bundle(self._registry, self._tls)
        return self._bundle or True

    def _followed(self, url: str, location: str) -> str:
        """Where a redirect leads, if that is still the registry.

        Raises:
            DownloadError: It is elsewhere, where neither credentials nor questions are to go.
        """
        there = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(there)
        same = _place(url) == _place(there)
        to_tls = (old.scheme, new.scheme) == ("http", "https") and (
            old.hostname == new.hostname and old.port in (None, 80) and new.port in (None, 443)
        )
        if "@" in new.netloc or not (same or to_tls):
            shown = without_credentials(there)
            raise failure(
                self._registry,
                f"sends its clients elsewhere, to {new.hostname}",
                where=url,
                why=f"it answers with a redirect to {shown}, which is not followed",
                then="if its keeper moved it: agents registry add with the new address",
            )
        return there

    def _check_status(self, response: requests.Response, url: str, path: str) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if status in (401, 403):
            raise self._no_access(url, status)
        if status in (404, 410):
            raise failure(self._registry, f"has no file {path}", where=url, kind=MissingError)
        busy = status in _BUSY
        raise failure(
            self._registry,
            f"answers {status} {response.reason or ''}".rstrip(),
            where=url,
            then="try again later, or work from the cache with --offline" if busy else "",
            kind=UnreachableError if busy else DownloadError,
        )

    def _no_access(self, url: str, status: int) -> DownloadError:
        token, user, password = variables(self._registry)
        host = urlsplit(url).hostname
        if not is_private(url):
            return failure(
                self._registry,
                "wants credentials, and they are not sent without TLS",
                where=url,
                then="use its https address",
                kind=AccessError,
            )
        if self._credentials is None:
            return failure(
                self._registry,
                f"wants credentials (it answers {status})",
                where=url,
                then=f"set {token}, or {user} and {password}; "
                f"or add 'machine {host} login USER password PASSWORD' to ~/.netrc",
                kind=AccessError,
            )
        return failure(
            self._registry,
            f"does not let {self._credentials.username or 'this user'} in (it answers {status})",
            where=url,
            why=f"the credentials come from {self._credentials.origin}",
            then="see that they are right and not run out",
            kind=AccessError,
        )

    def _body(self, response: requests.Response, url: str, limit: int) -> Iterator[bytes]:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise failure(self._registry, "sends compressed what was asked for as it is", where=url)
        length = response.headers.get("content-length", "")
        declared = int(length) if length.isascii() and length.isdigit() else None
        if declared is not None and declared > limit:
            raise failure(
                self._registry,
                f"wants to send {declared} bytes where at most {limit} are expected; not taken",
                where=url,
            )
        got = 0
        while piece := response.raw.read1(CHUNK, decode_content=False):
            got += len(piece)
            if got > limit:
                raise failure(
                    self._registry,
                    f"sends more than the {limit} bytes expected; given up",
                    where=url,
                )
            yield piece


class _Pump:
    """Takes pieces from an iterator in a daemon thread."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._queue: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=16)
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="registry download", daemon=True).start()

    def take(self, wait: float) -> bytes | Exception | None:
        """The next piece; an error; or ``None`` at the end."""
        return self._queue.get(timeout=wait)

    def stop(self) -> None:
        """Ends the thread as soon as it comes back from the server."""
        self._stopped.set()

    def _run(self) -> None:
        last: Exception | None = None
        try:
            for piece in self._pieces:
                if not self._put(piece):
                    return
        except Exception as error:  # noqa: BLE001 - it is raised where the pieces are taken
            last = error
        finally:
            self._pieces.close()  # type: ignore[attr-defined] # a generator: the connection goes back
        self._put(last)

    def _put(self, piece: bytes | Exception | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(piece, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False


def _session() -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy
    from importlib.metadata import version

    session = requests.Session()
    session.trust_env = False  # credentials, proxies and authorities are ours to choose
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = f"headrace-registry/{version('headrace-registry')}"
    session.headers["Accept-Encoding"] = "identity"
    retry = _Retry(
        total=3,
        connect=2,
        read=1,
        other=0,
        redirect=False,
        status_forcelist=_BUSY,
        allowed_methods=("GET",),
        raise_on_status=False,
        backoff_factor=0.3,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _basic(credentials: Credentials | None) -> HTTPBasicAuth | None:
    if credentials is None:
        return None
    # As bytes: requests would take a text for Latin-1.
    return HTTPBasicAuth(credentials.username.encode(), credentials.password.encode())


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default
