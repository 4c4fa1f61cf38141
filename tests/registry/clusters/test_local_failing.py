"""A cluster that does not come up: the first real cause is told, and nothing is left."""

from __future__ import annotations

import socket

import pytest

from headrace_registry.clusters import (
    ClusterSpec,
    ClusterSpecError,
    ClusterStartError,
    start_cluster,
)
from headrace_registry.clusters._local_processes import marked


@pytest.fixture
def nothing_is_left(tmp_path):
    yield
    folder = tmp_path / "clusters" / "failing"
    assert marked(folder) == []
    assert not folder.exists()


pytestmark = pytest.mark.usefixtures("nothing_is_left")


def start(tmp_path, **more):
    return start_cluster(ClusterSpec("failing", **more), cache=tmp_path)


def test_a_taken_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ClusterStartError, match=f"port {port} is taken"):
            start(tmp_path, port=port)


def test_a_java_that_does_not_fit(tmp_path, monkeypatch):
    home = tmp_path / "old"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text('JAVA_VERSION="1.8.0_402"\n')
    monkeypatch.setenv("JAVA_HOME", str(home))
    with pytest.raises(ClusterStartError, match="Java 8 is too old"):
        start(tmp_path)


def test_a_python_that_is_none(tmp_path):
    with pytest.raises(ClusterStartError, match="workers' Python does not run"):
        start(tmp_path, python=tmp_path / "python3")


@pytest.mark.slow
@pytest.mark.flink
def test_memory_that_does_not_go_together(tmp_path):
    with pytest.raises(ClusterSpecError, match="exceed configured Total Flink Memory"):
        start(tmp_path, settings={"taskmanager.memory.managed.size": "5g"})


@pytest.mark.slow
@pytest.mark.flink
def test_a_setting_that_flink_cannot_read(tmp_path):
    # Either of them may be the first to end.
    told = r"(Job|Task)Manager(.|\n)*'soon' for key 'heartbeat.int"
    with pytest.raises(ClusterStartError, match=told):
        start(tmp_path, settings={"heartbeat.interval": "soon"})


@pytest.mark.slow
@pytest.mark.flink
def test_an_option_that_java_does_not_know(tmp_path):
    with pytest.raises(ClusterStartError, match=r"TaskManager 1(.|\n)*option 'NoSuch'"):
        start(tmp_path, settings={"env.java.opts.taskmanager": "-XX:NoSuch"})
