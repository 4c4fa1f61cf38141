"""Several files of a project changed as one: all of them, or none.

What is new and what was is written down first, in ``.headrace/change/``. From the moment that
``.headrace/journal.json`` is there until it is gone, whoever finds it puts back what was. A kill
at any moment leaves either the old files, or the new ones, or a journal that gives back the old.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace_registry.errors import ProjectFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["FOLDER", "changing", "private_folder", "recover", "write_files"]

FOLDER = ".headrace"
"""The folder in a project that is this package's own; version control is told to leave it out."""
_JOURNAL = "journal.json"
_CHANGE = "change"
_MAX_JOURNAL = 16 * 1024**2
_OPEN: set[Path] = set()
"""The projects that this process is changing: what it began is not to be taken back meanwhile."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A file that changes."""

    path: Path
    """Where it is."""
    relative: str
    """The same, seen from the project."""
    old: bytes | None = field(repr=False)
    new: bytes | None = field(repr=False)
    mode: int | None
    """The old file's mode."""


def write_files(
    project: Path,
    files: Mapping[Path, bytes | None],
    *,
    read: Mapping[Path, bytes | None] | None = None,
) -> Callable[[], None]:
    """Write, replace and remove files: all of them, or none.

    Args:
        project: The project's folder; all files are in it.
        files: The content of each; ``None``: it is to go.
        read: What was read of them before: one that is not so any more is not overwritten.

    Returns:
        What takes all of it back, unless a file was changed by someone else since.

    Raises:
        ProjectFileError: Nothing was changed; says which file, and why.
    """
    with _changing(project, files, read) as steps:
        pass

    def undo() -> None:
        old = {one.path: one.old for one in steps}
        new = {one.path: one.new for one in steps}
        write_files(project, old, read=new)

    return undo


@contextmanager
def changing(
    project: Path,
    files: Mapping[Path, bytes | None],
    *,
    read: Mapping[Path, bytes | None] | None = None,
) -> Iterator[None]:
    """As ``write_files``, for the time of a block: if that fails, all of it is taken back.

    Until the block is over, the journal stays: after a kill in it ``recover`` takes all back.

    Raises:
        ProjectFileError: Nothing was changed; says which file, and why.
    """
    with _changing(project, files, read):
        yield


def recover(project: Path) -> tuple[Path, ...]:
    """Take back what a command that was killed had begun to change.

    Call it with the project's lock held, before anything is read.

    Returns:
        The files that were put back; none where nothing was left to do.

    Raises:
        ProjectFileError: A file was changed by someone else since; it is left, and so is the old
            one, which the text names. Or this process is changing the project right now.
    """
    if project.resolve() in _OPEN:
        raise ProjectFileError(f"{project} is being changed: there is nothing to take back yet")
    return _take_back(project)


def _take_back(project: Path) -> tuple[Path, ...]:
    home = project / FOLDER
    journal = home / _JOURNAL
    steps = _read_journal(project, journal)
    if steps is None:
        if (home / _CHANGE).is_dir():
            shutil.rmtree(home / _CHANGE, ignore_errors=True)
        return ()
    restored, foreign = [], []
    for number, step in enumerate(steps):
        path = project / step["path"]
        now = _digest(_content(path))
        if now == step["old"]:
            continue
        if now != step["new"]:
            foreign.append((path, home / _CHANGE / f"{number}.old"))
            continue
        _restore(path, step, home / _CHANGE / f"{number}.old")
        restored.append(path)
    if foreign:
        path, old = foreign[0]
        raise ProjectFileError(
            f"{path} was changed after a command that changed it was stopped\n"
            f"  where: {old} is what it was before that command\n"
            f"  next:  put right {path}, then remove {journal}"
        )
    _remove_made(project, [one for step in steps for one in step["made"]])
    journal.unlink()
    _sync(home)
    shutil.rmtree(home / _CHANGE, ignore_errors=True)
    return tuple(restored)


def private_folder(project: Path) -> Path:
    """Make the project's ``.headrace`` folder.

    Raises:
        ProjectFileError: It cannot be made.
    """
    home = project / FOLDER
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        ignore = home / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise _failed(home, error) from None
    if home.is_symlink():
        raise ProjectFileError(f"{home} is a link, and must be a folder of the project's own")
    return home


