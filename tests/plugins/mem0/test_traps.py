"""What mem0 2.2 does by itself, and must not do here: a test for each."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.errors import ResourceError

ADA = {"agent": "desk", "key": "k", "user": "ada"}

GUARD = """
import socket, sys
tried = []

def refuse(name, real):
    def guarded(self, address, *rest):
        tried.append((name, address))
        raise OSError("no network here")
    return guarded

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse(name, getattr(socket.socket, name)))

def no_names(*asked, **_):
    tried.append(("getaddrinfo", asked))
    raise OSError("no names here")

socket.getaddrinfo = no_names
"""

CYCLE = """
import asyncio, importlib.util, json, os, sys, threading

spec = importlib.util.spec_from_file_location("stand_ins", sys.argv[1])
stand_ins = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_ins)
from headrace.chat import Message
from headrace_mem0 import Mem0Memory

async def main():
    memory = Mem0Memory(sys.argv[2], embedder="near", model="clever")
    models = {"near": stand_ins.Hashed(), "clever": stand_ins.Scripted()}

    async def find(kind, name):
        return models[name]

    memory.resource_lookup = find
    await memory.open()
    scope = {"agent": "desk", "key": "k", "user": "ada"}
    await memory.add(scope, "m-1", "Tea was drunk yesterday, on 2024-01-01.", {})
    await memory.update(scope, "m-1", "Coffee was drunk yesterday.")
    found = await memory.search(scope, "coffee last week", 60)
    learned = await memory.learn(scope, "l-1", [Message(role="user", content="I live in Bern.")])
    for number in range(8):
        await memory.delete(scope, f"m-{number}")
    erased = await memory.erase(scope)
    await memory.close()
    return len(found), len(learned), erased

result = asyncio.run(main())
print(json.dumps({
    "result": result,
    "tried": [str(one) for one in globals().get("tried", [])],
    "threads": [t.name for t in threading.enumerate()],
    "environment": {n: os.environ.get(n) for n in ("MEM0_DIR", "MEM0_TELEMETRY")},
}))
"""


@pytest.fixture
def alone(tmp_path):
    """Runs a program in a process of its own, with an empty home; gives what it says."""

    def run(code, *, path=(), **environment):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        stand_ins = str(Path(__file__).with_name("conftest.py"))
        done = subprocess.run(
            [sys.executable, "-c", code, stand_ins, str(tmp_path / "memories")],
            env={
                **{n: v for n, v in os.environ.items() if not n.startswith("MEM0_")},
                "HOME": str(home),
                "PYTHONPATH": os.pathsep.join(map(str, path)),
                **environment,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        return {**said, "home": sorted(map(str, home.rglob("*"))), "stderr": done.stderr}

    return run


class TestTelemetry:
    @pytest.mark.parametrize("wish", [{}, {"MEM0_TELEMETRY": "True"}], ids=["unset", "on"])
    def test_is_off_and_nothing_else_reaches_for_the_network(self, alone, wish):
        said = alone(GUARD + CYCLE, **wish)

        assert said["result"] == [1, 1, 1]
        assert said["tried"] == []
        assert {name.partition("-mem0")[0] for name in said["threads"]} <= {
            "MainThread",
            "headrace",
        }

    def test_leaves_the_home_folder_and_the_environment_as_they_were(self, alone):
        said = alone(CYCLE, MEM0_TELEMETRY="True")

        assert said["home"] == []
        assert said["environment"] == {"MEM0_DIR": None, "MEM0_TELEMETRY": "True"}

    def test_that_something_else_has_switched_on_is_refused(self, alone, tmp_path):
        code = (
            GUARD
            + "import os, tempfile\nos.environ['MEM0_DIR'] = tempfile.mkdtemp()\nimport mem0\n"
            + CYCLE.replace(
                "result = asyncio.run(main())",
                "try:\n    asyncio.run(main())\nexcept Exception as error:\n"
                "    result = repr(error)",
            )
        )
        said = alone(code)

        assert "ResourceError" in said["result"]
        assert "MEM0_TELEMETRY=False" in said["result"]
        assert not (tmp_path / "memories" / "collection").exists()


def test_no_model_is_fetched_where_spacy_and_fastembed_are_found(alone, tmp_path):
    extras = tmp_path / "extras"
    fetched = str(tmp_path / "f")
    fetch = f"import pathlib\ndef fetch(*_, **__):\n    pathlib.Path({fetched!r}).touch()\n"
    for name, more in (
        ("spacy/__init__", "class util:\n    is_package = lambda name: False\n"),
        ("spacy/cli", "download = fetch\n"),
        ("fastembed/__init__", "class SparseTextEmbedding:\n    __init__ = fetch\n"),
    ):
        (extras / name).parent.mkdir(parents=True, exist_ok=True)
        (extras / f"{name}.py").write_text(fetch + more)

    said = alone(CYCLE, path=[extras])

    assert said["result"] == [1, 1, 1]
    assert not (tmp_path / "f").exists()


class TestLocks:
    HOLDER = """
