"""What the model is set up with, and what is loaded for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from headrace.errors import ResourceError
from headrace_lexical import LexicalEmbeddingModel


@pytest.mark.parametrize("dimensions", [15, 0, -1, 65_537])
def test_a_length_out_of_range_is_refused_with_the_range(dimensions):
    with pytest.raises(ResourceError, match=r"from 16 to 65536"):
        LexicalEmbeddingModel(dimensions=dimensions)


@pytest.mark.parametrize("dimensions", [1.5, "512", True, None])
def test_a_length_that_is_no_whole_number_is_refused(dimensions):
    with pytest.raises(ResourceError, match="whole number"):
        LexicalEmbeddingModel(dimensions=dimensions)


@pytest.mark.parametrize(
    ("texts", "turns"),
    [
        # 100,000 characters, and a turn after each 5,000 of them, of whole texts.
        (["word " * 500] * 40, 13),
        (["word " * 20_000], 1),
    ],
    ids=["many texts", "a long text"],
)
def test_much_to_read_leaves_others_their_turn(texts, turns):
    async def count_turns() -> int:
        had = 0

        async def other() -> None:
            nonlocal had
            while True:
                had += 1
                await asyncio.sleep(0)

        beside = asyncio.ensure_future(other())
        await LexicalEmbeddingModel().embed(texts)
        beside.cancel()
        return had

    assert asyncio.run(count_turns()) >= turns


def test_nothing_but_headrace_is_loaded():
    code = (
        "import sys\n"
        "import headrace_lexical\n"
        "headrace_lexical.LexicalEmbeddingModel()\n"
        "assert not {'numpy', 'sklearn', 'httpx', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_found_by_its_entry_point():
    (point,) = entry_points(group="headrace.embedding_models", name="lexical")

    assert point.load() is LexicalEmbeddingModel
