"""A job's zip, read without trust: its manifest, its parts, and all of its files in one go.

A zip comes from somebody else, or over a network. Its list of files is checked before anything of
it is read, every part has a bound, and nothing is held in memory that need not be.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.errors import PlanVersionError
from headrace.jobs.manifest import MANIFEST, MAX_BYTES, ManifestError, parse_manifest
from headrace_registry._wheel_archive import open_archive
from headrace_registry.errors import RegistryError
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from headrace.jobs.manifest import JobManifest
    from headrace_registry._wheel_archive import Entry, WheelArchive

    Progress = Callable[[int, int], None]
    Keep = Callable[[Entry], AbstractContextManager[Callable[[bytes], object]]]

__all__ = ["MAX_TEXT", "MAX_UNPACKED", "JobZip", "VerificationError", "open_job", "read_all"]

MAX_TEXT = 64 * 1024**2
"""The largest plan, lock, list or RECORD that is read, in bytes."""
MAX_UNPACKED = 16 * 1024**3
"""What a job's zip may unpack to, in bytes."""
_CHUNK = 1 << 20
_BATCH_FILES, _BATCH_BYTES = 64, 4 << 20
_THREADS = 4
_SHOWN, _LONGEST = 40, 400


class VerificationError(RegistryError):
    """A job's zip that must not be run.

    Args:
        text: What is wrong.
        faults: Every fault, a line each.
    """

    def __init__(self, text: str, faults: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.faults = tuple(faults) or (text,)

    @classmethod
    def of(cls, path: Path, faults: Sequence[str]) -> VerificationError:
        """The error that tells some faults of a zip."""
        faults = [one_line(one, _LONGEST) for one in faults]  # they have a stranger's names
        count = f"{len(faults):,} fault{'' if len(faults) == 1 else 's'}"
        lines = [f"{path}: not to be run: {count}", *(f"  {one}" for one in faults[:_SHOWN])]
        if len(faults) > _SHOWN:
            lines.append(f"  and {len(faults) - _SHOWN:,} more (--json has all of them)")
        lines.append("  next: copy it again from where it was built, or build it again")
        return cls("\n".join(lines), faults)


@dataclass(frozen=True, slots=True)
class JobZip:
    """A job's zip that is open; what it says of itself is not verified."""

    path: Path
    """The file."""
    size: int
    """Its bytes."""
    archive: WheelArchive
    """Its list of files, which can be believed."""
    entries: Mapping[str, Entry]
    """Its files, by path."""
    manifest: JobManifest
    """What ``job.json`` says."""
    manifest_bytes: bytes
    """The bytes of ``job.json``."""
    digest: str
    """The job's digest: their SHA-256, in hexadecimal."""

    def read(self, name: str, limit: int = MAX_TEXT) -> bytes | None:
        """A file of it; ``None`` where there is none.

        Raises:
            VerificationError: It is larger than ``limit``, or damaged.
        """
        return self.archive.read(name, limit)


@contextmanager
def open_job(path: Path) -> Iterator[JobZip]:
    """Opens a job's zip.

    Raises:
        VerificationError: It is no zip, no whole one, no job's, of a later format, or one that
            nothing should be unpacked from.
    """
    with open_archive(path, "job's zip", VerificationError) as archive:
        data = archive.read(MANIFEST, MAX_BYTES)
        if data is None:
            raise VerificationError(f"this is no job's zip: {_other(archive)}")
        try:
            manifest = parse_manifest(data)
        except (ManifestError, PlanVersionError) as error:
            raise VerificationError(_harmless(str(error))) from None
        unpacked = sum(one.size for one in archive.entries)
        if unpacked > MAX_UNPACKED:
            raise VerificationError(f"it unpacks to {unpacked:,} bytes, more than {MAX_UNPACKED:,}")
        yield JobZip(
            path=path,
            size=os.fstat(archive.descriptor).st_size,
            archive=archive,
            entries={one.name: one for one in archive.entries},
            manifest=manifest,
            manifest_bytes=data,
            digest=hashlib.sha256(data).hexdigest(),
        )


def _harmless(text: str) -> str:
    """A text of several lines that quotes a stranger's manifest, fit for a terminal."""
    lines = text.split("\n")
    return "\n".join(
        " " * (len(one) - len(one.lstrip(" "))) + one_line(one, _LONGEST) for one in lines
    )


def _other(archive: WheelArchive) -> str:
    """What a zip without a manifest is."""
    infos = (one.partition(".dist-info/") for one in archive.names)
    wheel = next((top for top, _, rest in infos if rest == "WHEEL" and "/" not in top), None)
    if wheel is not None:
        return f"it is a wheel, of {wheel.replace('-', ' ', 1)}"
    below = next((one for one in archive.names if one.endswith(f"/{MANIFEST}")), None)
    if below is not None:
        return (
            f"its {MANIFEST} is in the folder {below.rpartition('/')[0]}/\n"
            "  why:   somebody unpacked it, and packed the folder that it was in\n"
            "  next:  take the file that `agents build` wrote"
        )
    some = ", ".join(archive.names[:5]) or "nothing"
    return f"it has no {MANIFEST}, and holds {some}\n  next:  agents build MODULE:JOB -o job.zip"


def read_all(
    job: JobZip,
    names: Sequence[str],
    *,
    keep: Keep | None = None,
    progress: Progress | None = None,
) -> dict[str, str]:
    """Reads files through, several at once.

    Args:
        job: The zip.
        names: Which of its files.
        keep: Opens the place that a file's content is to be written to as well.
        progress: Is told of bytes: how many are read, and how many there are.

    Returns:
        For each file, the SHA-256 of its content, in hexadecimal; nothing where it is damaged.

    Raises:
        OSError: What is to be kept cannot be written.
    """
    entries = [job.entries[name] for name in names]
    total = sum(one.packed for one in entries)
    descriptor = job.archive.descriptor
    found: dict[str, str] = {}
    done = 0

    def read(batch: Sequence[Entry]) -> dict[str, str]:
        return {one.name: _digest(descriptor, one, keep) for one in batch}

    pool = ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), "job zip")
    try:
        waiting = {pool.submit(read, batch): batch for batch in _batches(entries)}
        for one in as_completed(waiting):
            found.update(one.result())
            done += sum(entry.packed for entry in waiting[one])
            if progress is not None:
                progress(done, total)
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C waits for those alone that have begun
    return found


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Files that are read in one go: a thread for each of 12,000 would cost more than reading."""
    batch: list[Entry] = []
    size = 0
    for one in entries:
        batch.append(one)
        size += one.packed
        if len(batch) == _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _digest(descriptor: int, entry: Entry, keep: Keep | None) -> str:
    total = hashlib.sha256()
    crc = 0
    with keep(entry) if keep is not None else nullcontext() as write:
        try:
            for piece in _content(descriptor, entry):
                total.update(piece)
                crc = zlib.crc32(piece, crc)
                if write is not None:
                    write(piece)
        except (zlib.error, EOFError):
            return ""
    # Java's unpackers check it, and would fail on the cluster.
    return total.hexdigest() if crc == entry.crc else ""


def _content(descriptor: int, entry: Entry) -> Iterator[bytes]:
    """A file's content, in pieces; threads may read from one file at once.

    Raises:
        EOFError: It has another size than the list says.
        zlib.error: It is damaged.
    """
    at, left, unread = entry.offset, entry.packed, entry.size
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if entry.deflated else None
    rest = b""
    while unread or (unpacker is not None and not unpacker.eof):
        if not rest and left:
            rest = os.pread(descriptor, min(left, _CHUNK), at)
            at, left = at + len(rest), left - len(rest)
            if not rest:
                raise EOFError(entry.name)  # cut short since its list was read
        if unpacker is None:
            piece, rest = rest, b""
        else:
            # One byte more than there should be tells a file that does not end.
            piece = unpacker.decompress(rest, min(unread + 1, _CHUNK))
            rest = unpacker.unconsumed_tail
        unread -= len(piece)
        ended = unpacker is not None and unpacker.eof
        if unread < 0 or not (piece or rest or ended or left):
            raise EOFError(entry.name)
        if piece:
            yield piece
        if ended:
            break
    if unread or left or rest or (unpacker is not None and unpacker.unused_data):
        raise EOFError(entry.name)
