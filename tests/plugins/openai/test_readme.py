"""The README's example runs as it stands, against the loopback provider."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

README = Path(__file__).parents[3] / "plugins" / "openai" / "README.md"


EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
MODELS = {
    ("chat_models", "openai"): OpenAIChatModel,
    ("chat_models", "openai-responses"): OpenAIResponsesModel,
    ("embedding_models", "openai"): OpenAIEmbeddingModel,
}


def test_example_runs(tmp_path, provider):
    example = EXAMPLES[0]
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
    assert provider.bodies[0]["model"] == "gpt-4.1-mini"


@pytest.mark.parametrize("example", EXAMPLES[1:])
def test_other_examples_are_models_that_can_be_set_up(example):
    made = []

    def use(kind, name, **arguments):
        made.append(MODELS[kind, name](**arguments))

    exec(example, {"use": use})  # noqa: S102 - our own text

    assert len(made) == 1


@pytest.mark.parametrize("model", MODELS.values())
def test_arguments_of_every_model_are_in_the_tables(model):
    text = README.read_text(encoding="utf-8")

    assert [name for name in inspect.signature(model).parameters if f"`{name}`" not in text] == []
