"""A Python environment: which one a project uses, and what is installed in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from headrace_registry.errors import InstallError
from headrace_registry.locking.scratch import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MARKER", "Environment", "SyncState"]

MARKER = ".headrace-sync.json"
"""The file in an environment that says what was installed in it from which lock."""
_DIST_INFO = re.compile(r"(?P<name>[^-]+)-(?P<version>.+)\.dist-info")
_ASK = """
import sys, sysconfig
print(sys.prefix, sysconfig.get_path("purelib"), *sys.version_info[:2], sep="\\n")
"""


@dataclass(frozen=True, slots=True)
class SyncState:
    """What is known of the last installation."""

    lock: str
    """The digest of the lock that was installed."""
    done: bool
    """Whether it came to its end."""
    packages: Mapping[str, str]
    """For the name of a package, the digest of the wheel that was installed."""
    project: str = ""
    """The folder of the project that it was for."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, there or to be made."""

    prefix: Path
    """Its folder."""
    python: Path | None
    """Its interpreter; ``None``: it is to be made."""
    version: str
    """Its Python, such as ``3.11``; empty: as the lock says, when it is made."""
    packages: Path | None
    """Its folder of packages."""

    def __str__(self) -> str:
        return str(self.prefix)

    @classmethod
    def find(cls, folder: Path, python: Path | None = None) -> Environment:
        """The environment of a project.

        Args:
            folder: The project's folder.
            python: An interpreter, or the folder of an environment, that is to be used instead of
                the project's ``.venv``, an activated one, or the one that this runs in.

        Raises:
            InstallError: The one that is asked for is none.
        """
        if python is not None:
            return cls._of(python)
        own = folder / ".venv"
        if own.is_dir():
            return cls._of(own)
        if active := os.environ.get("VIRTUAL_ENV"):
            return cls._of(Path(active))
        if sys.prefix != sys.base_prefix:
            return cls._of(Path(sys.prefix))
        return cls(own, None, "", None)

    @classmethod
    def _of(cls, place: Path) -> Environment:
        python = place / "bin" / "python" if place.is_dir() else place
        prefix = Path.cwd() / place  # links stay: an environment's interpreter is one
        if place.is_dir() and (version := _configured(prefix)) and python.exists():
            packages = prefix / "lib" / f"python{version}" / "site-packages"
            if packages.is_dir():
                return cls(prefix, python, version, packages)
        try:
            asked = subprocess.run(  # noqa: S603 - the interpreter that was asked for
                [python, "-I", "-c", _ASK], capture_output=True, text=True, check=True, timeout=60
            )
            own, packages_text, major, minor = asked.stdout.splitlines()
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise InstallError(
                f"{place} is no Python environment: {error}\n"
                f"  next: remove it, or name another: agents sync --python PATH"
            ) from None
        return cls(Path(own), python, f"{major}.{minor}", Path(packages_text))

    def installed(self) -> dict[str, str]:
        """The version of each installed distribution, by normalised name."""
        return {name: version for name, version, _ in self._infos()}

    def record(self, name: str) -> Path | None:
        """The RECORD of an installed distribution; ``None`` where there is none."""
        for one, _, info in self._infos():
            if one == name:
                return info / "RECORD" if (info / "RECORD").is_file() else None
        return None

    def _infos(self) -> Iterator[tuple[str, str, Path]]:
        if self.packages is None:
            return
        for entry in sorted(os.scandir(self.packages), key=lambda one: one.name):
            if match := _DIST_INFO.fullmatch(entry.name):
                yield str(canonicalize_name(match["name"])), match["version"], Path(entry.path)

    def state(self) -> SyncState | None:
        """What is known of the last installation; ``None`` where nothing is."""
        try:
            said: dict[str, Any] = json.loads((self.prefix / MARKER).read_bytes()[: 1 << 24])
            done, packages = said["done"] is True, dict(said["packages"])
            return SyncState(str(said["lock"]), done, packages, str(said["project"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, state: SyncState) -> None:
        """Writes down what is known."""
        said = {**asdict(state), "packages": dict(state.packages)}
        write_whole(self.prefix / MARKER, json.dumps(said, sort_keys=True).encode())


def _configured(prefix: Path) -> str:
    """The Python that an environment's configuration names."""
    try:
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    match = re.search(r"(?m)^version(?:_info)?\s*=\s*(\d+\.\d+)", text)
    return match[1] if match else ""
