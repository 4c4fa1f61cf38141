"""Wheels made by hand and by our packer, and what a site looks like from outside."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from headrace_registry.site import build_site
from headrace_skills.packing import pack

SKILL = """\
---
name: {name}
description: {description}
license: MIT
metadata:
  version: "{version}"
{more}---
{body}
"""


class Workshop:
    """Makes wheels of skills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def skill(
        self,
        name: str = "greet",
        *,
        version: str = "1.0",
        body: str = "Say good day.",
        more: str = "",
        description: str = "Greets people. Use it when somebody asks for a greeting.",
        files: dict[str, str] | None = None,
    ) -> Path:
        """A wheel of one skill, called ``skill-NAME``."""
        self._count += 1
        folder = self.folder / str(self._count) / name
        folder.mkdir(parents=True)
        text = SKILL.format(
            name=name, version=version, body=body, more=more, description=description
        )
        (folder / "SKILL.md").write_text(text)
        for path, content in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        wheel = pack([folder]).wheel.write(folder.parent)
        os.utime(wheel, (1_700_000_000, 1_700_000_000))  # 2023-11-14T22:13:20Z
        return wheel

    def plain(
        self,
        name: str = "acme",
        version: str = "1.0",
        *,
        metadata: str = "",
        files: dict[str, str] | None = None,
        tag: str = "py3-none-any",
    ) -> Path:
        """A wheel written by hand, with no skill unless the files have one."""
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir(parents=True)
        stem = f"{name.replace('-', '_')}-{version}"
        content = {
            f"{name.replace('-', '_')}/__init__.py": "",
            **(files or {}),
            f"{stem}.dist-info/METADATA": (
                f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}"
            ),
            f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        rows = [f"{path},{_sum(text)},{len(text.encode())}" for path, text in content.items()]
        content[f"{stem}.dist-info/RECORD"] = "\n".join([*rows, f"{stem}.dist-info/RECORD,,", ""])
        path = folder / f"{stem}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in content.items():
                archive.writestr(zipfile.ZipInfo(entry), text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path


def _sum(text: str) -> str:
    import base64

    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256={digest.rstrip('=')}"


def tree(site: Path) -> dict[str, bytes]:
    """All files of a folder, by path."""
    return {
        one.relative_to(site).as_posix(): one.read_bytes()
        for one in sorted(site.rglob("*"))
        if one.is_file()
    }


def marks(site: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of all files of a folder."""
    return {
        one.relative_to(site).as_posix(): (one.stat().st_ino, one.stat().st_mtime_ns)
        for one in site.rglob("*")
        if one.is_file()
    }


def catalogue(site: Path) -> dict:
    return json.loads((site / "catalogue.json").read_text())


def release(site: Path, package: str, version: str) -> dict:
    (found,) = (
        one
        for item in catalogue(site)["packages"]
        if item["name"] == package
        for one in item["releases"]
        if one["version"] == version
    )
    return found


def assert_whole(site: Path) -> None:
    """Each wheel that the catalogue names is there with its bytes, and nothing else is."""
    named = {}
    for package in catalogue(site)["packages"]:
        assert (site / "simple" / package["name"] / "index.html").is_file()
        assert (site / "simple" / package["name"] / "index.json").is_file()
        for one in package["releases"]:
            for file in one["files"]:
                path = f"files/{package['name']}/{file['filename']}"
                named[path] = file["sha256"]
                named[f"{path}.metadata"] = file["metadata_sha256"]
    there = {
        path: hashlib.sha256(data).hexdigest()
        for path, data in tree(site).items()
        if path.startswith("files/")
    }
    assert there == named


def run_python(code: str, *arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
        **more,
    )


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "workshop")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Where a site is to be; nothing is there yet."""
    return tmp_path / "registry" / "site"


@pytest.fixture
def build(site):
    """Build the site of wheels, without pages unless they are asked for."""

    def make(*wheels: Path, **more):
        if not (site / "index.html").exists():
            more.setdefault("pages", False)
        return build_site(wheels, site, **more)

    return make
