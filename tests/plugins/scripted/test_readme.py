"""The README's example does what the README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "plugins" / "scripted" / "README.md"


def test_example_prints_what_is_shown(tmp_path):
    text = README.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(yaml|python|console)\n(.*?)```", text, re.DOTALL))
    (tmp_path / "policy.yaml").write_text(blocks["yaml"], encoding="utf-8")
    (tmp_path / "counter.py").write_text(blocks["python"], encoding="utf-8")
    shown = blocks["console"].removeprefix("$ python counter.py\n")
    run = subprocess.run(
        [sys.executable, "counter.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.returncode) == (shown, 0), run.stderr
