"""The file in which the tokens of a sign-in are kept: its owner's alone, and in no project."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["FOLDER_VARIABLE", "TokenFile"]

FOLDER_VARIABLE = "HEADRACE_MCP_TOKENS"
"""The environment variable that says which folder has the files."""
FORMAT = 1
_MAX = 256 * 1024


class TokenFile:
    """The file of one server and client.

    Args:
        url: The server's address.
        client_id: The client, where it is one that the author names.
    """

    def __init__(self, url: str, client_id: str | None) -> None:
        parts = urlsplit(url)
        known = json.dumps([url, client_id])
        name = f"{parts.hostname}-{hashlib.sha256(known.encode()).hexdigest()[:16]}.json"
        self.path = _folder() / name
        """Where it is."""
        self._url = url

    def read(self) -> dict[str, Any] | None:
        """What is kept; ``None``: nobody has signed in.

        Raises:
            ResourceError: It is not its owner's alone, or holds something else.
        """
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                data = file.read(_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ResourceError(f"{self.path} cannot be read: {error.strerror}") from None
        if stat.S_IMODE(about.st_mode) & 0o077:
            raise ResourceError(
                f"{self.path} holds tokens, and others may read or change it: chmod 600 {self.path}"
            )
        try:
            kept = json.loads(data)
        except ValueError:
            kept = None
        if not isinstance(kept, dict) or (kept.get("format"), kept.get("url")) != (
            FORMAT,
            self._url,
        ):
            raise ResourceError(f"{self.path} holds no sign-in: delete it, and sign in again")
        return kept

    def write(self, kept: dict[str, Any]) -> None:
        """Keeps something instead of what there was, all of it or nothing.

        Raises:
            ResourceError: It cannot be written, or would lie in a project.
        """
        folder = self.path.parent
        for parent in folder.absolute().parents if FOLDER_VARIABLE in os.environ else ():
            if (parent / "pyproject.toml").exists():
                raise ResourceError(
                    f"{folder} lies in the project {parent}, with which tokens could travel: name "
                    f"another folder in {FOLDER_VARIABLE}"
                )
        data = json.dumps({"format": FORMAT, "url": self._url, **kept}, indent=1).encode()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder)  # it is made with the mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise ResourceError(f"{self.path} cannot be written: {error.strerror}") from None

    @asynccontextmanager
    async def locked(self) -> AsyncGenerator[None]:
        """While it is held, no other process of this machine has the tokens renewed.

        Raises:
            ResourceError: It cannot be had.
        """
        lock = self.path.with_suffix(".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ResourceError(f"{lock} cannot be written: {error.strerror}") from None
        try:
            await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _folder() -> Path:
    said = os.environ.get(FOLDER_VARIABLE)
    if said:
        return Path(said).expanduser().absolute()
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():  # a relative one counts for nothing, says the XDG specification
        state = Path.home() / ".local" / "state"
    return state / "headrace" / "mcp"
