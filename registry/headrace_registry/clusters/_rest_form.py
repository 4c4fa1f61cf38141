"""The form that a job is submitted with, made while it is sent: its files may be large."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from urllib3.fields import RequestField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["SubmitForm"]

_CHUNK = 1 << 18


class SubmitForm:
    """What ``POST /jobs`` takes: a request as JSON, and the files that it names.

    Args:
        graph: The serialized execution plan.
        jars: Jars of the job.
        artifacts: Files for its tasks, by name.
        progress: Told how many bytes of files were sent, and how many there are.

    Raises:
        OSError: A file cannot be read.
    """

    def __init__(
        self,
        graph: Path,
        *,
        jars: Sequence[Path],
        artifacts: Mapping[str, Path],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._boundary = secrets.token_hex(16)
        self._progress = progress
        # Two files may be called the same; Flink knows them by the names that they have here.
        files = {"graph.bin": graph}
        jar_names = [_numbered(number, one.name, files, one) for number, one in enumerate(jars)]
        entries = [
            {"entryName": name, "fileName": _numbered(number, path.name, files, path)}
            for number, (name, path) in enumerate(artifacts.items(), len(jar_names))
        ]
        request = {
            "jobGraphFileName": "graph.bin",  # the name that Flink 1 and 2 both know
            "jobJarFileNames": jar_names,
            "jobArtifactFileNames": entries,
        }
        self._head = self._part("request", None, "application/json") + json.dumps(request).encode()
        self._files = [
            (self._part(f"file_{number}", name, "application/octet-stream"), path)
            for number, (name, path) in enumerate(files.items())
        ]
        self._sizes = [path.stat().st_size for _, path in self._files]
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """What the request is to say that it holds."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        heads = sum(len(head) for head, _ in self._files)
        return len(self._head) + heads + sum(self._sizes) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        sent, total = 0, sum(self._sizes)
        yield self._head
        for (head, path), size in zip(self._files, self._sizes, strict=True):
            yield head
            left = size
            with path.open("rb") as file:
                while left and (chunk := file.read(min(_CHUNK, left))):
                    yield chunk
                    left -= len(chunk)
                    sent += len(chunk)
                    if self._progress is not None:
                        self._progress(sent, total)
            if left:
                raise OSError(f"{path} became shorter while it was sent")
        yield self._tail

    def _part(self, name: str, filename: str | None, kind: str) -> bytes:
        field = RequestField(name, b"", filename)
        field.make_multipart(content_type=kind)
        return f"\r\n--{self._boundary}\r\n{field.render_headers()}".encode()


def _numbered(number: int, name: str, files: dict[str, Path], path: Path) -> str:
    shown = "".join(one if one.isalnum() or one in ".-_" else "_" for one in name)
    chosen = f"{number}-{shown[-100:]}"
    files[chosen] = path
    return chosen
