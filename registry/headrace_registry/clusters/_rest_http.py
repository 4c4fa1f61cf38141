"""Requests to a JobManager: bounded answers, and failures as errors that say what to do.

An answer is not trusted: what stands at an address may be anything.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth

from headrace_registry._causes import causes
from headrace_registry.clusters._rest_errors import (
    ClusterAccessError,
    ClusterUnreachableError,
    NoSuchJobError,
    NoSuchTaskManagerError,
    NotAClusterError,
    RejectedError,
    described,
)
from headrace_registry.clusters._rest_values import printable
from headrace_registry.http._credentials import is_private, user_netrc
from headrace_registry.settings import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["TOKEN", "Connection", "RestLimits"]

TOKEN = "HEADRACE_FLINK_TOKEN"  # noqa: S105 - a variable's name
"""The variable of the environment that holds a token for what stands before a cluster."""
_CHUNK = 1 << 16
_LEADER = re.compile(r"leader election|Leader .*not.*(?:elected|available)|currently not available")
_CLASS = re.compile(r"^(?:[a-z][\w$]*\.)+[A-Z][\w$]*: ")
_PREFIX = re.compile(r"^<Exception on server side:\s*")


@dataclass(frozen=True, slots=True)
class RestLimits:
    """How long a cluster may take, and how much it may say."""

    connect: float = 5.0
    """Seconds for one try to connect."""
    silence: float = 30.0
    """Seconds between two bytes of an answer."""
    answer: int = 32 * 1024 * 1024
    """The most bytes of an answer that is no log."""
    log: int = 512 * 1024 * 1024
    """The most bytes of a log."""


class Connection:
    """A session with the JobManager at one address.

    Args:
        address: Its URL, or host and port.
        ca: A file with the authorities for its certificate.
        proxy: The URL of a proxy; the environment's are not used.
        limits: How long it may take, and how much it may say.

    Raises:
        NotAClusterError: The address is none.
        ClusterAccessError: The file of authorities cannot be read.
    """

    def __init__(
        self, address: str, *, ca: Path | None, proxy: str | None, limits: RestLimits
    ) -> None:
        self.url = _url(address)
        self.limits = limits
        self._session = _session()
        self._session.auth = _credentials(self.url)
        if ca is not None:
            _check_authorities(ca)
            self._session.verify = str(ca)
        if proxy:
            self._session.proxies = {"http": proxy, "https": proxy}

    def close(self) -> None:
        """Gives connections back."""
        self._session.close()

    def ask(self, method: str, path: str, *, about: str = "", **more: Any) -> Any:
        """What the cluster answers, from JSON.

        Args:
            method: Of the request.
            path: What is asked for, with its slash.
            about: The job or TaskManager that the request is about.
            more: What ``requests`` takes: ``params``, ``json``, ``data``, ``headers``.

        Raises:
            ClusterUnreachableError: Nobody answers, or the JobManager cannot now.
            NotAClusterError: It is not Flink that answers.
            ClusterAccessError: Credentials are wanted.
            NoSuchJobError: There is no such job.
            NoSuchTaskManagerError: There is no such TaskManager, or file.
            RejectedError: Flink says no.
        """
        with self._opened(method, path, **more) as answer:
            text = b"".join(self._pieces(answer, self.limits.answer))
            self._check(answer, text, about)
            return self._parsed(answer, text)

    @contextmanager
    def stream(self, path: str, *, about: str = "") -> Iterator[tuple[int, Iterator[bytes]]]:
        """A file's length as far as it is said (else -1), and its bytes.

        Raises:
            ClusterError: As of ``ask``.
        """
        with self._opened("GET", path) as answer:
            if not answer.ok or answer.is_redirect:
                self._check(answer, b"".join(self._pieces(answer, self.limits.answer)), about)
            length = answer.headers.get("content-length", "")
            known = int(length) if length.isascii() and length.isdigit() else -1
            yield known, self._pieces(answer, self.limits.log)

    @contextmanager
    def _opened(self, method: str, path: str, **more: Any) -> Iterator[requests.Response]:
        try:
            with self._session.request(
                method,
                f"{self.url}{path}",
                stream=True,
                allow_redirects=False,
                timeout=(self.limits.connect, self.limits.silence),
                **more,
            ) as answer:
                yield answer
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._failed(error) from None

    def _pieces(self, answer: requests.Response, limit: int) -> Iterator[bytes]:
        got = 0
        for piece in answer.iter_content(_CHUNK):
            got += len(piece)
            if got > limit:
                raise self._strange(f"it sends more than {limit} bytes")
            yield piece

    def _parsed(self, answer: requests.Response, text: bytes) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            kind = answer.headers.get("content-type", "").partition(";")[0] or "something"
            raise self._strange(f"it sends {printable(kind)[:80]}, and no JSON") from None

    def _check(self, answer: requests.Response, text: bytes, about: str) -> None:
        """Raises what an answer means that is no yes."""
        status = answer.status_code
        if answer.is_redirect or answer.is_permanent_redirect:
            there = without_credentials(answer.headers.get("location", ""))
            raise self._strange(f"it sends us to {printable(there)[:200]}")
        if answer.ok:
            return
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            self._no_access(status)
        said = _said(text)
        if status in (502, 503, 504) or (status >= 500 and _LEADER.search(said or "")):  # noqa: PLR2004
            raise ClusterUnreachableError(
                described(
                    "the JobManager cannot answer now",
                    where=self.url,
                    why=said or f"it answers {status}",
                    then="try again in some seconds; a JobManager that was lost is on its way back",
                )
            )
        if said is None:
            raise self._strange(f"it answers {status}")
        if "Unable to load requested file" in said:
            raise self._strange("it is Flink's, and knows no such question (of Flink 2.x)")
        self._refused(status, said, about)

    def _refused(self, status: int, said: str, about: str) -> NoReturn:
        first = _first_line(said)
        if re.search(r"Job \w+ not found|Job could not be found|Could not find Flink job", said):
            raise NoSuchJobError(no_job(about, self.url))
        if re.search(r"Could not find TaskExecutor|does not exist in TaskExecutor", said):
            raise NoSuchTaskManagerError(
                described(
                    f"there is no TaskManager {about}", where=self.url, then="agents jobs list"
                )
            )
        if re.search(r"Failed to transfer file from TaskExecutor", said):
            raise NoSuchTaskManagerError(
                described(
                    f"the TaskManager does not give {about}",
                    where=self.url,
                    why="it has no such file, or is about to end",
                )
            )
        raise RejectedError(
            described(f"Flink refuses ({status})", where=self.url, why=first, then=_advice(said))
        )

    def _no_access(self, status: int) -> NoReturn:
        if not is_private(self.url):
            what, then = "wants credentials, and they are not sent without TLS", "use https://"
        elif self._session.auth is None:
            what = f"wants credentials (it answers {status})"
            then = f"set {TOKEN}, or add 'machine HOST login USER password PASSWORD' to ~/.netrc"
        else:
            what = f"does not take our credentials (it answers {status})"
            then = f"see that {TOKEN}, or what ~/.netrc says, is right and not run out"
        raise ClusterAccessError(described(f"the cluster {what}", where=self.url, then=then))

    def _strange(self, why: str) -> NotAClusterError:
        then = "give the address of the JobManager's REST API; its port is 8081 unless it is set"
        return NotAClusterError(
            described("what answers there is no Flink cluster", where=self.url, why=why, then=then)
        )

    def _failed(self, error: Exception) -> Exception:
        found = list(causes(error))
        wrong = next((one for one in found if isinstance(one, ssl.SSLError)), None)
        if wrong is not None:
            return ClusterAccessError(
                described(
                    "the cluster's TLS is not to be trusted",
                    where=self.url,
                    why=getattr(wrong, "verify_message", "") or str(wrong.reason or wrong),
                    then="if it has authorities of its own: --ca FILE.pem",
                )
            )
        if any(isinstance(one, urllib3.exceptions.InvalidChunkLength) for one in found):
            return self._strange("it speaks no HTTP that one could follow")
        if "BadStatusLine" in {type(one).__name__ for one in found}:
            return self._strange("it speaks no HTTP")
        return ClusterUnreachableError(
            described(
                "the cluster does not answer",
                where=self.url,
                why=_reason(found),
                then="see that it runs (agents cluster status), and that the address is right",
            )
        )


def no_job(job: str, where: str) -> str:
    """The text of the error that there is no such job."""
    return described(
        f"there is no job {job}",
        where=where,
        why="it never was here, or it ended long ago, or the JobManager was started anew",
        then="agents jobs list",
    )


# ---------------------------------------------------------------- the session
class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # credentials, proxies and authorities are ours to choose
    session.headers["Accept"] = "application/json, text/plain"
    retry = urllib3.Retry(
        total=3,
        connect=2,
        read=1,
        other=0,
        status=0,
        redirect=False,
        allowed_methods=("GET",),
        backoff_factor=0.2,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _credentials(url: str) -> AuthBase | None:
    """Who one is to what stands before a cluster; nobody, where others could read it."""
    if not is_private(url):
        return None
    if token := os.environ.get(TOKEN, "").strip():
        return _Bearer(token)
    found, _ = user_netrc()
    # A machine's own line alone: a default one is for everybody else's servers.
    entry = found.hosts.get(urlsplit(url).hostname or "") if found else None
    if entry is None or not entry[2]:
        return None
    return HTTPBasicAuth((entry[0] or "").encode(), entry[2].encode())


def _check_authorities(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        what = "the file of authorities cannot be read"
        raise ClusterAccessError(described(what, where=str(path), why=str(error))) from None


def _url(address: str) -> str:
    text = address if "://" in address else f"http://{address}"
    parts = urlsplit(text.rstrip("/"))
    with suppress(ValueError):  # of a port that is none
        if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
            _ = parts.port
            if not parts.query and not parts.fragment:
                return parts.geturl()
    raise NotAClusterError(
        described(
            f"{without_credentials(address)!r} is no address of a cluster",
            then="say HOST:PORT or https://HOST/PATH, without user and password",
        )
    )


# ---------------------------------------------------------------- words
def _said(text: bytes) -> str | None:
    """What Flink says of an error; ``None`` when it is not Flink that speaks."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    errors = found.get("errors") if isinstance(found, dict) else None
    if not isinstance(errors, list):
        return None
    return printable("\n".join(one for one in errors if isinstance(one, str)))


