"""The standard's tests of memories, over mem0's embedded store."""

from __future__ import annotations

import pytest

from headrace.testing import MemoryBackendSuite


class TestMem0(MemoryBackendSuite):
    learns = True

    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path

    @pytest.fixture
    def make(self, memory, scripted):
        return lambda: memory(model=scripted())
