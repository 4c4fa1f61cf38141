"""A project with files, and processes that are killed at any step of what they do in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

KILLED = """
import os, signal, sys
from pathlib import Path
from headrace_registry.projects import changing, recover, write_files

CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir"}
left = None

def hook(event, arguments):
    global left
    if left is not None and event in CHANGES and str(project) in str(arguments[0]):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

sys.addaudithook(hook)
"""


@pytest.fixture
def killed(tmp_path):
    """Do something in as many projects, killed one step later in each; give those projects."""

    def run(make: str, act: str) -> list[Path]:
        """``make`` fills the folder ``project``, ``act`` is what is killed."""
        script = (
            KILLED
            + f"""
for step in range(1000):
    project = Path({str(tmp_path)!r}) / f"killed-{{step}}"
    project.mkdir()
    process = os.fork()
    if not process:
        try:
            {make}
            left = step
            {act}
            os._exit(0)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
    how = os.waitpid(process, 0)[1]
    if os.WIFEXITED(how):
        sys.exit(os.WEXITSTATUS(how))
"""
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(tmp_path.glob("killed-*"), key=lambda one: int(one.name.split("-")[1]))

    return run


def content(project: Path) -> dict[str, bytes]:
    """The files of a project, by their paths; its private folder left out."""
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".headrace" not in path.parts
    }


def folders(project: Path) -> set[str]:
    return {
        str(path.relative_to(project))
        for path in project.rglob("*")
        if path.is_dir() and ".headrace" not in path.parts
    }


def left_over(project: Path) -> set[str]:
    """What the private folder holds beside what always stays."""
    return {one.name for one in project.glob(".headrace/*")} - {".gitignore", "lock"}
