"""How the project's packages stand, for listings."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace_registry.client import Snapshot
    from headrace_registry.standing import Standing

__all__ = ["COLUMNS", "columns", "not_installed", "snapshots_here", "standings_here"]

COLUMNS = ("LOCKED", "NEWEST", "SOURCE", "SIGNED BY")
"""The headings of ``columns``."""
_INFO = ".dist-info"
_KEY = len("sha256:") + 8  # of a fingerprint, as far as people compare it at a glance


def standings_here() -> dict[str, Standing]:
    """How the packages of the project's lock stand, by name; empty where there is no lock."""
    from headrace_cli._project import nearest_project

    project = nearest_project(Path.cwd())
    if not (project.folder / "pylock.toml").is_file():
        return {}
    from headrace_registry.standing import standings

    return standings(project.settings())


def snapshots_here() -> list[Snapshot]:
    """The project's registries as they were last seen."""
    from headrace_cli._project import nearest_project
    from headrace_registry.client import Store, recent

    registries = nearest_project(Path.cwd()).settings().registries
    seen = (recent(Store(one), float("inf")) for one in registries)
    return [one for one in seen if one is not None]


def columns(standing: Standing | None) -> tuple[str, str, str, str]:
    """A package's cells in a listing."""
    if standing is None:
        return ("", "", "", "")
    return (
        standing.locked,
        standing.newest or "",
        standing.origin,
        (standing.signed_by or "")[:_KEY],
    )


def not_installed(standings: dict[str, Standing]) -> list[str]:
    """What is said of packages that the project asks for and this environment has not."""
    from headrace_cli._project import nearest_project

    if not standings:
        return []
    asked = nearest_project(Path.cwd()).settings().bound
    there = _installed()
    return [
        f"{name} {one.locked} is locked, and not installed here: agents sync"
        for name, one in sorted(standings.items())
        if name in asked and name not in there
    ]


def _installed() -> set[str]:
    """The names of what is installed, by the names of its metadata's folders."""
    found = set()
    for place in sys.path:
        with suppress(OSError):
            names = (one.rpartition("-")[0] for one in os.listdir(place) if one.endswith(_INFO))  # noqa: PTH208 - quicker
            found |= {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    return found
