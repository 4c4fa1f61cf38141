"""What an author's editor knows of resources: mypy is asked, as ``./dev lint`` asks it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ASKED = """
from typing import Any

from typing_extensions import assert_type

from headrace import (
    ChatModel, Context, EmbeddingModel, MemoryBackend, Prompt, Toolset, VectorItem, VectorQuery,
    VectorStore,
)


async def acts(ctx: Context, kind: str) -> None:
    assert_type(await ctx.resource("chat_models", "a"), ChatModel)
    assert_type(await ctx.resource("embedding_models", "a"), EmbeddingModel)
    assert_type(await ctx.resource("tools", "a"), Toolset)
    assert_type(await ctx.resource("memory", "a"), MemoryBackend)
    assert_type(await ctx.resource("prompts", "a"), Prompt)
    assert_type(await ctx.resource(kind, "a"), Any)
    store = await ctx.resource("vector_stores", "a")
    assert_type(store, VectorStore)
    assert_type(await store.query(VectorQuery("words")), list[VectorItem])
"""


@pytest.mark.slow
def test_a_resource_has_the_type_of_its_kind(tmp_path):
    pytest.importorskip("mypy", reason="mypy is a tool of developers")
    from mypy import api

    asked = tmp_path / "asked.py"
    asked.write_text(ASKED)

    settings = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "c"))
    told, failed, _code = api.run([*settings, "--strict", str(asked)])

    mine = [line for line in told.splitlines() if "asked.py" in line]
    assert (mine, failed) == ([], ""), told
    assert "Success" in told
