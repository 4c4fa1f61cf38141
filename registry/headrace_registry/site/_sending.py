"""A wheel sent to a registry that takes uploads."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace_registry.errors import PublishError
from headrace_registry.settings import without_credentials
from headrace_registry.wheels import file_digest, wheel_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["TOKEN", "send"]

TOKEN = "HEADRACE_UPLOAD_TOKEN"  # noqa: S105 - a variable's name
"""The variable of the environment that holds a registry's token."""
_USER = "__token__"
_CHUNK = 1 << 17
_TIMES = (10, 300)  # seconds to connect, and to wait for the answer: it is made anew and signed
_ANSWER = 16 * 1024
_HERE = ("127.0.0.1", "::1", "localhost")


def send(
    wheel: Path,
    url: str,
    *,
    token: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Uploads a wheel, by the protocol that uv and twine speak; gives what the registry says.

    Args:
        wheel: The file.
        url: The registry's address.
        token: Its token; what ``HEADRACE_UPLOAD_TOKEN`` says, if None, else the user's netrc.
        progress: Told how many bytes were sent, and how many there are.

    Raises:
        PublishError: It could not be sent, or the registry does not take it.
        WheelError: It is not named like a wheel.
    """
    import requests

    shown = without_credentials(url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise PublishError(f"{shown} is no address that a wheel can be sent to")
    if parts.scheme == "http" and parts.hostname not in _HERE:
        raise PublishError(
            f"{shown} has no TLS: a token that goes there can be read on the way\n"
            "  next: use its https address"
        )
    token = token or os.environ.get(TOKEN)
    body = _Body(wheel, progress)
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/",
            data=body,
            headers={"Content-Type": f"multipart/form-data; boundary={body.boundary}"},
            auth=(_USER, token) if token else None,
            timeout=_TIMES,
            allow_redirects=False,
            stream=True,
        )
        with answer:
            said: bytes = answer.raw.read(_ANSWER, decode_content=True)
    except requests.RequestException as error:
        raise PublishError(f"{shown} cannot be reached: {_reason(error)}") from None
    text = said.decode("utf-8", "replace").strip()
    if answer.status_code == requests.codes.unauthorized:
        raise PublishError(
            f"{shown} wants a token{', and not this one' if token else ''}\n"
            f"  next: export {TOKEN}=..."
        )
    if not answer.ok or answer.is_redirect:
        raise PublishError(
            f"{shown} does not take {wheel.name} ({answer.status_code}):\n"
            f"  {text.replace(chr(10), chr(10) + '  ')}"
        )
    return text


def _reason(error: Exception) -> str:
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return getattr(inner, "strerror", None) or type(error).__name__


class _Body:
    """The form with the wheel, made while it is sent."""

    def __init__(self, wheel: Path, progress: Callable[[int, int], None] | None) -> None:
        self.boundary = secrets.token_hex(16)
        self._wheel = wheel
        self._progress = progress
        name, version = wheel_name(wheel.name)
        try:
            size, digest = wheel.stat().st_size, file_digest(wheel)
        except OSError as error:
            raise PublishError(f"{wheel} cannot be read: {error.strerror}") from None
        fields = {
            ":action": "file_upload",
            "protocol_version": "1",
            "name": name,
            "version": version,
            "filetype": "bdist_wheel",
            "sha256_digest": digest,
        }
        parts = [self._part(one, value) for one, value in fields.items()]
        self._head = "".join(parts).encode() + self._opening(wheel.name)
        self._tail = f"\r\n--{self.boundary}--\r\n".encode()
        self._size = size

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        yield self._head
        with self._wheel.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
                sent += len(chunk)
                if self._progress is not None:
                    self._progress(sent, self._size)
        yield self._tail

    def _part(self, name: str, value: str) -> str:
        head = f'Content-Disposition: form-data; name="{name}"'
        return f"--{self.boundary}\r\n{head}\r\n\r\n{value}\r\n"

    def _opening(self, filename: str) -> bytes:
        head = f'Content-Disposition: form-data; name="content"; filename="{filename}"'
        kind = "Content-Type: application/octet-stream"
        return f"--{self.boundary}\r\n{head}\r\n{kind}\r\n\r\n".encode()
