"""``[tool.agents]`` edited: registries, sources, targets, grants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from headrace_registry.projects._edit import add_item, change_table, change_value, take_value
from headrace_registry.projects._styles import read_document

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from headrace_registry.projects._styles import Document
    from headrace_registry.settings import Source, Target

__all__ = [
    "add_grant",
    "remove_grant",
    "remove_registry",
    "remove_source",
    "set_registry",
    "set_source",
    "set_targets",
]

_FILE = Path("pyproject.toml")
_AGENTS = ("tool", "agents")
_GRANTS = ("network", "environment", "commands")


def set_registry(text: str, name: str, url: str, key: str | None, ca: str | None = None) -> str:
    """The text with a registry in it, a new one or one with other values.

    Args:
        text: What the ``pyproject.toml`` says.
        name: What the project calls the registry.
        url: Where it is.
        key: The fingerprint of its root of trust; ``None`` writes ``unsigned = true``.
        ca: The path of a file of authorities, seen from the project.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    values: dict[str, Any] = {"url": url}
    values.update({"unsigned": True} if key is None else {"key": key})
    if ca is not None:
        values["ca"] = ca
    document = read_document(_FILE, text)
    return change_table(document, (*_AGENTS, "registries", name), values).whole()


def remove_registry(text: str, name: str) -> str:
    """The text without a registry; the same where there is none of that name.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    return take_value(read_document(_FILE, text), (*_AGENTS, "registries", name)).whole()


def set_source(text: str, package: str, value: str | Source) -> str:
    """The text that says where a package comes from.

    Args:
        text: What the ``pyproject.toml`` says.
        package: The package's name.
        value: A registry's name, ``index``, or where the wheel of ``vendor/`` was made from.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    document = read_document(_FILE, text)
    path = _source_path(document, package)
    if isinstance(value, str):
        return change_value(document, path, value).whole()
    written = {"from": value.spec, "digest": value.digest}
    if value.commit is not None:
        written["commit"] = value.commit
    if isinstance(document.table(*path[:-1]).get(path[-1]), dict):
        return change_table(document, path, written).whole()
    return change_value(document, path, written).whole()


def remove_source(text: str, package: str) -> str:
    """The text that says nothing of where a package comes from.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    document = read_document(_FILE, text)
    return take_value(document, _source_path(document, package)).whole()


def set_targets(text: str, targets: Sequence[Target]) -> str:
    """The text with other targets; without any, ``targets`` is taken out.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    document, path = read_document(_FILE, text), (*_AGENTS, "targets")
    if not targets:
        return take_value(document, path).whole()
    written = [one.as_data() for one in targets]
    return change_value(document, path, written).whole()


def add_grant(text: str, skill: str, grants: Mapping[str, Collection[str]]) -> str:
    """The text that grants a skill these hosts, variables and programs besides what it has.

    Args:
        text: What the ``pyproject.toml`` says.
        skill: The skill's name.
        grants: For each of ``network``, ``environment`` and ``commands``, what is granted.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    document = read_document(_FILE, text)
    for kind in _GRANTS:
        path = (*_AGENTS, "grants", skill, kind)
        have = document.table(*path[:-1]).get(kind, [])
        have = have if isinstance(have, list) else []
        for one in dict.fromkeys(grants.get(kind, ())):
            if one not in have:
                document = add_item(document, path, one)
    return document.whole()


def remove_grant(text: str, skill: str) -> str:
    """The text that grants a skill nothing.

    Raises:
        ProjectFileError: It is written in a way that is not edited here.
    """
    return take_value(read_document(_FILE, text), (*_AGENTS, "grants", skill)).whole()


def _source_path(document: Document, package: str) -> tuple[str, ...]:
    """Where a package's source stands: its name may be written in another way there."""
    name = canonicalize_name(package)
    for said in document.table(*_AGENTS, "sources"):
        if canonicalize_name(said) == name:
            return (*_AGENTS, "sources", said)
    return (*_AGENTS, "sources", name)
