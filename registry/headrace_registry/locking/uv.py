"""Running uv: without the settings of its user, and with its failures as data."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from headrace_registry.errors import InstallError
from headrace_registry.locking.derivation import Fact, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["UvResult", "interpreter", "run_uv", "uv_environment"]

_KEPT = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_HTTP_TIMEOUT",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_PYTHON_INSTALL_DIR",
    "UV_SYSTEM_CERTS",
)
"""uv's variables that may stay: where it keeps things, and how it reaches the network.

No other may: ``UV_INDEX``, ``UV_EXTRA_INDEX_URL``, ``UV_FIND_LINKS``, ``UV_INDEX_STRATEGY`` and
others let in packages of strangers, ``UV_CONSTRAINT`` and others change what is chosen.
"""
_SCRUBBED = ("UV_", "PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA_", "HEADRACE_")
_TREE = "UV_INTERNAL__SHOW_DERIVATION_TREE"


@dataclass(frozen=True, slots=True)
class UvResult:
    """What a run of uv gave."""

    code: int
    """Its exit code."""
    output: str
    """What it printed."""
    errors: str
    """What it said, without the derivation tree."""
    facts: tuple[Fact, ...] = ()
    """Why there is no solution; empty where it does not say, or did not fail so."""

    @property
    def unsolvable(self) -> bool:
        """Whether it failed as no set of versions does."""
        return self.code != 0 and "No solution found" in self.errors


def uv_environment(nothing: Path, more: Mapping[str, str], *, index: str | None) -> dict[str, str]:
    """The environment that uv runs in.

    Args:
        nothing: An empty folder, in which uv looks for its user's settings.
        more: Variables beside, such as ``NETRC``.
        index: The package index; ``None``: uv's own.
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not name.startswith(_SCRUBBED)
    }
    # --no-config would also leave out the settings of the project that we write for it.
    env |= {"XDG_CONFIG_HOME": str(nothing), "XDG_CONFIG_DIRS": str(nothing)}
    env |= {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        "UV_PREVIEW_FEATURES": "pylock",
        _TREE: "1",
    }
    if index is not None:
        env["UV_DEFAULT_INDEX"] = index
    return env | dict(more)


def run_uv(
    arguments: Sequence[str],
    *,
    folder: Path,
    index: str | None = None,
    offline: bool = False,
    more: Mapping[str, str] | None = None,
    live: bool = False,
    project: bool = False,
) -> UvResult:
    """Runs uv in a folder.

    Args:
        arguments: What it is given.
        folder: Where it runs.
        index: The package index; ``None``: uv's own.
        offline: Use no network.
        more: Environment variables beside.
        project: Read the ``pyproject.toml`` of the folder; else no settings are read at all, also
            none of the folders above it.
        live: Let its progress through to the terminal; ``errors`` is then empty.

    Raises:
        InstallError: uv is not there or does not run.
    """
    from headrace_registry.locking.scratch import scratch

    options = [*(["--offline"] if offline else []), *([] if project else ["--no-config"])]
    command = [_uv(), *arguments, *options]
    with scratch() as nothing:
        env = uv_environment(nothing, more or {}, index=index)
        if live:
            del env["UV_NO_PROGRESS"], env["NO_COLOR"]
        try:
            done = subprocess.run(  # noqa: S603 - uv itself, with arguments of our own
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if live else subprocess.PIPE,
                check=False,
            )
        except OSError as error:
            raise InstallError(f"uv does not run: {error}") from None
    errors = "" if live else done.stderr.decode(errors="replace")
    facts, said = parsed(errors)
    return UvResult(done.returncode, done.stdout.decode(errors="replace"), said, facts)


@lru_cache(maxsize=1)
def _uv() -> str:
    from uv import find_uv_bin

    try:
        return str(find_uv_bin())
    except FileNotFoundError:
        raise InstallError(
            f"uv is not installed beside {sys.executable}, and it resolves and installs\n"
            "  next: pip install headrace-registry"
        ) from None


def interpreter(python: str) -> str:
    """What uv is told to take for a version: this Python where it is of that version.

    Others it looks for; what stands first on the path may be a mere stand-in that does not run.
    """
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return sys.executable if python == running else python
