"""A Python project that has plugins, built to a wheel: its own code runs, so it is asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from headrace_registry.errors import SourceError
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["build_wheel", "plugin_kinds"]

SECONDS = 600
_GROUP = "headrace."
_TOLD = 2_000


def plugin_kinds(pyproject: bytes) -> tuple[str, ...]:
    """The kinds of plugins that a ``pyproject.toml`` declares; none where it is of no use."""
    try:
        data = parse_toml(pyproject.decode("utf-8-sig"))
    except ValueError:
        return ()
    found: set[str] = set()
    for path in (("project", "entry-points"), ("tool", "poetry", "plugins")):
        table = data
        for name in path:
            table = table.get(name, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict):
            found |= {str(one) for one in table if str(one).startswith(_GROUP)}
    return tuple(sorted(one.removeprefix(_GROUP) for one in found))


def build_wheel(folder: Path, into: Path, *, offline: bool = False) -> Path:
    """Build the wheel of a project, in an environment of its own.

    Args:
        folder: The project; a copy, because builds write to it.
        into: Where the wheel is written.
        offline: Whether what the build needs must be in uv's cache.

    Raises:
        SourceError: It cannot be built; says what the build said last.
    """
    import uv

    command = [uv.find_uv_bin(), "build", "--wheel", "--no-config", "--no-progress"]
    command += ["--python", sys.executable, *(["--offline"] if offline else [])]
    try:
        done = subprocess.run(  # noqa: S603 - uv, and paths of ours
            [*command, "--out-dir", str(into), "--", str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"the build took longer than {SECONDS} s") from None
    wheels = sorted(into.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise SourceError(f"it cannot be built\n  why: {done.stderr.strip()[-_TOLD:]}")
    return wheels[0]
