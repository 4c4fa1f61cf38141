"""What every sandbox lets a script see: the system's programs, Python, what is granted."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_skills.sandbox import Command

__all__ = [
    "FIXED_PATH",
    "SETTINGS",
    "SYSTEM",
    "package_folders",
    "places_of",
    "python_places",
    "python_program",
]

FIXED_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are looked for, whatever the worker's own PATH is."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Folders of the system's programs and libraries."""
SETTINGS = (
    "ld.so.cache",
    "alternatives",  # links that programs such as awk are reached by
    "ssl/certs",  # and not the keys beside them
    "ssl/cert.pem",
    "ssl/openssl.cnf",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/tls/openssl.cnf",
    "pki/ca-trust/extracted",
    "crypto-policies",
    "localtime",
    "mime.types",
    "fonts",
)
"""What of ``/etc`` programs need; users, keys and hosts are not among it."""


def python_program() -> str:
    """The interpreter that runs Python scripts: the running one.

    Raises:
        SandboxError: There is none (Python is embedded in another program).
    """
    found = sys.executable
    if sys.flags.no_site:  # `python -S` is in no environment: nor are the scripts
        found = getattr(sys, "_base_executable", found)
    found = found or shutil.which("python3", path=FIXED_PATH) or ""
    if not found:
        raise SandboxError("no Python interpreter was found to run scripts with")
    # Typed as ../.venv/bin/python it would be looked for through folders that a sandbox has not.
    plain = os.path.normpath(found)
    return plain if os.path.exists(plain) and os.path.samefile(plain, found) else found  # noqa: PTH110, PTH121


@lru_cache(maxsize=1)
def python_places() -> tuple[str, ...]:
    """The interpreter, its standard library and the packages beside it.

    Not its whole prefix: an environment may have been made in a folder that holds more.
    """
    found = list(_hops(python_program()))
    for prefix in (sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)):
        found += [os.path.join(prefix, name) for name in ("lib", "lib64", "pyvenv.cfg")]  # noqa: PTH118
    found += [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return _without_inner([*found, *package_folders()])


def package_folders() -> tuple[str, ...]:
    """The folders of installed packages that this process imports from.

    Other entries of its path are left out: they hold the project's own files.
    """
    named = (one for one in sys.path if os.path.basename(one) in ("site-packages", "dist-packages"))  # noqa: PTH119
    return tuple(dict.fromkeys(os.path.abspath(one) for one in named if os.path.isdir(one)))  # noqa: PTH100, PTH112


def places_of(command: Command) -> tuple[str, ...]:
    """All that a command may read beside the system's folders, none inside another.

    Raises:
        SandboxError: The skill's folder is none that could be shown alone; a program that is
            granted is not there.
    """
    skill = os.path.abspath(command.skill)  # noqa: PTH100 - links stay
    if skill == "/":
        raise SandboxError("the skill's folder is the root of all files: it cannot be shown alone")
    more = [skill, *(os.path.abspath(one) for one in command.readable)]  # noqa: PTH100
    for name in command.commands:
        more += _program_places(name)
    return _without_inner([*python_places(), *more])


def _program_places(name: str) -> list[str]:
    """A granted program: its file, and below ``/opt`` the whole of what it belongs to."""
    found = shutil.which(name, path=FIXED_PATH)
    if found is None:
        raise SandboxError(
            f"the program {name!r} is granted, and is not there: it was looked for in {FIXED_PATH}"
        )
    hops = list(_hops(found))
    real = Path(hops[-1])
    if real.is_relative_to("/opt"):
        hops.append(str(Path(*real.parts[:3])))
    return hops


def _hops(path: str) -> Iterable[str]:
    """A file, and each link on the way to it."""
    for _ in range(40):
        yield path
        if not os.path.islink(path):  # noqa: PTH114
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))  # noqa: PTH115, PTH118, PTH120
    yield os.path.realpath(path)


def _without_inner(paths: Iterable[str]) -> tuple[str, ...]:
    """Those that are there, and below no other; as texts, since it is done for each run."""
    kept: list[str] = []
    below = [f"{one}/" for one in SYSTEM]
    for path in sorted(set(map(os.path.normpath, paths))):
        if path in SYSTEM or path.startswith(tuple(below)) or not os.path.lexists(path):
            continue
        if os.path.isdir(path) and os.path.realpath(path) in kept:  # noqa: PTH112
            continue  # lib64, in environments
        kept.append(path)
        below.append(f"{path}/")
    return tuple(one for one in kept if one != "/")
