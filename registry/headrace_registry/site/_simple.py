"""The pages that installers read: the simple repository API, as JSON and as HTML.

JSON is PEP 691 with 700, 714 and 792; HTML is the frozen form of PEP 503 with 592, 629, 714.
Addresses are relative, so that the site works wherever it stands, a plain folder included.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseFile

__all__ = ["API_VERSION", "file_path", "listing_pages", "package_pages", "package_paths"]

API_VERSION = "1.4"
_RESERVED = "quarantined"  # PEP 792: installers see no version, and look nowhere else


def listing_pages(catalogue: Catalogue) -> Iterator[tuple[str, bytes]]:
    """The two pages that list all packages, by their paths in the site."""
    names = [one.name for one in catalogue.packages]
    listing = {"meta": _META, "projects": [{"name": name} for name in names]}
    yield "simple/index.json", _json(listing)
    yield "simple/index.html", _html("Packages", [f'<a href="{one}/">{one}</a>' for one in names])


def package_paths(package: Package) -> tuple[str, str]:
    """Where the two pages of a package are: JSON, then HTML."""
    return f"simple/{package.name}/index.json", f"simple/{package.name}/index.html"


def package_pages(package: Package) -> Iterator[tuple[str, bytes]]:
    """The two pages of a package."""
    files = [(release, file) for release in package.releases for file in release.files]
    files.sort(key=lambda one: one[1].filename)
    page: dict[str, Any] = {
        "meta": _META,
        "name": package.name,
        "versions": sorted(one.version for one in package.releases),
        "files": [_file(package, *one) for one in files],
    }
    head = []
    if package.reserved is not None:
        page["project-status"] = {"status": _RESERVED, "reason": package.reserved}
        head = [
            f'<meta name="pypi:project-status" content="{_RESERVED}">',
            f'<meta name="pypi:project-status-reason" content="{escape(package.reserved)}">',
        ]
    as_json, as_html = package_paths(package)
    yield as_json, _json(page)
    anchors = [_anchor(package, *one) for one in files]
    yield as_html, _html(f"Links for {package.name}", anchors, head)


def file_path(package: str, file: ReleaseFile) -> str:
    """A wheel's place in the site."""
    return f"files/{package}/{file.filename}"


def _address(package: Package, file: ReleaseFile) -> str:
    return f"../../{quote(file_path(package.name, file))}"


def _file(package: Package, release: Release, file: ReleaseFile) -> dict[str, Any]:
    found: dict[str, Any] = {
        "filename": file.filename,
        "url": _address(package, file),
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": file.uploaded,
        "core-metadata": {"sha256": file.metadata_sha256},
        "yanked": False if release.yanked is None else release.yanked or True,
    }
    if release.requires_python:
        found["requires-python"] = release.requires_python
    return found


def _anchor(package: Package, release: Release, file: ReleaseFile) -> str:
    said = {
        "href": f"{_address(package, file)}#sha256={file.sha256}",
        "data-requires-python": release.requires_python or None,
        "data-core-metadata": f"sha256={file.metadata_sha256}",
        "data-yanked": release.yanked,
    }
    attributes = " ".join(
        f'{name}="{escape(value)}"' for name, value in said.items() if value is not None
    )
    return f"<a {attributes}>{escape(file.filename)}</a>"


_META = {"api-version": API_VERSION}


def _json(page: dict[str, Any]) -> bytes:
    return json.dumps(page, ensure_ascii=False, indent=1).encode() + b"\n"


def _html(title: str, anchors: list[str], head: list[str] | None = None) -> bytes:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta name="pypi:repository-version" content="{API_VERSION}">',
        *(head or ()),
        f"<title>{escape(title)}</title>",
        "</head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        *(f"{one}<br>" for one in anchors),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines).encode() + b"\n"
