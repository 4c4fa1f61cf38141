"""Zips of jobs, changed after they were built and sealed anew: whole, and not what they should be.

Nothing of this is the builder's.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OF_SUMS = ("job.json", "SHA256SUMS")


def reseal(
    source: Path,
    target: Path,
    change: Callable[[dict[str, Any], dict[str, bytes]], None],
) -> Path:
    """Writes a zip again.

    Args:
        source: The zip.
        target: Where to write.
        change: Changes the manifest, and the files by their paths, in place.
    """
    with zipfile.ZipFile(source) as archive:
        modes = {one.filename: one.external_attr for one in archive.infolist()}
        files = {name: archive.read(name) for name in modes if name not in _OF_SUMS}
        manifest = json.loads(archive.read("job.json"))
    change(manifest, files)
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items())
    )
    manifest["sums"] = hashlib.sha256(sums.encode()).hexdigest()
    manifest["files_total"] = len(files)
    files["SHA256SUMS"] = sums.encode()
    files["job.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, modes[name]
            archive.writestr(info, data)
    return target


def for_another(python: str, machine: str) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """Makes a zip one for another Python or platform; the content of its wheels is as before."""
    platforms = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}

    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        (of_zip,) = (name for name, one in platforms.items() if one == manifest["platform"])
        tag, new = f"cp{manifest['python']}".replace(".", ""), f"cp{python}".replace(".", "")
        for one in manifest["packages"]:
            one["wheel"] = one["wheel"].replace(tag, new).replace(of_zip, machine)
        launcher = files["bin/python"].decode()
        launcher = launcher.replace(manifest["python"], python).replace(of_zip, machine)
        files["bin/python"] = launcher.encode()
        manifest["python"], manifest["platform"] = python, platforms[machine]

    return change


def without_package(name: str) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """Takes a package out of a zip, from every place that tells of it."""

    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        manifest["packages"] = [one for one in manifest["packages"] if one["name"] != name]
        module = f"site-packages/{name.replace('-', '_')}"
        for path in [one for one in files if one.startswith((f"{module}/", f"{module}-"))]:
            del files[path]
        bill = json.loads(files["sbom.cdx.json"])
        bill["components"] = [one for one in bill["components"] if one["name"] != name]
        files["sbom.cdx.json"] = json.dumps(bill).encode()

    return change


def for_flink(version: str) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """Makes a zip one for another version of Flink."""

    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        manifest["engine"]["version"] = version

    return change
