"""The README's example runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "plugins" / "otel" / "README.md"


def test_example_runs(tmp_path, collector):
    example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "desk.py").write_text(example, encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "desk.py"],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.returncode) == ("[5]\n", 0), run.stderr
    [spans] = collector.traces.values()
    assert sorted(one.name for one in spans) == [
        "action tell",
        "call __main__:price",
        "invoke_agent Desk",
    ]
