"""The README's example is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "skills" / "README.md"


def test_the_example_prints_what_the_readme_says(tmp_path):
    text = README.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"<!-- (\S+) -->\n```\w*\n(.*?)```", text, re.DOTALL))
    for name in ("greetings/SKILL.md", "greetings/scripts/greet.py"):
        file = tmp_path / "skills" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(blocks[name], encoding="utf-8")
    (tmp_path / "example.py").write_text(blocks["example.py"], encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    assert ran.stdout == blocks["output"]
