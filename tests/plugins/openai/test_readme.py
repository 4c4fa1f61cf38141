"""The README's example runs as it stands, against the loopback provider."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "plugins" / "openai" / "README.md"


def test_example_runs(tmp_path, provider):
    example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "reporter.py").write_text(example, encoding="utf-8")
    provider.answer({"content": "Rain."})
    run = subprocess.run(
        [sys.executable, "reporter.py"],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_BASE_URL": provider.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.returncode) == ("Rain.\n", 0), run.stderr
    assert provider.requests[0]["model"] == "gpt-4.1-mini"
