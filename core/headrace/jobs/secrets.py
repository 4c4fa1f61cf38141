"""Secrets of a job: named where it is built, and given where it runs.

A job's zip holds the names of environment variables. A worker takes each from its environment, or
from a file of that name in a folder, as Kubernetes mounts a secret.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import NonRetryableError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["FOLDER", "FOLDER_VARIABLE", "MAX_BYTES", "SecretsError", "load_secrets"]

FOLDER_VARIABLE = "HEADRACE_SECRETS"
"""The environment variable that says which folder has the files."""
FOLDER = "/etc/headrace/secrets"
"""The folder, where that says nothing."""
MAX_BYTES = 64 * 1024
"""The largest secret: systems bound what an environment variable holds."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretsError(NonRetryableError):
    """Secrets that a job names and a worker lacks; no value is ever in its text."""


def load_secrets(names: Collection[str], folder: Path | None = None) -> None:
    """Puts the secrets that the environment lacks into it, each from the file of its name.

    What the environment has is left as it is. Of a file, one newline at its end is dropped.

    Args:
        names: The names of environment variables.
        folder: Where the files are; else where ``HEADRACE_SECRETS`` says, else
            ``/etc/headrace/secrets``. Links within it are followed, as Kubernetes makes them.

    Raises:
        SecretsError: Some are to be had nowhere: it names all of them, and nothing was changed.
    """
    where = folder or Path(os.environ.get(FOLDER_VARIABLE) or FOLDER)
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name in sorted(set(names)):
        if name in os.environ:
            continue
        try:
            found[name] = _read(where, name)
        except ValueError as error:
            missing[name] = str(error)
    if missing:
        lines = "\n".join(f"    {name}: {why}" for name, why in missing.items())
        count = "a secret is" if len(missing) == 1 else f"{len(missing)} secrets are"
        raise SecretsError(
            f"{count} missing on this worker:\n{lines}\n"
            "  next: set the environment variable on each TaskManager, or mount a file of that "
            f"name into {where} ({FOLDER_VARIABLE} names another folder)"
        )
    os.environ.update(found)


def _read(folder: Path, name: str) -> str:
    """The secret in a file.

    Raises:
        ValueError: There is none, or none that can be used; says why, without what it holds.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("this is not the name of an environment variable")
    try:
        real = (folder / name).resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            raise ValueError("its file is a link that leads out of the folder")
        # Not blocking: a pipe that nobody writes to would hold up the worker.
        opened = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise ValueError("what has its name in the folder is not a file")
            with os.fdopen(opened, "rb", closefd=False) as file:
                data = file.read(MAX_BYTES + 1)
        finally:
            os.close(opened)
    except FileNotFoundError:
        raise ValueError("neither in the environment nor in the folder") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        why = getattr(error, "strerror", None) or "its links lead in a circle"
        raise ValueError(f"its file cannot be read: {why}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"its file has more than {MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("its file is not UTF-8") from None
    if "\0" in text:
        raise ValueError("its file holds a NUL character")
    return text.removesuffix("\n")
