"""What is asked of a log: by reading it, or, where it is large, by an index."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from headrace_cli._logs._index import WORTH_IT, Index, available
from headrace_cli._logs._reading import files_of, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from headrace_cli._logs._filters import Wanted
    from headrace_cli._logs._reading import Problems

__all__ = ["newest", "priced", "records_of_run"]


def newest(
    wanted: Wanted, paths: list[Path], limit: int | None, problems: Problems
) -> tuple[list[dict[str, Any]], bool]:
    """The newest records that are wanted, the newest last; and whether there are older ones."""
    files = files_of(paths)
    if _large(files):
        return Index(files, problems).records(wanted, limit)
    kept: deque[dict[str, Any]] = deque(maxlen=limit)
    count = 0
    for record, _ in read(files, problems):
        if wanted.has(record):
            count += 1
            kept.append(record)
    return list(kept), count > len(kept)


def records_of_run(begin: str, paths: list[Path], problems: Problems) -> list[dict[str, Any]]:
    """The records of the runs whose ids begin so."""
    files = files_of(paths)
    if _large(files):
        return Index(files, problems).run(begin)
    return [
        record
        for record, _ in read(files, problems)
        if type(record.get("run")) is str and record["run"].startswith(begin)
    ]


def priced(wanted: Wanted, paths: list[Path], problems: Problems) -> Iterator[Mapping[str, Any]]:
    """The records that tell of tokens, and those of skills; of a run in the order of time."""
    files = files_of(paths)
    if _large(files):
        yield from Index(files, problems).priced(wanted)
        return
    for record, _ in read(files, problems):
        if ("usage" in record or record["kind"] == "skill") and wanted.has(record):
            yield record


def _large(files: list[Path]) -> bool:
    """Whether an index is worth it: by the bytes; those of a compressed file count ten times."""
    size = sum(path.stat().st_size * (10 if path.name.endswith(".gz") else 1) for path in files)
    return size >= WORTH_IT and available()
