"""The README's example runs as it stands, with no network and no model."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "plugins" / "memory-sqlite" / "README.md"


def test_example_runs(tmp_path):
    example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "concierge.py").write_text(example, encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "concierge.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.stdout == "[[], [], ['I am allergic to peanuts.']]\n", run.stderr
    assert run.returncode == 0
