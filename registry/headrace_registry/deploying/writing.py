"""A deployment's folder: written whole or not at all, and what others put into it is left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headrace_registry.deploying.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RECORD", "Change", "Folder", "changes_of", "write_folder"]

RECORD = "deploy.json"
"""The file that says what else in the folder was written, and from which job."""
_FORMAT = 1
_MAX_RECORD = 1024 * 1024
_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Folder:
    """What is to be written."""

    texts: Mapping[str, str] = field(hash=False)
    """The text of each file, by name."""
    copies: Mapping[str, Path] = field(hash=False)
    """The file that each of the others is a copy of."""
    executables: frozenset[str]
    """Those that are run."""
    about: Mapping[str, Any] = field(hash=False)
    """What it is a deployment of, for ``deploy.json``."""
    notes: tuple[str, ...] = ()
    """What whoever deploys it must know or do."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its files, but for ``deploy.json``."""
        return tuple(sorted([*self.texts, *self.copies]))


@dataclass(frozen=True, slots=True)
class Change:
    """A file of the folder."""

    path: str
    """Its name."""
    change: Literal["new", "changed", "same", "removed"]
    """What becomes of it."""
    size: int
    """Its bytes; 0 where it is removed."""


def changes_of(folder: Folder, target: Path, *, force: bool = False) -> tuple[Change, ...]:
    """What writing a folder would do.

    Args:
        folder: What is to be written.
        target: Where.
        force: Whether files are replaced that are someone else's, or were changed by hand.

    Raises:
        DeployError: It would not be written; says why.
    """
    record = _read_record(target)
    wanted = {name: _digest(_content(folder, name)) for name in folder.names}
    if not force:
        _refuse(target, record, wanted)
    changes = []
    for name, digest in wanted.items():
        content = _content(folder, name)
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        have = _digest(target / name) if (target / name).is_file() else None
        kind: Literal["new", "same", "changed"] = (
            "new" if have is None else "same" if have == digest else "changed"
        )
        changes.append(Change(name, kind, size))
    gone = sorted((record or {}).keys() - wanted.keys())
    changes += [Change(name, "removed", 0) for name in gone if (target / name).is_file()]
    return tuple(changes)


def write_folder(folder: Folder, target: Path, *, force: bool = False) -> tuple[Change, ...]:
    """Writes a folder: all of it, or nothing.

    Files that it wrote before and that are not of it any more are removed; any other file there,
    such as a secret, is left as it is.

    Args:
        folder: What is to be written.
        target: Where; it is made if it is not there.
        force: Whether files are replaced that are someone else's, or were changed by hand.

    Raises:
        DeployError: The folder holds something else, or files that were changed by hand.
        OSError: It cannot be written; what was there is there.
    """
    changes = changes_of(folder, target, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        new, old = staging / "new", staging / "old"
        old.mkdir()
        _stage(folder, new)
        if target.is_dir():
            _exchange(new, old, target, [one.path for one in changes if one.change == "removed"])
        else:
            new.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return changes


def _stage(folder: Folder, new: Path) -> None:
    new.mkdir()
    for name in folder.names:
        place = new / name
        content = _content(folder, name)
        if isinstance(content, Path):
            shutil.copyfile(content, place)
        else:
            place.write_bytes(content)
        place.chmod(0o755 if name in folder.executables else 0o644)
    record = {
        "format": _FORMAT,
        **folder.about,
        "files": {name: _digest(new / name) for name in folder.names},
    }
    (new / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _exchange(new: Path, old: Path, target: Path, gone: list[str]) -> None:
    """Puts new files in the place of old ones; puts the old ones back where that fails."""
    moved: list[str] = []
    placed: list[str] = []
    # The record comes last: after a kill before that, the folder is told as changed by hand.
    names = sorted((one.name for one in new.iterdir()), key=lambda name: name == RECORD)
    try:
        for name in [*gone, *names]:
            if (target / name).exists() or (target / name).is_symlink():
                (target / name).rename(old / name)
                moved.append(name)
            if name not in gone:
                (new / name).rename(target / name)
                placed.append(name)
    except BaseException:
        for name in placed:
            with suppress(OSError):
                (target / name).unlink()
        for name in moved:
            with suppress(OSError):
                (old / name).rename(target / name)
        raise


def _refuse(target: Path, record: Mapping[str, str] | None, wanted: Mapping[str, str]) -> None:
    if target.exists() and not target.is_dir():
        raise DeployError(f"{target} is no folder\n  next: -o with another name")
    if record is None:
        there = sorted(one.name for one in target.iterdir()) if target.is_dir() else []
        if there:
            raise DeployError(
                f"{target} has files that are no deployment: {_shown(there)}\n"
                "  next: -o with a folder that is not there, or --force to write beside them"
            )
        return
    edited = [
        name
        for name, digest in sorted(record.items())
        if (target / name).is_file() and _digest(target / name) not in {digest, wanted.get(name)}
    ]
    taken = [
        name for name in sorted(wanted.keys() - record.keys()) if os.path.lexists(target / name)
    ]
    if edited or taken:
        raise DeployError(
            f"{target} has files that were changed since: {_shown([*edited, *taken])}\n"
            "  next: take the changes along as options (--set KEY=VALUE), keep them in an overlay "
            "beside the folder, or --force to replace them"
        )


def _read_record(target: Path) -> dict[str, str] | None:
    """The files that were written into a folder, with their digests; ``None``: none ever were."""
    try:
        with (target / RECORD).open("rb") as file:
            data = json.loads(file.read(_MAX_RECORD))
        files = data["files"]
        return {str(name): str(digest) for name, digest in files.items() if "/" not in name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _content(folder: Folder, name: str) -> bytes | Path:
    return folder.copies[name] if name in folder.copies else folder.texts[name].encode()


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    found = hashlib.sha256()
    with content.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return ", ".join(names[:_MAX_SHOWN]) + more
