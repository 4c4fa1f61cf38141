"""The examples of the guide to tools print what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[3] / "docs" / "tools.md").read_text(encoding="utf-8")
PRINTED = {
    match["file"]: (match["code"], match["text"])
    for match in re.finditer(
        r"^`(?P<file>\w+\.py)`:\n\n```python\n(?P<code>[^`]*)^```\n\nprints\n\n"
        r"```text\n(?P<text>.*?)^```$",
        TEXT,
        re.MULTILINE | re.DOTALL,
    )
}


def test_every_python_block_prints_something():
    assert len(PRINTED) == TEXT.count("```python\n")


@pytest.mark.parametrize("file", PRINTED)
def test_an_example_prints_what_the_guide_says(file, tmp_path):
    code, text = PRINTED[file]
    (tmp_path / file).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, file], cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, text), done.stderr
