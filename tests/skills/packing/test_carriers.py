"""One skill, however it comes: a folder, a zip, its wheel by pip or by uv, an editable sdist."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

from headrace_skills.packing import contents_of, pack

from .conftest import add

pytestmark = pytest.mark.slow

BLOCK = '"""Runs."""\n# /// script\n# dependencies = ["packaging"]\n# ///\n'


@pytest.fixture
def root(folder):
    root = folder(files={"references/ä b.md": "x", ".hidden/x": "", "scripts/run.py": BLOCK})
    add(root, "scripts/go.sh", "#!/bin/sh\n", mode=0o755)
    add(root, ".env", "TOKEN=1")
    (root / "again.md").symlink_to("references/ä b.md")
    return root


@pytest.fixture
def packed(root):
    return pack([root], sdist=True)


@pytest.fixture
def site(tmp_path):
    """An empty environment: its interpreter, and where its packages are."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return tmp_path / "venv/bin/python", tmp_path / "venv/lib" / version / "site-packages"


def run(*words, **environment):
    subprocess.run([*map(str, words)], check=True, env={**os.environ, **environment})


def by_pip(packed, tmp_path, python):
    wheel = packed.wheel.write(tmp_path / "dist")
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"),
        *("--disable-pip-version-check", "--no-deps", wheel),
    )


def by_uv(packed, tmp_path, python):
    wheel = packed.wheel.write(tmp_path / "dist")
    run(
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python),
        *("--offline", "--no-index", "--no-deps", wheel),
    )


def editable(packed, tmp_path, python):
    with tarfile.open(packed.sdist.write(tmp_path / "dist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (project,) = (tmp_path / "source").iterdir()
    # Without isolation the build backend is looked for where it is installed: it is in ours.
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"),
        *("--disable-pip-version-check", "--no-deps", "--no-build-isolation", "-e", project),
        PYTHONPATH=sysconfig.get_path("purelib"),
    )


def listed(folder, *arguments, path=""):
    """What ``agents skills list`` tells of the skill, and what its folder holds."""
    code = "from headrace_cli.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "skills", "list", "--json", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path), "HEADRACE_CACHE_DIR": str(folder / "cache")},
        check=True,
        capture_output=True,
        text=True,
    )
    data = json.loads(ran.stdout)
    assert data["conflicts"] == []
    (one,) = (skill for skill in data["skills"] if skill["name"] == "pdf")
    contents = contents_of(one["root"])
    files = [(file.path, file.size, file.executable) for file in contents.files]
    assert one["files"] == [file.path for file in contents.files]
    assert one["digest"] == contents.digest()
    return (one["name"], one["description"], one["license"], files, contents.digest()), one


@pytest.mark.parametrize("install", [by_pip, by_uv, editable])
def test_what_is_installed_is_what_was_packed(root, packed, site, tmp_path, install):
    expected, _ = listed(tmp_path, "--folder", root)
    python, packages = site
    install(packed, tmp_path, python)
    found, one = listed(tmp_path, path=packages)
    assert found == expected
    assert found[-1] == packed.skills[0].digest
    assert (one["distribution"], one["version"]) == ("skill-pdf", "1.2.0")


@pytest.mark.parametrize("at_the_top", [True, False])
def test_a_zip_is_the_folder(root, tmp_path, at_the_top):
    expected, _ = listed(tmp_path, "--folder", root)
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(root if at_the_top else root.parent))
    found, one = listed(tmp_path, "--folder", path)
    assert found == expected
    assert str(path) in one["from"]
