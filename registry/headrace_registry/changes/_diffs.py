"""What an update changes in the text of skills: they are instructions, so people read them."""

from __future__ import annotations

import tempfile
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.packing import contents_of, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["skill_diffs"]

_LONGEST = 256 * 1024
"""The largest file whose lines are compared; of a larger one it is said that it changed."""


def skill_diffs(before: Path | None, after: Path | None) -> list[tuple[str, str]]:
    """The differences between the skills of two wheels.

    Args:
        before: The wheel that the project has; ``None`` where that had no skills.
        after: The wheel that it gets; likewise.

    Returns:
        For each skill that changes, comes or goes: its name, and a unified difference of its
        files by path.

    Raises:
        PackingError: One of them is no wheel that can be read safely.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        old = _files(before, Path(folder, "before"))
        new = _files(after, Path(folder, "after"))
    found = []
    for name in sorted({*old, *new}):
        lines = list(_of_skill(old.get(name, {}), new.get(name, {})))
        if lines:
            found.append((name, "\n".join(lines)))
    return found


def _files(wheel: Path | None, into: Path) -> dict[str, dict[str, bytes]]:
    if wheel is None:
        return {}
    into.mkdir()
    return {
        one.name: {file.path: file.read() for file in contents_of(one.folder).files}
        for one in unpack(wheel, into)
    }


def _of_skill(old: dict[str, bytes], new: dict[str, bytes]) -> Iterator[str]:
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before != after:
            yield from _of_file(path, before, after)


def _of_file(path: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    texts = [_lines(one) for one in (before, after)]
    if None in texts:
        yield f"{path}: {'new' if before is None else 'gone' if after is None else 'changed'}"
        return
    old = f"a/{path}" if before is not None else "/dev/null"
    new = f"b/{path}" if after is not None else "/dev/null"
    yield from unified_diff(texts[0] or [], texts[1] or [], old, new, lineterm="")


def _lines(data: bytes | None) -> list[str] | None:
    """The lines of a text; ``None`` for what is no text, or too much of it."""
    if data is None:
        return []
    if len(data) > _LONGEST or b"\0" in data:
        return None
    try:
        return data.decode().splitlines()
    except UnicodeDecodeError:
        return None
