"""The README's example runs as it stands, against the loopback server."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headrace_gemini import GeminiChatModel, GeminiEmbeddingModel

README = Path(__file__).parents[3] / "plugins" / "gemini" / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_example_runs(tmp_path, provider):
    example = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    (tmp_path / "reporter.py").write_text(example, encoding="utf-8")
    provider.says({**provider.call("weather", city="Zürich"), "thoughtSignature": "c2ln"})
    provider.says("Rain.")

    run = subprocess.run(
        [sys.executable, "reporter.py"],
        cwd=tmp_path,
        env={**os.environ, "GOOGLE_GEMINI_BASE_URL": provider.url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.returncode) == ("Rain.\n", 0), run.stderr


@pytest.mark.parametrize(
    ("title", "kind"),
    [("chat model", GeminiChatModel), ("embedding model", GeminiEmbeddingModel)],
)
def test_every_argument_is_in_its_table(title, kind):
    part = TEXT.split(f"## Arguments of the {title}")[1].split("\n**Secrets")[0]
    part = part.split("\n##")[0]

    assert set(re.findall(r"`(\w+)`", part)) >= set(inspect.signature(kind).parameters)
