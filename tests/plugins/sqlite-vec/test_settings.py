"""What the store is set up with, when SQLite is loaded, and how its extension is."""

from __future__ import annotations

import asyncio
import ctypes.util
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from headrace.errors import ResourceError
from headrace.vectors import VectorQuery
from headrace_sqlite_vec import SqliteVectorStore, _extension

HOUSE = Path(__file__).parents[3]


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            SqliteVectorStore("", collection="a b", busy_timeout=-1)

        for part in ("path is no path", "collection must be", "busy_timeout must be"):
            assert part in str(caught.value)

    @pytest.mark.parametrize("path", ["", "a\0b", "\ud800"], ids=ascii)
    def test_of_paths(self, path):
        with pytest.raises(ResourceError, match="path is no path"):
            SqliteVectorStore(path)

    @pytest.mark.parametrize("collection", ["", ".", "-a", "a b", "ä", "a/b", "a" * 49, "a\n"])
    def test_of_collections(self, collection):
        with pytest.raises(ResourceError, match="collection must be"):
            SqliteVectorStore(":memory:", collection=collection)

    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
    def test_of_times(self, seconds):
        with pytest.raises(ResourceError, match="busy_timeout"):
            SqliteVectorStore(":memory:", busy_timeout=seconds)


class TestLife:
    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.add([{"id": "a", "text": "", "vector": [1]}]),
            lambda store: store.query(VectorQuery(vector=[1], limit=1)),
            lambda store: store.get(["a"]),
            lambda store: store.delete(["a"]),
            lambda store: store.count(),
        ],
        ids=["add", "search", "get", "delete", "count"],
    )
    def test_begins_with_opening(self, use):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(use(SqliteVectorStore(":memory:")))

    def test_loads_sqlite_only_when_opened(self):
        code = (
            "import sys, headrace_sqlite_vec\n"
            "headrace_sqlite_vec.SqliteVectorStore('a.db')\n"
            "assert not {'sqlite3', 'sqlite_vec', 'ctypes'} & set(sys.modules)"
        )

        subprocess.run([sys.executable, "-c", code], check=True)

    def test_is_found_by_its_entry_point(self):
        (point,) = entry_points(group="headrace.vector_stores", name="sqlite-vec")

        assert point.load() is SqliteVectorStore


class TestExtension:
    def test_that_no_way_can_load_is_told_with_what_to_do(self, monkeypatch):
        monkeypatch.setattr(_extension, "sqlite3", WithoutExtensions)
        monkeypatch.setattr(_extension, "_home_of_sqlite", library_without_sqlite)

        with pytest.raises(ResourceError, match=r"loads no extensions: use a Python .*pgvector"):
            asyncio.run(SqliteVectorStore(":memory:").open())

    def test_of_a_sqlite_that_takes_none_is_not_given_to_it(self, monkeypatch):
        monkeypatch.setattr(_extension, "sqlite3", WithoutExtensions)
        monkeypatch.setattr(WithoutExtensions, "connect", lambda *_, **__: Bare())

        with pytest.raises(ResourceError, match="takes no extensions: use a Python"):
            asyncio.run(SqliteVectorStore(":memory:").open())

    def test_is_known_to_the_stores_connections_alone(self, using):
        async def talk(store):
            other = sqlite3.connect(":memory:")
            try:
                other.execute("SELECT vec_version()")
            finally:
                other.close()

        with pytest.raises(sqlite3.OperationalError, match="no such function"):
            using(talk, ":memory:")

    def test_is_loaded_by_a_python_that_has_the_method(self, tmp_path):
        python = next(filter(loads_extensions, found_pythons()), None)
        if python is None:
            pytest.skip("no Python of this version here has a sqlite3 that loads extensions")
        code = (
            "import asyncio, sqlite3\n"
            "from headrace.vectors import VectorQuery\n"
            "from headrace_sqlite_vec import SqliteVectorStore\n"
            "async def go():\n"
            "    store = SqliteVectorStore('vectors.db')\n"
            "    await store.open()\n"
            "    await store.add([dict(id='a', text='', vector=[1, 0])])\n"
            "    [found] = await store.query(VectorQuery(vector=[2, 0]))\n"
            "    await store.close()\n"
            "    print(found['score'], hasattr(sqlite3.Connection, 'enable_load_extension'))\n"
            "asyncio.run(go())"
        )
        paths = [HOUSE / "core", HOUSE / "plugins" / "sqlite-vec", sysconfig.get_path("purelib")]

        run = subprocess.run(
            [python, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
            capture_output=True,
            text=True,
            check=False,
        )

        assert (run.stdout, run.stderr) == ("1.0 True\n", "")


class WithoutExtensions:
    """Stands for the module ``sqlite3`` of a Python without the method that loads extensions."""

    Connection = object
    Error = sqlite3.Error
    connect = staticmethod(sqlite3.connect)


class Bare:
    """Stands for a connection to a SQLite that does not tell how it was built."""

    def execute(self, *_):
        raise sqlite3.OperationalError("no such function: sqlite_compileoption_used")

    def close(self):
        pass


def library_without_sqlite() -> str:
    """A library that is no SQLite."""
    return ctypes.util.find_library("m") or "libm.so.6"


def found_pythons() -> list[str]:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = {shutil.which(name, path=each) for each in ("/usr/bin", "/usr/local/bin")}
    return [sys.executable, *sorted(filter(None, found))]


def loads_extensions(python: str) -> bool:
    code = "import sqlite3; sqlite3.Connection.enable_load_extension"
    return not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode
