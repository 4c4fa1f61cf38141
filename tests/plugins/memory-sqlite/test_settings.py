"""What the memory is set up with, and when things are loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from headrace.errors import ResourceError
from headrace_memory_sqlite import SqliteMemory


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            SqliteMemory(" ", embedder="", timeout=-1)
        for part in ("path", "embedder", "timeout"):
            assert part in str(caught.value)

    @pytest.mark.parametrize("path", ["", "a\x00b", 7, None])
    def test_of_paths(self, path):
        with pytest.raises(ResourceError, match="path names no file"):
            SqliteMemory(path)

    @pytest.mark.parametrize("timeout", [float("nan"), float("inf"), "1"])
    def test_of_times(self, timeout):
        with pytest.raises(ResourceError, match="timeout"):
            SqliteMemory("m.db", timeout=timeout)


class TestLife:
    def test_needs_opening(self):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(SqliteMemory("m.db").get({"agent": "a", "key": "k", "user": ""}, "m"))

    def test_needs_an_agent_where_an_embedder_is_named(self, tmp_path):
        memory = SqliteMemory(str(tmp_path / "m.db"), embedder="near")
        with pytest.raises(ResourceError, match="built by hand"):
            asyncio.run(memory.open())
        assert list(tmp_path.iterdir()) == []

    def test_needs_numpy_for_vectors_and_says_how_to_get_it(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "numpy", None)
        memory = SqliteMemory(str(tmp_path / "m.db"), embedder="near")
        with pytest.raises(ResourceError, match=r"pip install 'headrace-memory-sqlite\[vectors\]'"):
            asyncio.run(memory.open())

    def test_loads_numpy_only_for_vectors(self, tmp_path):
        code = (
            "import asyncio, sys, headrace_memory_sqlite\n"
            "memory = headrace_memory_sqlite.SqliteMemory(sys.argv[1])\n"
            "scope = {'agent': 'a', 'key': 'k', 'user': ''}\n"
            "async def main():\n"
            "    await memory.open()\n"
            "    await memory.add(scope, 'm', 'Tea.', {})\n"
            "    assert len(await memory.search(scope, 'tea', 1)) == 1\n"
            "    await memory.close()\n"
            "asyncio.run(main())\n"
            "assert 'numpy' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "m.db")], check=True)

    def test_is_found_by_its_entry_point(self):
        (point,) = entry_points(group="headrace.memory", name="sqlite")
        assert point.load() is SqliteMemory


class TestTexts:
    @pytest.mark.parametrize("part", ["scope", "item_id", "text"])
    def test_with_half_a_surrogate_pair_are_refused(self, tmp_path, using, part):
        given = {"scope": "ada", "item_id": "m", "text": "Tea.", part: "a\ud800b"}
        scope = {"agent": "a", "key": "k", "user": given["scope"]}

        with pytest.raises(ValueError, match="surrogates"):
            using(
                SqliteMemory(str(tmp_path / "m.db")),
                lambda memory: memory.add(scope, given["item_id"], given["text"], {}),
            )

    def test_above_a_million_characters_are_refused(self, tmp_path, using):
        scope = {"agent": "a", "key": "k", "user": ""}
        with pytest.raises(ValueError, match="1000001 characters; 1000000 at most"):
            using(
                SqliteMemory(str(tmp_path / "m.db")),
                lambda memory: memory.add(scope, "m", "x" * 1_000_001, {}),
            )