class _Change:
    """One change of several files."""

    def __init__(self, project: Path, steps: tuple[_Step, ...]) -> None:
        self.project = project
        self.steps = steps
        self.home = private_folder(project)

    @classmethod
    def of(
        cls,
        project: Path,
        files: Mapping[Path, bytes | None],
        read: Mapping[Path, bytes | None] | None,
    ) -> _Change:
        recover(project)
        steps = [_step(project, path, new) for path, new in files.items()]
        for path, old in (read or {}).items():
            if _content(path) != old:
                raise _changed_meanwhile(path)
        return cls(project, tuple(one for one in steps if one.new != one.old))

    def apply(self) -> None:
        """Writes all down, then changes file after file."""
        drafts = self.home / _CHANGE
        try:
            drafts.mkdir(mode=0o700)
            made = [_made_by(self.project, one) for one in self.steps]
            for number, one in enumerate(self.steps):
                if one.old is not None:
                    _write(drafts / f"{number}.old", one.old, 0o600)
                if one.new is not None:
                    _write(drafts / f"{number}.new", one.new, _mode(one))
            _sync(drafts)
            self._write_journal(made)
            for number, one in enumerate(self.steps):
                self._place(one, drafts / f"{number}.new")
        except OSError as error:
            raise _failed(Path(error.filename or self.project), error) from None

    def commit(self) -> None:
        """Says that the change is done."""
        (self.home / _JOURNAL).unlink()
        _sync(self.home)
        shutil.rmtree(self.home / _CHANGE, ignore_errors=True)

    def _write_journal(self, made: list[list[str]]) -> None:
        said = [
            {
                "path": one.relative,
                "old": _digest(one.old),
                "new": _digest(one.new),
                "mode": one.mode,
                "made": folders,
            }
            for one, folders in zip(self.steps, made, strict=True)
        ]
        draft = self.home / _CHANGE / _JOURNAL
        _write(draft, json.dumps({"format": 1, "files": said}).encode(), 0o600)
        draft.replace(self.home / _JOURNAL)
        _sync(self.home)

    def _place(self, step: _Step, draft: Path) -> None:
        if _content(step.path) != step.old:
            raise _changed_meanwhile(step.path)
        if step.new is None:
            step.path.unlink()
        else:
            step.path.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(step.path)
        _sync(step.path.parent)


@contextmanager
def _changing(
    project: Path,
    files: Mapping[Path, bytes | None],
    read: Mapping[Path, bytes | None] | None,
) -> Iterator[tuple[_Step, ...]]:
    """Changes files, and takes that back if the block fails."""
    change = _Change.of(project, files, read)
    key = project.resolve()
    _OPEN.add(key)
    try:
        change.apply()
        yield change.steps
        change.commit()
    except BaseException as error:
        try:
            _take_back(project)
        except (ProjectFileError, OSError) as second:
            text = f"{error}\n  and it could not be taken back: {second}"
            raise ProjectFileError(text) from error
        raise
    finally:
        _OPEN.discard(key)


def _step(project: Path, path: Path, new: bytes | None) -> _Step:
    try:
        relative = path.relative_to(project)
    except ValueError:
        raise ProjectFileError(f"{path} is not in the project {project}") from None
    if ".." in relative.parts or relative.parts[:1] == (FOLDER,):
        raise ProjectFileError(f"{path} is no file of the project's own")
    folder = project
    for part in relative.parts[:-1]:
        folder /= part
        if folder.is_symlink():
            raise ProjectFileError(f"{folder} is a link: what is below it is not written to")
    old = _content(path)
    mode = None if old is None else stat.S_IMODE(path.stat().st_mode)
    return _Step(path, relative.as_posix(), old, new, mode)


def _content(path: Path) -> bytes | None:
    """What a file holds; ``None`` where there is none.

    Raises:
        ProjectFileError: Something else than a file stands there, or it cannot be read.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ProjectFileError(
                f"{path} is no plain file, and is not written to\n"
                "  next: put a file there instead of the link or the folder"
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _failed(path, error) from None


def _made_by(project: Path, step: _Step) -> list[str]:
    """The folders that have to be made for a file, the outermost first."""
    if step.new is None:
        return []
    above = [one for one in step.path.parents if one != project and project in one.parents]
    return [one.relative_to(project).as_posix() for one in reversed(above) if not one.exists()]


def _mode(step: _Step) -> int:
    if step.mode is not None:
        return step.mode
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _write(path: Path, data: bytes, mode: int) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _restore(path: Path, step: Mapping[str, Any], old: Path) -> None:
    if step["old"] is None:
        path.unlink()
    else:
        draft = old.with_suffix(".back")
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(draft, old.read_bytes(), step["mode"] or 0o644)
        draft.replace(path)
    _sync(path.parent)


def _remove_made(project: Path, made: list[str]) -> None:
    for folder in sorted(set(made), key=len, reverse=True):
        with suppress(OSError):  # someone put something there
            (project / folder).rmdir()


def _read_journal(project: Path, journal: Path) -> list[dict[str, Any]] | None:
    try:
        with journal.open("rb") as file:
            said = json.loads(file.read(_MAX_JOURNAL))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ProjectFileError(f"{journal} cannot be read: {error}") from None
    try:
        steps: list[dict[str, Any]] = said["files"]
        whole = all({"path", "old", "new", "mode", "made"} <= set(one) for one in steps)
        whole = whole and all(_is_within(name) for one in steps for name in _named(one))
    except (KeyError, TypeError):
        whole = False
    if not whole:
        raise ProjectFileError(
            f"{journal} is none that this headrace wrote; look at {project} and remove it"
        )
    return steps


def _named(step: Mapping[str, Any]) -> list[str]:
    return [step["path"], *step["made"]]


def _is_within(name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and not Path(name).is_absolute() and ".." not in parts


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _changed_meanwhile(path: Path) -> ProjectFileError:
    return ProjectFileError(
        f"{path} was changed by someone else meanwhile; nothing was overwritten\n"
        "  next: type the same once more"
    )


def _failed(path: Path, error: OSError) -> ProjectFileError:
    return ProjectFileError(
        f"{path} cannot be written: {error.strerror or error}\n  why: nothing was changed"
    )
