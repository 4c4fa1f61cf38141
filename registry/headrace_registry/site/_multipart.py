"""An uploaded form, read piece by piece: its file onto the disk, its texts not, all bounded."""

from __future__ import annotations

import email
import email.policy
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_registry.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Form", "read_form"]

MAX_TEXTS = 4 * 1024**2
"""Bytes of all texts of a form."""
MAX_PARTS = 1_000
_MAX_HEAD = 16 * 1024
_CHUNK = 1 << 18


@dataclass(slots=True)
class Form:
    """What a form holds."""

    fields: dict[str, str] = field(default_factory=dict)
    """Its texts; of several with one name, the first."""
    filename: str = ""
    """What its file is called there."""
    size: int = 0
    """The bytes of its file."""
    sha256: str = ""
    """The digest of its file, in hexadecimal."""


def read_form(
    read: Callable[[int], bytes], length: int, boundary: str, target: Path, limit: int
) -> Form:
    """Reads a form (RFC 7578).

    Args:
        read: Gives up to so many bytes.
        length: How many there are.
        boundary: What stands between its parts.
        target: Where its file goes.
        limit: The most bytes that its file may have.

    Raises:
        PublishError: It is no such form, or too large.
    """
    body = _Body(read, length, b"\r\n--" + boundary.encode("latin-1", "replace"))
    form = Form()
    texts = 0
    for number, (name, filename, pieces) in enumerate(body.parts()):
        if number == MAX_PARTS:
            raise PublishError(f"the form has more than {MAX_PARTS} parts")
        if filename is None:
            value = b""
            for piece in pieces:
                texts += len(piece)
                if texts > MAX_TEXTS:
                    raise PublishError(f"the form's texts have more than {MAX_TEXTS} bytes")
                value += piece
            form.fields.setdefault(name, value.decode("utf-8", "replace"))
            continue
        if form.filename:
            raise PublishError("the form has several files; upload one after the other")
        form.filename = filename
        total = hashlib.sha256()
        with target.open("wb") as file:
            for piece in pieces:
                form.size += len(piece)
                if form.size > limit:
                    raise PublishError(f"the file has more than {limit} bytes")
                total.update(piece)
                file.write(piece)
        form.sha256 = total.hexdigest()
    return form


class _Body:
    """The bytes of a form, of which a few are held at a time."""

    def __init__(self, read: Callable[[int], bytes], length: int, mark: bytes) -> None:
        self._read = read
        self._left = length
        self._mark = mark
        self._held = b"\r\n"  # so that the first mark looks like the others

    def parts(self) -> Iterator[tuple[str, str | None, Iterator[bytes]]]:
        """Name, file name and pieces of each part; the pieces are to be taken before the next."""
        for _ in self._until_mark():
            raise PublishError("the form does not begin with its boundary")
        while True:
            self._need(2)
            ending, self._held = self._held[:2], self._held[2:]
            if ending == b"--":
                return
            if ending != b"\r\n":
                raise PublishError("the form's boundary is followed by something else")
            name, filename = self._head()
            pieces = self._until_mark()
            yield name, filename, pieces
            for _ in pieces:  # what nobody took
                pass

    def _head(self) -> tuple[str, str | None]:
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > _MAX_HEAD or not self._fill():
                raise PublishError("a part of the form has no end of its headers")
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        said = email.message_from_bytes(head + b"\r\n\r\n", policy=email.policy.HTTP)
        name = said.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise PublishError("a part of the form has no name")
        return name, said.get_filename()

    def _until_mark(self) -> Iterator[bytes]:
        """The bytes before the next mark, which is taken away."""
        while True:
            at = self._held.find(self._mark)
            if at >= 0:
                piece, self._held = self._held[:at], self._held[at + len(self._mark) :]
                if piece:
                    yield piece
                return
            safe = len(self._held) - len(self._mark) + 1  # a mark may begin in the rest
            if safe > 0:
                piece, self._held = self._held[:safe], self._held[safe:]
                yield piece
            if not self._fill():
                raise PublishError("the form breaks off")

    def _need(self, count: int) -> None:
        while len(self._held) < count:
            if not self._fill():
                raise PublishError("the form breaks off")

    def _fill(self) -> bool:
        data = self._read(min(_CHUNK, self._left)) if self._left else b""
        self._left -= len(data)
        self._held += data
        return bool(data)
