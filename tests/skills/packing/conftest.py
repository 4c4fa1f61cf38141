"""Folders of skills, and a look into what was made of them."""

from __future__ import annotations

import email.parser
import email.policy
import io
import os
import zipfile
from pathlib import Path

import pytest

from headrace_skills.packing import pack

FRONT = 'description: Reads PDF files. Use it for forms.\nmetadata:\n  version: "1.2.0"'
BODY = "# How\n\nRead it."


@pytest.fixture
def folder(tmp_path):
    """Write a skill: its frontmatter beside the name, and further files by their paths."""

    def write(name="pdf", front=FRONT, *, body=BODY, within=tmp_path, **files):
        root = Path(within, name)
        root.mkdir(parents=True)
        (root / "SKILL.md").write_text(f"---\nname: {name}\n{front}\n---\n\n{body}\n", "utf-8")
        for path, content in files.pop("files", {}).items():
            add(root, path, content)
        assert not files
        return root

    return write


def add(root, path, content="", *, mode=0o644):
    place = Path(root, path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    place.chmod(mode)
    return place


class Wheel:
    """A wheel, read with the standard library alone."""

    def __init__(self, archive):
        self.filename = archive.filename
        self.zip = zipfile.ZipFile(io.BytesIO(archive.data))
        self.names = self.zip.namelist()
        (self.info,) = {name.split("/")[0] for name in self.names if ".dist-info/" in name}

    def text(self, name):
        return self.zip.read(name.replace("INFO/", f"{self.info}/")).decode()

    @property
    def metadata(self):
        parser = email.parser.BytesParser(policy=email.policy.compat32)
        return parser.parsebytes(self.zip.read(f"{self.info}/METADATA"))

    def mode(self, name):
        return self.zip.getinfo(name).external_attr >> 16


@pytest.fixture
def wheel():
    def make(*folders, **options):
        return Wheel(pack(list(folders), **options).wheel)

    return make


def tree(root):
    """All files below a folder: their bytes, and whether they may be executed."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), os.access(path, os.X_OK))
        for path in sorted(Path(root).rglob("*"))
        if path.is_file()
    }


def make_zip(path, members):
    """Write a zip of ``(name, content)`` or ``(ZipInfo, content)``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path
