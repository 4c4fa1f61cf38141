"""The README's example runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "plugins" / "mcp" / "README.md"


@pytest.mark.slow
def test_example_runs(tmp_path):
    text = README.read_text(encoding="utf-8")
    server, agent = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]
    [said] = re.findall(r"\$ python seller.py\n(.*?)```", text, re.DOTALL)
    (tmp_path / "shop.py").write_text(server, encoding="utf-8")
    (tmp_path / "seller.py").write_text(agent, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    run = subprocess.run(
        [sys.executable, "seller.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.returncode) == (said, 0), run.stderr