import fcntl, os, sys
os.makedirs(sys.argv[1], exist_ok=True)
file = open(sys.argv[1] + "/headrace.lock", "a+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(str(os.getpid()))
file.flush()
print("held", flush=True)
sys.stdin.readline()
"""

    @pytest.fixture
    def holder(self, tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", self.HOLDER, str(tmp_path / "memories")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    def test_of_another_process_are_told_of(self, memory, holder):
        with pytest.raises(ResourceError, match=f"the process {holder.pid}.*for one process"):
            asyncio.run(memory(timeout=0).open())

    def test_of_this_process_are_told_of(self, memory, using):
        async def talk(_):
            with pytest.raises(ResourceError, match=r"in this process"):
                await memory(timeout=0).open()

        using(memory(), talk)

    def test_are_waited_for_without_holding_up_the_loop(self, memory, holder):
        async def go():
            backend = memory(timeout=60)
            opening = asyncio.ensure_future(backend.open())
            turns = [await asyncio.sleep(0) for _ in range(1_000)]
            waited = not opening.done()
            holder.communicate("go\n")
            await opening
            await backend.close()
            return len(turns), waited

        assert asyncio.run(asyncio.wait_for(go(), 100)) == (1_000, True)

    def test_end_with_the_process_that_was_killed(self, memory, holder, using):
        holder.kill()
        holder.wait()
        assert using(memory(timeout=0), lambda backend: backend.get(ADA, "m")) is None

    def test_of_the_store_itself_are_free_after_closing(self, memory, using, tmp_path):
        from qdrant_client import QdrantClient

        using(memory(), lambda backend: backend.add(ADA, "m-1", "Tea.", {}))

        client = QdrantClient(path=str(tmp_path / "memories"))
        try:
            assert client.count("headrace").count == 1
        finally:
            client.close()

    # The vendor leaves the file of the lock that it did not get to the garbage collector.
    @pytest.mark.filterwarnings("ignore:Exception ignored in")
    def test_of_the_store_itself_that_something_else_holds_are_told_of(self, memory, tmp_path):
        from qdrant_client import QdrantClient

        client = QdrantClient(path=str(tmp_path / "memories"))
        try:
            with pytest.raises(ResourceError, match="already accessed"):
                asyncio.run(memory(timeout=0).open())
        finally:
            client.close()
        gc.collect()

    def test_are_given_free_where_opening_fails(self, memory, using):
        using(memory(), lambda backend: backend.add(ADA, "m-1", "Tea.", {}))
        with pytest.raises(ResourceError, match=r"vectors of 512 numbers.*have 64"):
            asyncio.run(memory(dimensions=64).open())
        assert using(memory(timeout=0), lambda backend: backend.get(ADA, "m-1"))["text"] == "Tea."


class TestDefaults:
    def test_of_the_vendor_are_never_used(self, memory, using, tmp_path):
        held = {}

        async def talk(backend):
            store = backend._held.store.memory.vector_store
            held.update(
                collection=store.collection_name,
                location=store.client._client.location,
                dimensions=store.col_info().config.params.vectors.size,
            )

        using(memory(), talk)

        assert held == {
            "collection": "headrace",
            "location": str(tmp_path / "memories"),
            "dimensions": 512,
        }

    def test_of_dimensions_are_what_the_embedder_gives(self, memory, using, hashed):
        async def talk(backend):
            await backend.add(ADA, "m-1", "Tea.", {})
            return len(await backend.search(ADA, "tea", 1))

        embedder = hashed(dimensions=48)
        assert using(memory(embedder, dimensions=None), talk) == 1

    @pytest.mark.parametrize(("threshold", "count"), [(0.0, 2), (0.3, 1), (0.99, 0)])
    def test_of_the_threshold_can_be_set(self, memory, using, threshold, count):
        async def talk(backend):
            await backend.add(ADA, "near", "Tea with milk.", {})
            await backend.add(ADA, "far", "Many other words, and tea among all of these.", {})
            return len(await backend.search(ADA, "tea", 5))

        # cosine 1/sqrt(3) = 0.58 and 1/sqrt(9) = 0.33
        found = using(memory(threshold={0.3: 0.4}.get(threshold, threshold)), talk)
        assert found == count


class TestTexts:
    def test_are_not_kept_in_a_history(self, memory, using, tmp_path):
        async def talk(backend):
            await backend.add(ADA, "m-1", "Tea.", {})
            await backend.delete(ADA, "m-1")

        using(memory(), talk)

        assert [path.name for path in tmp_path.rglob("*.db")] == []

    def test_are_not_logged(self, memory, using, caplog):
        async def talk(backend):
            await backend.add(ADA, "m-1", "Quetzalcoatlus", {})
            await backend.update(ADA, "m-1", "Xiuhtecuhtli")
            await backend.delete(ADA, "m-1")

        with caplog.at_level(logging.INFO):
            using(memory(), talk)

        assert "Quetzalcoatlus" not in caplog.text
        assert "Xiuhtecuhtli" not in caplog.text

    def test_of_replays_are_not_embedded_again(self, memory, using, hashed):
        embedder = hashed()

        async def talk(backend):
            await backend.add(ADA, "m-1", "Tea.", {})
            await backend.add(ADA, "m-1", "Tea.", {})

        using(memory(embedder), talk)
        assert embedder.asked == ["Tea."]


def test_the_vendors_store_is_used_by_one_thread_alone(memory, using, monkeypatch):
    import threading

    from qdrant_client.local.qdrant_local import QdrantLocal

    threads = set()
    for name in ("upsert", "query_points", "retrieve", "delete", "scroll"):
        real = getattr(QdrantLocal, name)

        def seen(*args, real=real, **kwargs):
            threads.add(threading.current_thread().name)
            return real(*args, **kwargs)

        monkeypatch.setattr(QdrantLocal, name, seen)

    async def talk(backend):
        await asyncio.gather(*(backend.add(ADA, f"m-{n}", f"Tea {n}.", {}) for n in range(16)))
        await asyncio.gather(*(backend.search(ADA, "tea", 3) for _ in range(8)))
        await backend.erase(ADA)

    using(memory(), talk)
    assert len(threads) == 1
    assert "MainThread" not in threads


def test_the_interface_of_the_vendor_is_the_one_that_was_read():
    """If this fails: read mem0 anew; these are the places that the plugin leans on."""
    from headrace_mem0 import _vendor

    main = _vendor.load()
    from mem0.utils import spacy_models
    from mem0.vector_stores.qdrant import Qdrant

    assert {"infer", "metadata"} <= set(inspect.signature(main.Memory.add).parameters)
    assert {"_load_failed_full", "_load_failed_lemma"} <= set(vars(spacy_models))
    assert "self._bm25_encoder" in inspect.getsource(Qdrant)
    assert "Your sole operation is ADD" in main.ADDITIVE_EXTRACTION_PROMPT
