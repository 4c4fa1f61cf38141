"""The README's example runs as it stands, against the loopback server."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headrace_bedrock import BedrockChatModel, BedrockEmbeddingModel

README = Path(__file__).parents[3] / "plugins" / "bedrock" / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_example_runs(tmp_path, provider):
    example = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    (tmp_path / "reporter.py").write_text(example, encoding="utf-8")
    provider.says(provider.call("a", "weather", city="Zürich"))
    provider.says("Rain.")

    run = subprocess.run(
        [sys.executable, "reporter.py"],
        cwd=tmp_path,
        env={**os.environ, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": provider.url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.returncode) == ("Rain.\n", 0), run.stderr


@pytest.mark.parametrize("kind", [BedrockChatModel, BedrockEmbeddingModel])
def test_every_argument_is_in_its_tables(kind):
    tables = TEXT.split("## Who asks")[1].split("## What a conversation")[0]

    assert set(re.findall(r"`(\w+)`", tables)) >= set(inspect.signature(kind).parameters)


@pytest.mark.parametrize("kind", [BedrockChatModel, BedrockEmbeddingModel])
def test_every_argument_has_a_name_and_a_type_for_editors(kind):
    first, *others = inspect.signature(kind).parameters.values()

    assert (first.name, first.kind) == ("model", first.POSITIONAL_OR_KEYWORD)
    assert {one.kind for one in others} == {first.KEYWORD_ONLY}
    assert first.empty not in {one.annotation for one in (first, *others)}
