"""The standard's tests of memories, with words alone and with an embedder."""

from __future__ import annotations

import pytest

from headrace.testing import MemoryBackendSuite
from headrace_memory_sqlite import SqliteMemory


class TestByWords(MemoryBackendSuite):
    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path

    @pytest.fixture
    def make(self, tmp_path):
        return lambda: SqliteMemory(str(tmp_path / "memories.db"))


class TestWithAnEmbedder(MemoryBackendSuite):
    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path

    @pytest.fixture
    def make(self, tmp_path, hashed, lookup):
        def made():
            memory = SqliteMemory(str(tmp_path / "memories.db"), embedder="near")
            memory.resource_lookup = lookup(hashed())
            return memory

        return made
