"""What the store is set up with, what it does not heed, and when Chroma is loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from headrace import Agent, AgentPlan, PlanError, use
from headrace.errors import ResourceError
from headrace.vectors import VectorQuery
from headrace_chroma import ChromaVectorStore


class TestFaults:
    def test_are_told_all_at_once_without_a_secret(self):
        with pytest.raises(ResourceError) as caught:
            ChromaVectorStore(
                "",
                url="ftp://u:hush@host",
                collection="a b",
                tenant="",
                database="",
                secret_headers={"X-Token": "hush hush"},
                ef_search=0,
                pool_size=0,
                timeout=float("nan"),
            )

        for part in ("either path", "path is", "url must", "collection", "tenant", "database"):
            assert part in str(caught.value)
        for part in ("secret_headers: X-Token", "ef_search", "pool_size", "timeout"):
            assert part in str(caught.value)
        assert "hush" not in str(caught.value)

    def test_of_a_store_that_is_nowhere(self):
        with pytest.raises(ResourceError, match="either path, a folder, or url"):
            ChromaVectorStore()

    def test_of_secrets_for_a_folder(self):
        with pytest.raises(ResourceError, match="secret_headers are for a server"):
            ChromaVectorStore("chroma", secret_headers={"X-Token": "TOKEN"})

    def test_of_conditions_that_chroma_cannot_ask_are_told_when_the_plan_is_compiled(self):
        class Searches(Agent):
            words = use("embedding_models", "lexical")
            notes = use("vector_stores", "chroma", path="notes")
            search = use(
                "tools",
                "headrace.retrieval:RetrievalTools",
                store="notes",
                embedder="words",
                where={"name": {"gt": "m"}},
            )

        with pytest.raises(PlanError, match="cannot compare texts by their order"):
            AgentPlan.from_agent(Searches())


class TestLife:
    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.add([{"id": "a", "text": "", "vector": [1]}]),
            lambda store: store.query(VectorQuery(vector=[1], limit=1)),
            lambda store: store.count(),
        ],
        ids=["add", "search", "count"],
    )
    def test_begins_with_opening(self, use):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(use(ChromaVectorStore("chroma")))

    def test_loads_chroma_only_when_opened(self):
        code = (
            "import sys, headrace_chroma\n"
            "headrace_chroma.ChromaVectorStore('chroma')\n"
            "assert not {'chromadb', 'httpx', 'numpy'} & set(sys.modules)"
        )

        subprocess.run([sys.executable, "-c", code], check=True)

    def test_is_found_by_its_entry_point(self):
        (point,) = entry_points(group="headrace.vector_stores", name="chroma")

        assert point.load() is ChromaVectorStore

    def test_heeds_nothing_around_the_process_and_tells_nobody(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".env").write_text("ANONYMIZED_TELEMETRY=true\n")
        monkeypatch.setenv("ANONYMIZED_TELEMETRY", "true")
        monkeypatch.setenv("CHROMA_OTEL_COLLECTION_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv("CHROMA_SERVER_HOST", "elsewhere")

        async def go():
            store = ChromaVectorStore("chroma")
            await store.open()
            settings = store._place.client.get_settings()
            await store.close()
            return settings

        settings = asyncio.run(go())

        assert settings.anonymized_telemetry is False
        assert not settings.chroma_otel_collection_endpoint
        assert settings.chroma_server_host is None
