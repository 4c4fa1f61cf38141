"""The guide's examples print what the guide says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[3] / "docs" / "agents.md"
_BLOCK = re.compile(
    r"^`(?P<file>[^`\n]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_PRINTS = re.compile(
    r"^`(?P<file>[^`\n]+\.py)`:\n\n```python\n[^`]*^```\n\nprints\n\n```text\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TEXT = GUIDE.read_text(encoding="utf-8")
PRINTED = {match["file"]: match["text"] for match in _PRINTS.finditer(TEXT)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of the guide, and the store that one example fills for the others."""
    made = tmp_path_factory.mktemp("guide")
    for block in _BLOCK.finditer(TEXT):
        (made / block["file"]).write_text(block["text"], encoding="utf-8")
    run(made, "fill.py")
    return made


def run(folder, file):
    done = subprocess.run(
        [sys.executable, file], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_python_block_is_a_file_that_is_run_or_imported():
    files = [match["file"] for match in _BLOCK.finditer(TEXT) if match["file"].endswith(".py")]

    assert len(files) == TEXT.count("```python\n")
    assert set(files) - PRINTED.keys() == {"orders.py"}


@pytest.mark.parametrize("file", PRINTED)
def test_an_example_prints_what_the_guide_says(folder, file):
    if file == "fill.py":  # it tells of a store that is new
        (folder / "manuals.db").unlink()

    assert run(folder, file) == PRINTED[file]
