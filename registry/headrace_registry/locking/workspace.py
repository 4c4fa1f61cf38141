"""The project that uv is given to resolve, written for one run from what is wanted.

What registries and ``vendor/`` have is one page of links, which uv looks into before the package
index: a name of that page is never looked up in the index. What each version requires is written
down beside it from the signed catalogues, so that uv asks a registry for nothing.
"""

from __future__ import annotations

import hashlib
import sys
from html import escape
from typing import TYPE_CHECKING, Any

from headrace_registry.errors import LockError
from headrace_registry.locking.derivation import PROJECT
from headrace_registry.locking.targets import marker, python_range, targets_of
from headrace_registry.locking.wanted import file_sha256, text_of
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from headrace_registry.catalogue import Package
    from headrace_registry.locking.ownership import Owners
    from headrace_registry.locking.wanted import Wanted
    from headrace_registry.settings import Target

__all__ = ["links_page", "metadata", "project_text", "with_stubs"]

LINKS = "links.html"
"""What the page is called."""
_NOBODY = "&gt;=99"  # a requires-python that no target meets


def links_page(wanted: Wanted, owners: Owners, keep: Collection[tuple[str, str]] = ()) -> str:
    """The page of all wheels that are not the index's.

    Args:
        wanted: The project.
        owners: Which name is whose.
        keep: Names and versions that stay although they were yanked.

    Raises:
        LockError: A wheel of ``vendor/`` is missing, or not the one that the project names.
    """
    lines = ["<!DOCTYPE html><html><body>"]
    told: set[str] = set()
    for registry, snapshot in wanted.snapshots.items():
        for package in snapshot.catalogue.packages:
            if owners.of(package.name) == registry and package.name not in owners.ambiguous:
                links = list(_links(wanted, registry, package, keep))
                lines += links
                told |= {package.name} if links else set()
    for name, wheels in _vendored(wanted, owners).items():
        told.add(name)
        lines += [_link(one.as_uri(), one.name, file_sha256(one)) for one in wheels]
    # A name without wheels is kept from the index all the same.
    lines += [
        _stub(name, "0", f' data-requires-python="{_NOBODY}"')
        for name, owner in sorted(owners.by_name.items())
        if owner != INDEX and name not in told
    ]
    return "\n".join((*lines, "</body></html>"))


def with_stubs(page: str, stubs: Sequence[tuple[str, str]]) -> str:
    """The page with wheels that are not there."""
    return page + "\n".join(_stub(name, version) for name, version in stubs)


def _stub(name: str, version: str, more: str = "") -> str:
    file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    # Files of one digest are one file to uv, which then mixes up what they require.
    digest = hashlib.sha256(file.encode()).hexdigest()
    return _link(f"file:///nowhere/{file}", file, digest, more)


def _links(
    wanted: Wanted, registry: str, package: Package, keep: Collection[tuple[str, str]]
) -> Iterator[str]:
    snapshot = wanted.snapshots[registry]
    for release in package.releases:
        # uv does not heed data-yanked in a page of this form.
        if release.yanked is not None and (package.name, release.version) not in keep:
            continue
        more = ""
        if release.requires_python:
            more += f' data-requires-python="{escape(release.requires_python)}"'
        for file in release.files:
            core = f' data-core-metadata="sha256={escape(file.metadata_sha256)}"'
            url = snapshot.file_url(package.name, file)
            yield _link(url, file.filename, file.sha256, more + core)


def _link(url: str, filename: str, sha256: str, more: str = "") -> str:
    return f'<a href="{escape(url)}#sha256={escape(sha256)}"{more}>{escape(filename)}</a>'


def _vendored(wanted: Wanted, owners: Owners) -> dict[str, tuple[Path, ...]]:
    found = {}
    for name, owner in owners.by_name.items():
        if owner != VENDOR:
            continue
        wheels = wanted.vendor.get(name, ())
        source = wanted.settings.sources.get(name)
        if source is not None:
            digests = {"sha256:" + file_sha256(one) for one in wheels}
            if digests != {source.digest}:
                said = "is missing" if not wheels else "is not the one that was added"
                raise LockError(
                    f"the wheel of {name} in vendor/ {said}\n"
                    f"  where: [tool.agents.sources] {name}, from {source.spec}\n"
                    f"  next: agents skills update {name}"
                )
        if wheels:
            found[name] = wheels
    return found


def metadata(wanted: Wanted, owners: Owners, names: Collection[str]) -> list[dict[str, Any]]:
    """What the registries' versions of some names require, as uv takes it."""
    found = []
    for name in sorted(names):
        snapshot = wanted.snapshots.get(owners.of(name))
        package = snapshot.catalogue.by_name.get(name) if snapshot is not None else None
        for release in package.releases if package is not None else ():
            entry: dict[str, Any] = {
                "name": name,
                "version": release.version,
                "requires-dist": list(release.requires),
            }
            if release.requires_python:
                entry["requires-python"] = release.requires_python
            if release.extras:
                entry["provides-extra"] = list(release.extras)
            found.append(entry)
    return found


def project_text(
    folder: Path,
    wanted: Wanted,
    *,
    requirements: Sequence[Requirement],
    constraints: Sequence[str],
    overrides: Sequence[dict[str, Any]],
) -> str:
    """The ``pyproject.toml`` that uv is given.

    Args:
        folder: Where it will be, beside the page of links.
        wanted: The project.
        requirements: What is required, which may be less than the project does.
        constraints: What versions are held to.
        overrides: What versions require; see ``metadata``.
    """
    from tomli_w import dumps

    targets = targets_of(wanted.settings)
    python_range(targets, wanted.requires_python)  # refuses a target that the project is not for
    markers = [marker(one, wanted.requires_python) for one in targets]
    return dumps(
        {
            "project": {
                "name": PROJECT,
                "version": "0",
                "requires-python": _pythons(targets),
                "dependencies": [text_of(one) for one in requirements],
            },
            "tool": {
                "uv": {
                    "package": False,
                    # Its own root: uv looks no further up, where others may write.
                    "workspace": {"members": []},
                    "no-build": True,
                    "environments": markers,
                    "required-environments": markers,
                    "constraint-dependencies": list(constraints),
                    "index": [
                        {
                            "name": "headrace-links",
                            "url": (folder / LINKS).as_uri(),
                            "format": "flat",
                        }
                    ],
                    "dependency-metadata": list(overrides),
                }
            },
        }
    )


def _pythons(targets: Sequence[Target]) -> str:
    """The Pythons of the targets and this one: uv wants one that it can run, whatever is locked."""
    minors = [int(one.python.split(".")[1]) for one in targets] + [sys.version_info.minor]
    return f">=3.{min(minors)},<3.{max(minors) + 1}"
