"""Skills as folders, zips and git repositories: real ones, made by git itself."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

DATE = "2026-03-01T12:00:00Z"


def skill_text(name: str, description: str = "Does one thing.", **metadata: str) -> str:
    lines = ["---", f"name: {name}", f"description: {description}", "license: MIT"]
    if metadata:
        lines.append("metadata:")
        lines += [f'  {key.replace("_", "-")}: "{value}"' for key, value in metadata.items()]
    return "\n".join([*lines, "---", "", f"# {name}", ""])


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def write_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


class Repository:
    """A git repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_DATE": DATE for who in ("AUTHOR", "COMMITTER")},
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            input=given,
            capture_output=True,
            check=True,
            env=environment,
        )
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str | bytes]) -> str:
        write(self.folder, files)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", "A change")
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, rows: list[tuple[str, str, bytes]]) -> str:
        """Commit a tree of entries that git's own commands would not make: mode, name, object."""
        body = b""
        for mode, name, data in rows:
            kind = "tree" if mode == "40000" else "blob"
            sha = self.git("hash-object", "-w", "-t", kind, "--literally", "--stdin", given=data)
            body += f"{mode} {name}".encode() + b"\0" + bytes.fromhex(sha)
        tree = self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=body)
        commit = self.git("commit-tree", tree, "-m", "Crafted")
        self.git("update-ref", "refs/heads/main", commit)
        return commit


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder
