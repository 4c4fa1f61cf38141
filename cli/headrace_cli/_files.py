"""Files that the command line names: looked at before anything is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "STANDARD",
    "check_apart",
    "check_input",
    "check_output",
    "shown_path",
    "write_text",
]

STANDARD = "-"
"""Stands for stdin or stdout."""


def check_input(path: Path, option: str = "--input") -> None:
    """Refuses a file that cannot be read.

    Raises:
        WrongUseError: With what is the matter.
    """
    if path.is_dir():
        raise WrongUseError(f"{option} {path} is a folder, and must be a file")
    if not path.exists():
        raise WrongUseError(f"{option} {path}: there is no such file", where=str(path.absolute()))
    if not os.access(path, os.R_OK):
        raise WrongUseError(f"{option} {path} cannot be read", why="no permission")


def check_output(path: Path, option: str = "--output") -> None:
    """Refuses a file that could not be written; nothing is written yet.

    Raises:
        WrongUseError: With what is the matter.
    """
    if path.is_dir():
        raise WrongUseError(f"{option} {path} is a folder, and must be a file")
    if not path.parent.is_dir():
        raise WrongUseError(
            f"{option} {path}: there is no folder {path.parent}", then=f"mkdir -p {path.parent}"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise WrongUseError(f"{option} {path} cannot be written", why="no permission")


def check_apart(files: Mapping[str, Path | None]) -> None:
    """Refuses one file under two options: the one would be written over the other.

    Raises:
        WrongUseError: It names both options.
    """
    seen: dict[Path, str] = {}
    for option, path in files.items():
        # A device such as /dev/null may well be named twice.
        if path is None or (path.exists() and not path.is_file()):
            continue
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            raise WrongUseError(f"{other} and {option} are one file: {path}")


def shown_path(path: Path) -> Path:
    """A path as one would type it here."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def write_text(target: str, text: str) -> None:
    """Writes a text to stdout (``-``) or, whole or not at all, to a file."""
    if target == STANDARD:
        click.echo(text, nl=False)
        return
    path = Path(target)
    check_output(path, "-o")
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(text)
    written = Path(file.name)
    umask = os.umask(0)
    os.umask(umask)
    written.chmod(0o666 & ~umask)
    written.replace(path)
