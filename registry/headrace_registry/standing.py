"""How a project's packages stand: what is locked, what is newest, where from, and whose word.

It is told from the lock and from what registries said last; nobody is asked, and little is loaded,
for listings are typed often.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace_registry.errors import LockError
from headrace_registry.settings import INDEX, VENDOR
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from headrace_registry.settings import ProjectSettings

__all__ = ["Standing", "standings"]

_LOCK = "pylock.toml"


@dataclass(frozen=True, slots=True)
class Standing:
    """One package."""

    locked: str
    """The version that is locked."""
    origin: str
    """A registry's name, ``index`` or ``vendor``."""
    source: str
    """Where that is: an address, or what a wheel of ``vendor/`` was made of."""
    newest: str | None = None
    """The newest version that its registry was last seen with; ``None``: not known."""
    signed_by: str | None = None
    """The key of the registry's keeper; ``None``: what it comes from is not signed."""

    def as_data(self) -> dict[str, str | None]:
        """All of it, for JSON."""
        return {
            "locked": self.locked,
            "newest": self.newest,
            "origin": self.origin,
            "source": self.source,
            "signed_by": self.signed_by,
        }


def standings(settings: ProjectSettings) -> dict[str, Standing]:
    """How the packages of a project's lock stand, by normalised name; empty without a lock.

    Raises:
        LockError: The lock cannot be read.
    """
    data = _lock_data(settings.folder / _LOCK)
    keys = {one.name: one.key for one in settings.registries}
    by_url = {one.url: one.name for one in settings.registries}
    newest = {one.name: _newest(one) for one in settings.registries}
    found = {}
    for package in data.get("packages", ()):
        name = str(package["name"])
        index = str(package.get("index", ""))
        origin = by_url.get(index) or (VENDOR if _is_vendored(package) else INDEX)
        source = settings.sources.get(name)
        found[name] = Standing(
            locked=str(package.get("version", "")),
            origin=origin,
            source=source.spec if source is not None else index,
            newest=newest.get(origin, {}).get(name),
            signed_by=keys.get(origin),
        )
    return found


def _is_vendored(package: dict[str, Any]) -> bool:
    return any("path" in wheel for wheel in package.get("wheels", ()))


def _newest(registry: Any) -> dict[str, str]:
    from headrace_registry.client import Store, recent

    snapshot = recent(Store(registry), float("inf"))
    if snapshot is None or snapshot.entries is None:
        return {}
    address = f"{snapshot.entries.as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            rows: Iterable[tuple[str, str]] = database.execute(
                "SELECT DISTINCT package, version FROM entries"
            )
            return dict(rows)
    except sqlite3.Error:
        return {}  # a cache that is gone or cut short: the next refresh makes it anew


def _lock_data(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LockError(f"{path} cannot be read: {error}\n  next: agents lock") from None
    return data
