"""The licences of packages of the index, by the metadata that stands beside their wheels."""

from __future__ import annotations

import email.parser
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry._side_by_side import side_by_side
from headrace_registry.errors import RegistryError
from headrace_registry.settings import INDEX, RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message

    from headrace_registry.http import Limits
    from headrace_registry.locking import LockedPackage

__all__ = ["license_of", "licenses_of"]

_MAX_METADATA = 1024 * 1024
_AT_ONCE = 8
_MOST = 100
"""The most packages that are asked about: what is shown of more is not read anyway."""
_CLASSIFIER = "License :: "


def licenses_of(
    packages: Sequence[LockedPackage], installed: Path | None = None, *, offline: bool = False
) -> dict[str, str]:
    """The licences of packages by name; one whose metadata cannot be had is left out.

    Args:
        packages: The packages.
        installed: A folder of installed packages, which may have some of them.
        offline: Whether the index is not to be asked.
    """
    found = {one.name: _installed(one, installed) for one in packages}
    asked = [one for one in packages if not found[one.name]]
    found |= {} if offline else _of_index(asked[:_MOST])
    return {name: text for name, text in found.items() if text}


def _installed(package: LockedPackage, folder: Path | None) -> str:
    if folder is None:
        return ""
    name = package.name.replace("-", "_")
    try:
        data = (folder / f"{name}-{package.version}.dist-info/METADATA").read_bytes()
    except OSError:
        return ""
    return license_of(email.parser.BytesParser().parsebytes(data))


def _of_index(packages: Sequence[LockedPackage]) -> dict[str, str]:
    from headrace_registry.http import Limits

    limits = Limits(connect=3.0, answer=8.0, silence=5.0, total=10.0)
    urls = {
        one.name: wheel.url for one in packages for wheel in one.wheels[:1] if wheel.url is not None
    }
    if not urls:
        return {}
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        place = Path(folder)
        found = side_by_side(lambda url: _asked(url, place, limits), list(urls.values()), _AT_ONCE)
        return dict(zip(urls, found, strict=True))


def license_of(metadata: Message) -> str:
    """The licence that a package's metadata states: its expression, its field or its classifier."""
    if stated := metadata["License-Expression"]:
        return str(stated)
    classified = [
        one.rpartition(" :: ")[2]
        for one in metadata.get_all("Classifier", [])
        if one.startswith(_CLASSIFIER)
    ]
    # The older field may hold a whole licence.
    lines = str(metadata["License"] or "").strip().splitlines()
    return lines[0] if len(lines) == 1 else ", ".join(classified)


def _asked(url: str, tls: Path, limits: Limits) -> str:
    from headrace_registry.http import open_remote

    base, _, filename = url.rpartition("/")
    try:
        remote = open_remote(RegistrySettings(INDEX, base, None), tls, limits)
        try:
            data = b"".join(remote.read(f"{filename}.metadata", _MAX_METADATA))
        finally:
            remote.close()
    except (RegistryError, OSError):
        return ""
    return license_of(email.parser.BytesParser().parsebytes(data))
