"""The README's example runs as it stands, against the loopback provider."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

from headrace_anthropic import AnthropicChatModel

README = Path(__file__).parents[3] / "plugins" / "anthropic" / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_example_runs(tmp_path, provider):
    example = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    (tmp_path / "reporter.py").write_text(example, encoding="utf-8")
    provider.answer(provider.call("a", "weather", city="Zürich"))
    provider.answer("Rain.")

    run = subprocess.run(
        [sys.executable, "reporter.py"],
        cwd=tmp_path,
        env={**os.environ, "ANTHROPIC_BASE_URL": provider.url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.returncode) == ("Rain.\n", 0), run.stderr


def test_every_argument_is_in_its_table():
    table = TEXT.split("## Arguments")[1].split("##")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(
        inspect.signature(AnthropicChatModel).parameters
    )
