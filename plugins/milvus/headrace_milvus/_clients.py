"""Milvus's clients, which the stores of this process share: closing one of two would end both."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from headrace.errors import ResourceError

with warnings.catch_warnings():  # of pkg_resources, which milvus-lite imports
    warnings.simplefilter("ignore")
    from milvus_lite.server_manager import server_manager_instance  # type: ignore[import-untyped]
from pymilvus import MilvusClient  # type: ignore[import-untyped]

__all__ = ["Place"]

_LOCK = threading.Lock()
_OPEN: dict[Place, _Held] = {}


class _Held:
    """A client, and how many stores have it."""

    __slots__ = ("client", "users")

    def __init__(self, client: Any) -> None:
        self.client = client
        self.users = 0


class Place(NamedTuple):
    """Where a Milvus is: a file, with a Milvus Lite of this process, or a server."""

    address: str
    """The file, or the server's address."""
    is_file: bool
    database: str = ""
    """Of a server."""
    token: str = ""
    """What lets in; a secret."""

    def open(self, timeout: float) -> Any:
        """The client.

        Args:
            timeout: Seconds to wait for a connection.

        Raises:
            ResourceError: Another process has the file, or its folder cannot be made.
        """
        with _LOCK:
            held = _OPEN.get(self)
            if held is None:
                held = _OPEN[self] = _Held(self._connected(timeout))
            held.users += 1
            return held.client

    def close(self) -> None:
        """Closes the client, and ends the Milvus Lite, where no other store has it."""
        with _LOCK:
            held = _OPEN[self]
            held.users -= 1
            if not held.users:
                del _OPEN[self]
                try:
                    held.client.close()
                finally:
                    self._end()

    def _connected(self, timeout: float) -> Any:
        if not self.is_file:
            return MilvusClient(
                self.address, token=self.token, db_name=self.database, timeout=timeout
            )
        try:
            Path(self.address).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(f"the folder of {self.address}: {error}") from error
        if server_manager_instance.start_and_get_uri(self.address) is None:
            raise ResourceError(
                f"Milvus Lite cannot be started on {self.address}: another process has it open, or "
                "its folder cannot be written. It is for one process: give each worker a file of "
                "its own, or start a server and give its url"
            )
        try:
            return MilvusClient(self.address, timeout=timeout)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        if self.is_file:
            server_manager_instance.release_server(self.address)
