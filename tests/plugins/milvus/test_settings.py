"""What the store is set up with, and when Milvus's client is loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from headrace.errors import ResourceError
from headrace.vectors import VectorQuery
from headrace_milvus import MilvusVectorStore


class TestFaults:
    def test_are_told_all_at_once_without_a_secret(self):
        with pytest.raises(ResourceError) as caught:
            MilvusVectorStore(
                "vectors",
                url="ftp://u:hush@host",
                collection="a b",
                database="",
                token_env="hush hush",  # noqa: S106
                pool_size=0,
                timeout=float("nan"),
            )

        for part in ("either path", "path must end", "url must", "collection", "database"):
            assert part in str(caught.value)
        for part in ("token_env", "pool_size", "timeout"):
            assert part in str(caught.value)
        assert "hush" not in str(caught.value)

    def test_of_a_store_that_is_nowhere(self):
        with pytest.raises(ResourceError, match="either path, a file, or url"):
            MilvusVectorStore()

    @pytest.mark.parametrize("path", ["vectors", "a b.db", ".db", "ä.db", "x" * 34 + ".db", "a/"])
    def test_of_files_that_milvus_does_not_take(self, path):
        with pytest.raises(ResourceError, match=r"path must end with NAME\.db"):
            MilvusVectorStore(path)

    def test_of_a_token_for_a_file(self):
        with pytest.raises(ResourceError, match="token_env is for a server"):
            MilvusVectorStore("a.db", token_env="TOKEN")  # noqa: S106

    def test_of_a_token_that_is_missing_name_its_variable(self, monkeypatch):
        monkeypatch.delenv("MILVUS_KEY", raising=False)
        address = "http://127.0.0.1:9"
        store = MilvusVectorStore(url=address, token_env="MILVUS_KEY")  # noqa: S106

        with pytest.raises(ResourceError, match="MILVUS_KEY"):
            asyncio.run(store.open())


class TestLife:
    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.add([{"id": "a", "text": "", "vector": [1, 0]}]),
            lambda store: store.query(VectorQuery(vector=[1, 0], limit=1)),
            lambda store: store.query(VectorQuery("a", mode="keyword")),
            lambda store: store.count(),
        ],
        ids=["add", "search", "words", "count"],
    )
    def test_begins_with_opening(self, use):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(use(MilvusVectorStore("a.db")))

    def test_loads_milvus_only_when_opened(self):
        code = (
            "import sys, headrace_milvus\n"
            "headrace_milvus.MilvusVectorStore('a.db')\n"
            "assert not {'pymilvus', 'milvus_lite', 'grpc', 'pandas'} & set(sys.modules)"
        )

        subprocess.run([sys.executable, "-c", code], check=True)

    def test_is_found_by_its_entry_point(self):
        (point,) = entry_points(group="headrace.vector_stores", name="milvus")

        assert point.load() is MilvusVectorStore
