"""Where a registry's files are read from: a folder, or an HTTP server."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from headrace_registry.errors import DownloadError
from headrace_skills._confined import resolve_beneath
from headrace_skills.errors import SkillPathError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace_registry.settings import RegistrySettings

__all__ = [
    "AccessError",
    "Limits",
    "MissingError",
    "Remote",
    "UnreachableError",
    "failure",
    "open_remote",
]

CHUNK = 1 << 18
"""The most bytes that are read at once."""


class MissingError(DownloadError):
    """The registry is there, and has no such file."""


class AccessError(DownloadError):
    """The registry wants credentials, or others than it got."""


class UnreachableError(DownloadError):
    """The registry does not answer, or answers that it cannot now."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a server may take, in seconds."""

    connect: float = 10.0
    """For one try to connect."""
    answer: float = 60.0
    """Until the first byte of a file, with all tries."""
    silence: float = 20.0
    """Between two bytes."""
    total: float = 1800.0
    """For a file."""
    least_rate: int = 2048
    """Bytes in a second, on average, once ``silence`` is over."""


class Remote(Protocol):
    """Something that files of a registry are read from."""

    used_keyring: bool
    """Whether credentials came from the keyring."""

    def read(self, path: str, limit: int) -> Iterator[bytes]:
        """The bytes of a file.

        Args:
            path: Its place in the site.
            limit: The most bytes that are taken.

        Raises:
            DownloadError: It cannot be had, or is larger.
        """
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...


def open_remote(registry: RegistrySettings, tls: Path, limits: Limits | None = None) -> Remote:
    """Opens a registry; nothing is read yet.

    Args:
        registry: The registry.
        tls: A folder for files of authorities.
        limits: How long it may take.
    """
    if urlsplit(registry.url).scheme == "file":
        return _Folder(registry)
    from headrace_registry.http._server import Server

    return Server(registry, tls, limits or Limits())


def failure(
    registry: RegistrySettings,
    what: str,
    *,
    where: str = "",
    why: str = "",
    then: str = "",
    kind: type[DownloadError] = DownloadError,
) -> DownloadError:
    """An error with all that a person asks for."""
    lines = [f"registry {registry.name!r}: {what}", f"  where: {where or registry.url}"]
    lines += [f"  {name:<7}{text}" for name, text in (("why:", why), ("next:", then)) if text]
    return kind("\n".join(lines))


class _Folder:
    """A registry in a folder of this machine."""

    used_keyring = False

    def __init__(self, registry: RegistrySettings) -> None:
        from pathlib import Path

        self._registry = registry
        self._folder = Path(url2pathname(urlsplit(registry.url).path))

    def read(self, path: str, limit: int) -> Iterator[bytes]:
        if not self._folder.is_dir():
            raise failure(self._registry, "there is no such folder", kind=UnreachableError)
        where = f"{self._registry.url}/{path}"
        try:
            found = resolve_beneath(self._folder, path)
            info = found.stat()
        except (SkillPathError, OSError):
            raise failure(
                self._registry, f"has no file {path}", where=where, kind=MissingError
            ) from None
        if not stat.S_ISREG(info.st_mode):
            raise failure(self._registry, f"{path} is not a file", where=where)
        if info.st_size > limit:
            raise failure(
                self._registry, f"{path} is larger than the {limit} bytes expected", where=where
            )
        try:
            with found.open("rb") as file:
                got = 0
                while chunk := file.read(CHUNK):
                    got += len(chunk)
                    if got > limit:
                        raise failure(self._registry, f"{path} grew while it was read", where=where)
                    yield chunk
        except OSError as error:
            raise failure(
                self._registry, f"{path} cannot be read", where=where, why=str(error.strerror)
            ) from None

    def close(self) -> None:
        pass
