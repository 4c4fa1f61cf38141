"""What all tests of the core share: modules of agents that every worker can import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = Path(__file__).parent / "workers"

# Set before any Flink gateway starts: its Python workers and our subprocesses inherit it.
if str(WORKERS) not in sys.path:
    sys.path.insert(0, str(WORKERS))
_paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
if str(WORKERS) not in _paths:
    os.environ["PYTHONPATH"] = os.pathsep.join([str(WORKERS), *filter(None, _paths)])


@pytest.fixture(scope="session")
def java() -> Iterator[None]:
    """PyFlink's gateway to Java, whose process ends with the tests.

    PyFlink drops the process it started and leaves its pipes open, which counts as a warning, and
    so as a failure, wherever the garbage collector comes upon them.
    """
    java_gateway = pytest.importorskip("pyflink.java_gateway")
    launch, started = java_gateway.launch_gateway_server_process, []

    def keep(*arguments: Any) -> subprocess.Popen[bytes]:
        started.append(launch(*arguments))
        return started[-1]

    java_gateway.launch_gateway_server_process = keep
    yield
    java_gateway.launch_gateway_server_process = launch
    if java_gateway._gateway is not None and started:
        java_gateway._gateway.shutdown()
        java_gateway._gateway = None
    for process in started:
        process.stdin.close()  # what the gateway's server waits for
        process.stderr.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
