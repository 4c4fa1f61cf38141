"""What the memory is set up with, and when things are loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from headrace.errors import ResourceError
from headrace_mem0 import Mem0Memory


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            Mem0Memory(
                embedder=" ",
                model="",
                provider="pgvector",
                config={"password": "s3cret", "embedding_model_dims": 3, "user": "ada"},
                secrets={"api_key": "no variable"},
                dimensions=0,
                threshold=2,
                timeout=-1,
            )
        text = str(caught.value)
        for part in (
            "embedder",
            "model",
            "password holds a secret",
            "embedding_model_dims",
            "secrets: api_key",
            "dimensions",
            "threshold",
            "timeout",
        ):
            assert part in text
        assert "s3cret" not in text
        assert "user" not in text

    @pytest.mark.parametrize(
        ("arguments", "fault"),
        [
            ({}, "give path"),
            ({"path": " "}, "path names no folder"),
            ({"path": "m", "config": {"host": "h"}}, "path is for the embedded qdrant alone"),
            ({"path": "m", "provider": "redis"}, "path is for the embedded qdrant alone"),
            ({"config": {"path": "m"}}, "give the folder of an embedded qdrant as path"),
            ({"provider": "redis", "config": {"x": object()}}, "no JSON"),
        ],
    )
    def test_of_stores(self, arguments, fault):
        with pytest.raises(ResourceError, match=fault):
            Mem0Memory(embedder="near", **arguments)

    @pytest.mark.parametrize(
        "config",
        [
            {"redis_url": "redis://ada:s3cret@host"},
            {"api_key": "s3cret"},
            {"auth_token": "s3cret"},
            {"connection_string": "s3cret"},
            {"dsn": "host=h password=s3cret"},
        ],
    )
    def test_of_secrets_in_the_plan(self, config):
        with pytest.raises(ResourceError, match="environment variable") as caught:
            Mem0Memory(embedder="near", provider="redis", config=config)
        assert "s3cret" not in str(caught.value)


class TestLife:
    def test_needs_opening(self):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(
                Mem0Memory("m", embedder="near").get({"agent": "a", "key": "k", "user": ""}, "m")
            )

    def test_needs_an_agent_with_an_embedder(self, tmp_path):
        with pytest.raises(ResourceError, match="built by hand"):
            asyncio.run(Mem0Memory(str(tmp_path / "m"), embedder="near").open())
        assert list(tmp_path.iterdir()) == []

    def test_names_the_secrets_that_are_missing(self, monkeypatch):
        monkeypatch.delenv("PG_OF_NOBODY", raising=False)
        memory = Mem0Memory(
            embedder="near", provider="pgvector", config={"hnsw": True},
            secrets={"connection_string": "PG_OF_NOBODY"},
        )  # fmt: skip
        with pytest.raises(ResourceError, match="PG_OF_NOBODY"):
            asyncio.run(memory.open())

    def test_says_which_stores_client_is_missing(self, memory):
        backend = memory(path=None, provider="chroma", config={"host": "h", "port": 1})
        with pytest.raises(ResourceError, match="mem0's store chroma cannot be opened"):
            asyncio.run(backend.open())

    def test_loads_the_vendor_only_when_opened(self):
        code = (
            "import sys, headrace_mem0\n"
            "headrace_mem0.Mem0Memory('m', embedder='e')\n"
            "assert not {'mem0', 'qdrant_client', 'posthog', 'numpy'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_is_found_by_its_entry_point(self):
        (point,) = entry_points(group="headrace.memory", name="mem0")
        assert point.load() is Mem0Memory