def _first_line(said: str) -> str:
    """The line that says most: the innermost cause's, without its class."""
    lines = [_PREFIX.sub("", line).strip() for line in said.splitlines()]
    wanted = [one.removeprefix("Caused by: ") for one in lines if one.startswith("Caused by: ")]
    plain = [one for one in lines if one and not one.startswith(("at ", "...", "Internal server"))]
    text = (wanted or plain or ["it does not say why"])[-1 if wanted else 0]
    while found := _CLASS.match(text):
        text = text[found.end() :]
    return text.removesuffix(">")[:500]


def _advice(said: str) -> str:
    if "savepoint-dir" in said or "targetDirectory" in said or "target-directory" in said:
        return "give a folder that all of the cluster sees, such as s3://bucket/savepoints"
    if "terminal state" in said:
        return "nothing is to be done: the job is over (agents jobs list)"
    return ""


def _reason(errors: Iterable[BaseException]) -> str:
    kinds: Mapping[type[BaseException], str] = {
        requests.exceptions.ProxyError: "the proxy does not let us through, or is away",
        socket.gaierror: "its host's name is not found",
        ConnectionRefusedError: "nobody listens there: the connection was refused",
        urllib3.exceptions.ConnectTimeoutError: "its host does not answer",
        urllib3.exceptions.ReadTimeoutError: "connected, and then it was silent for too long",
        TimeoutError: "it does not answer in time",
        urllib3.exceptions.ProtocolError: "the connection broke",
    }
    found = list(errors)
    for kind, text in kinds.items():
        if any(isinstance(one, kind) for one in found):
            return text
    return f"it cannot be reached ({type(found[0]).__name__})"
