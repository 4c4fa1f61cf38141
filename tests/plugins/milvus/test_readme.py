"""The README's example runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "plugins" / "milvus" / "README.md"


@pytest.mark.slow
def test_example_runs(tmp_path):
    example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "helper.py").write_text(example, encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "helper.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    told = ("A pump that loses water needs a new gasket.\n", 0)
    assert (run.stdout, run.returncode) == told, run.stderr
