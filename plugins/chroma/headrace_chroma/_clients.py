"""Chroma's clients: of a folder, which all stores of this process share, and of a server."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import chromadb
import httpx
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Folder", "Server"]

_PAUSE = 0.05
"""Seconds between two tries."""
_LOCK = threading.Lock()
_HELD: dict[str, _Held] = {}


class _Held:
    """A folder that this process has open."""

    __slots__ = ("client", "file", "users")

    def __init__(self, client: Any, file: Any) -> None:
        self.client = client
        self.file = file
        self.users = 1


class Folder:
    """A folder with Chroma in it. It is for one process, whose stores share one client.

    Args:
        path: The folder, which is made.
        timeout: Seconds to wait for another process to give it free.

    Raises:
        ResourceError: Another process has it, or it cannot be made.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = str(path.resolve())
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(f"the folder {path}: {error}") from error
        with _LOCK:
            held = _HELD.get(self._path)
            if held is None:
                held = _HELD[self._path] = _opened(path.resolve(), timeout)
            else:
                held.users += 1
        self.client = held.client

    def close(self) -> None:
        """Closes the client and gives the folder free, where no other store has it."""
        with _LOCK:
            held = _HELD[self._path]
            held.users -= 1
            if not held.users:
                del _HELD[self._path]
                try:
                    held.client.close()
                finally:
                    _release(held.file)


class Server:
    """A Chroma server.

    Args:
        url: Its address.
        tenant: Whose databases.
        database: Which of them.
        headers: What is sent with each request; secrets.
        timeout: Seconds that an answer may take.

    Raises:
        httpx.HTTPError: It cannot be reached, or lets nobody in with these headers.
    """

    def __init__(
        self, url: str, tenant: str, database: str, headers: Mapping[str, str], timeout: float
    ) -> None:
        parts = httpx.URL(url)
        # Asked first, because the client's own first questions wait for ever.
        answer = httpx.get(f"{url.rstrip('/')}/api/v2/heartbeat", headers=headers, timeout=timeout)
        answer.raise_for_status()
        client: Any = chromadb.HttpClient(
            url.rstrip("/"),
            parts.port or (443 if parts.scheme == "https" else 80),
            ssl=parts.scheme == "https",
            headers=dict(headers),
            tenant=tenant,
            database=database,
            settings=_settings(),
        )
        client._server._session.timeout = timeout  # noqa: SLF001 - it takes no argument for it
        self.client = client

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()


def _settings() -> Settings:
    """Settings that nothing around the process changes, and that tell nobody anything."""
    return Settings(
        _env_file=None,
        anonymized_telemetry=False,
        chroma_otel_collection_endpoint="",
        chroma_server_host=None,
        chroma_server_http_port=None,
        chroma_server_headers=None,
        chroma_client_auth_provider=None,
        chroma_client_auth_credentials=None,
        allow_reset=False,
    )


def _opened(folder: Path, timeout: float) -> _Held:
    file = (folder / "headrace.lock").open("a+")
    try:
        _wait(file, folder, timeout)
        return _Held(_started(folder), file)
    except BaseException:
        _release(file)
        raise


def _started(folder: Path) -> Any:
    try:
        return chromadb.PersistentClient(folder, settings=_settings())
    except BaseException:
        # Chroma keeps what it could not start, and would go on with that the next time.
        SharedSystemClient._identifier_to_system.pop(str(folder), None)  # noqa: SLF001
        raise


def _wait(file: Any, folder: Path, timeout: float) -> None:
    until = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                _refuse(file, folder, timeout)
            time.sleep(_PAUSE)
        else:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            return


def _refuse(file: Any, folder: Path, timeout: float) -> NoReturn:
    file.seek(0)
    raise ResourceError(
        f"{folder} is open in the process {file.read(20) or 'unknown'}, and was for {timeout:g} s: "
        "Chroma in a folder is for one process. Give each worker a folder of its own, or start a "
        "server (chroma run) and give its url"
    )


def _release(file: Any) -> None:
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)  # also where a child of this process has it open
    file.close()
