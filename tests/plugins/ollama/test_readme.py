"""The README's example runs as it stands, against the loopback server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "plugins" / "ollama" / "README.md"


def test_example_runs(tmp_path, provider):
    example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "reporter.py").write_text(example, encoding="utf-8")
    provider.says({"role": "assistant", "content": "Rain."})

    run = subprocess.run(
        [sys.executable, "reporter.py"],
        cwd=tmp_path,
        env={**os.environ, "OLLAMA_HOST": provider.url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.returncode) == ("Rain.\n", 0), run.stderr
    assert provider.bodies[0]["model"] == "qwen3"
    assert provider.bodies[0]["options"]["num_ctx"] == 16384
