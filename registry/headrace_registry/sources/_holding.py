"""Which folders of a source are its skills, told from the names of its files.

Repositories keep skills where the tools look that they were written for. Those places come
first: elsewhere, a SKILL.md is often a template or a test's.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from headrace_skills._reading import SKILL_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

__all__ = ["MANIFESTS", "heart_of", "homes_of"]

MANIFESTS = (".claude-plugin/marketplace.json", ".claude-plugin/plugin.json")
"""Files that list plugins, and with them folders of skills."""

# skills/NAME and .agents/skills/NAME, with a folder for a kind of skills in between or without,
# at the top or in a plugin's folder.
_USUAL = re.compile(
    r"(?:(?:\.?plugins|external_plugins|extensions|packages)/[^/]+/)?"
    r"(?:\.[\w-]+/)?skills/(?:[.\w-]+/)?[^/]+"
)
_NOT = {"node_modules", ".git", ".venv", "venv", "__pycache__", "dist", "build", "site-packages"}
_MAX_DEEP = 7


def heart_of(files: Collection[str]) -> str:
    """The folder in an archive that all else is in, as those of a repository have it."""
    heart = ""
    for _ in range(_MAX_DEEP):
        start = f"{heart}/" if heart else ""
        below = [path[len(start) :] for path in files if path.startswith(start)]
        tops = {path.partition("/")[0] for path in below}
        if len(tops) != 1 or below == list(tops) or tops <= {"skills", ".agents", ".claude"}:
            break
        heart = start + tops.pop()
    return heart


def homes_of(files: Iterable[str], top: str, read: Callable[[str], bytes]) -> list[str]:
    """List the folders of skills, in order of their places: the likelier ones first.

    Args:
        files: The paths of all files.
        top: The folder that is looked into; empty for all.
        read: Gives the content of a manifest.
    """
    start = f"{top}/" if top else ""
    paths = [path[len(start) :] for path in files if path.startswith(start)]
    homes = {_parent(path) for path in paths if path.rpartition("/")[2] in SKILL_FILES}
    # A skill's folder may hold others, as examples: they belong to it.
    homes = {one for one in homes if not any(_is_below(one, other) for other in homes)}
    listed = _listed([path for path in paths if path in MANIFESTS], lambda one: read(start + one))
    usual = [one for one in homes if not one or _USUAL.fullmatch(one) or _in_any(one, listed)]
    if not usual:
        usual = [
            one for one in homes if one.count("/") < _MAX_DEEP and not _NOT & set(one.split("/"))
        ]
    return [(start + one).rstrip("/") for one in sorted(usual, key=_rank)]


def _rank(home: str) -> tuple[bool, int, str]:
    """Folders for one tool come last: what they hold is often a copy."""
    return home.startswith("."), home.count("/"), home


def _listed(manifests: Collection[str], read: Callable[[str], bytes]) -> list[str]:
    """The folders that plugin manifests name."""
    found = []
    for path in manifests:
        try:
            said = json.loads(read(path))
        except (ValueError, RecursionError):
            continue
        plugins = said.get("plugins") if isinstance(said, dict) else None
        for plugin in plugins if isinstance(plugins, list) else [said]:
            found += _of_plugin(plugin)
    return found


def _of_plugin(plugin: Any) -> list[str]:
    if not isinstance(plugin, dict):
        return []
    source = plugin.get("source", ".")
    base = _plain(source) if isinstance(source, str) else None
    if base is None:
        return []  # it is elsewhere
    named = plugin.get("skills", [])
    named = [named] if isinstance(named, str) else named
    folders = [_plain(one) for one in named if isinstance(one, str)] if named else []
    return ["/".join(filter(None, (base, one))) for one in [*folders, "skills"] if one]


def _plain(path: str) -> str | None:
    parts = [one for one in path.split("/") if one not in ("", ".")]
    return None if ".." in parts or path.startswith("/") or "://" in path else "/".join(parts)


def _in_any(home: str, folders: Iterable[str]) -> bool:
    return any(home == one or _parent(home) == one for one in folders)


def _is_below(home: str, other: str) -> bool:
    return home != other and (not other or home.startswith(f"{other}/"))


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
