"""Uploads to a registry that is being served, by the protocol that uv and twine speak."""

from __future__ import annotations

import base64
import binascii
import hmac
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.errors import BusyError, PublishError, RegistryError, WheelError
from headrace_registry.site._building import publish
from headrace_registry.site._multipart import read_form
from headrace_registry.wheels import wheel_name

if TYPE_CHECKING:
    from collections.abc import Collection
    from email.message import Message
    from io import BufferedIOBase

    from headrace_registry.trust import Signer

__all__ = ["MAX_UPLOAD", "Answer", "Uploads"]

MAX_UPLOAD = 300 * 1024**2
"""Bytes of a wheel that is uploaded."""
_EXTRA = 8 * 1024**2  # bytes of the form around it
_ACTION = ":action"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an uploader is told."""

    status: int
    """The HTTP status."""
    text: str
    """Why."""
    close: bool = False
    """Whether the connection is of no use any more."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes uploads into a site."""

    site: Path
    """The site's folder."""
    token: str = field(repr=False)
    """What an uploader has to know; as a password, with any user name."""
    accept: Collection[str] = ()
    """Rules of the audit whose serious findings are taken."""
    signer: Signer | None = None
    """What signs the site."""
    limit: int = MAX_UPLOAD
    """The most bytes of a wheel."""

    def take(self, headers: Message, body: BufferedIOBase, length: int) -> Answer:
        """Reads an upload, and publishes the wheel in it.

        Args:
            headers: Those of the request.
            body: What follows them.
            length: How many bytes that has.
        """
        if length > self.limit + _EXTRA:
            return Answer(413, f"an upload has at most {self.limit} bytes\n", close=True)
        if not self._is_known(headers.get("Authorization", "")):
            answer = Answer(401, "an upload needs the token of this registry, as its password\n")
            _Rest(body, length).drain()
            return answer
        rest = _Rest(body, length)
        try:
            return Answer(200, self._publish(headers, rest))
        except BusyError as error:
            return Answer(503, f"{error}\n")
        except RegistryError as error:
            return Answer(400, f"{error}\n")
        finally:
            rest.drain()

    def _publish(self, headers: Message, rest: _Rest) -> str:
        boundary = headers.get_param("boundary")
        if headers.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
            raise PublishError("an upload is a form (multipart/form-data)")
        with tempfile.TemporaryDirectory(prefix="headrace-upload-") as scratch:
            draft = Path(scratch) / "upload"
            form = read_form(rest.read, rest.left, boundary, draft, self.limit)
            if form.fields.get(_ACTION) != "file_upload" or not form.filename:
                raise PublishError("an upload has the action file_upload, and a file")
            said = form.fields.get("sha256_digest", "").lower()
            if said and said != form.sha256:
                raise PublishError(
                    f"{form.filename!r} came with other contents than were sent: sha256 "
                    f"{form.sha256}, and the form says {said[:64]!r}"
                )
            wheel_name(form.filename)  # it is a name, and no path
            wheel = draft.rename(Path(scratch) / form.filename)
            try:
                report = publish(wheel, self.site, accept=self.accept, signer=self.signer)
            except WheelError as error:  # it tells where the wheel is, which is not to be told
                raise PublishError(str(error).replace(f"{scratch}/", "")) from None
        return f"{form.filename}: {'added' if report.added else 'was there already'}\n"

    def _is_known(self, authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        given = value.strip()
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.encode(), self.token.encode())


class _Rest:
    """What is not read yet of a request's body."""

    def __init__(self, body: BufferedIOBase, length: int) -> None:
        self._body = body
        self.left = length

    def read(self, size: int) -> bytes:
        """Reads up to so many bytes."""
        data = self._body.read(min(size, self.left))
        self.left = self.left - len(data) if data else 0
        return data

    def drain(self) -> None:
        """Takes the rest, or the client would see a broken connection in place of the answer."""
        while self.left and self.read(1 << 18):
            pass
