"""A development cluster that runs: where it listens, what it knows, who may reach it."""

from __future__ import annotations

import ipaddress
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from headrace_registry.clusters import (
    ClusterExistsError,
    ClusterSpec,
    clusters,
    find_cluster,
    start_cluster,
    status_of,
)
from headrace_registry.clusters._local_processes import marked

pytestmark = [pytest.mark.slow, pytest.mark.flink]
LISTENS = "0A"  # in /proc/net/tcp


def asked(cluster, path):
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"http://{cluster.address}{path}", timeout=30).json()


def listening(pid):
    """The addresses at which a process listens, as the kernel tells them."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink()) if link.is_symlink() else ""
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in inodes:
                words = bytes.fromhex(fields[1].partition(":")[0])
                parts = [words[at : at + 4][::-1] for at in range(0, len(words), 4)]
                found.append(ipaddress.ip_address(b"".join(parts)))
    return found


def test_all_its_parts_run(cluster):
    assert [(one.role, one.index) for one in cluster.processes] == [
        ("jobmanager", 1),
        ("taskmanager", 1),
        ("taskmanager", 2),
    ]
    assert all(one.lives for one in cluster.processes)


def test_flink_knows_its_taskmanagers_and_slots(cluster):
    overview = asked(cluster, "/overview")
    assert (overview["taskmanagers"], overview["slots-total"]) == (2, 4)
    assert overview["flink-version"] == cluster.flink_version


def test_flink_calls_a_taskmanager_what_its_process_is_called(cluster):
    known = {one["id"] for one in asked(cluster, "/taskmanagers")["taskmanagers"]}
    assert known == {one.resource for one in cluster.processes if one.role == "taskmanager"}


def test_every_part_listens_on_this_machine_only(cluster):
    for one in cluster.processes:
        addresses = listening(one.pid)
        assert addresses, one
        for address in addresses:
            plain = getattr(address, "ipv4_mapped", None) or address
            assert plain.is_loopback, (one, address)


def test_checkpoints_and_savepoints_have_places_in_its_folder(cluster):
    settings = {one["key"]: one["value"] for one in asked(cluster, "/jobmanager/config")}
    places = {
        "execution.checkpointing.dir": "checkpoints",
        "execution.checkpointing.savepoint-dir": "savepoints",
    }
    for key, name in places.items():
        assert settings[key] == (cluster.folder / name).as_uri()
        assert (cluster.folder / name).is_dir()
    retention = "execution.checkpointing.externalized-checkpoint-retention"
    assert settings[retention] == "RETAIN_ON_CANCELLATION"


def test_its_folder_is_its_owners_alone(cluster):
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700


def test_logs_are_where_the_parts_say_and_flink_shows_them(cluster):
    for one in cluster.processes:
        assert Path(one.log).stat().st_size > 0
    logs = asked(cluster, f"/taskmanagers/{cluster.processes[1].resource}/logs")["logs"]
    names = {one["name"] for one in logs}
    assert {Path(cluster.processes[1].log).name, cluster.processes[1].output.name} <= names


def test_the_workers_python_has_no_package_of_this_environment(cluster):
    script = (
        "import importlib.util as u; print([n for n in ('pyflink', 'headrace') if u.find_spec(n)])"
    )
    done = subprocess.run(
        [cluster.folder / "bin" / "python3", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONNOUSERSITE": "1"},
        cwd="/",
    )
    assert done.stdout.strip() == "[]"


def test_it_is_found_by_its_name_and_in_the_list(cluster):
    cache = cluster.folder.parents[1]
    assert find_cluster(cluster.name, cache) == cluster
    assert cluster in clusters(cache)


def test_it_is_up_with_all_slots(cluster):
    status = status_of(cluster)
    assert (status.state, status.registered, status.slots, status.gone) == ("up", 2, 4, ())


def test_another_of_its_name_is_refused_and_leaves_it_alone(cluster):
    with pytest.raises(ClusterExistsError, match=cluster.address):
        start_cluster(ClusterSpec(cluster.name), cache=cluster.folder.parents[1])
    assert all(one.lives for one in cluster.processes)


def test_nothing_is_started_where_all_runs(cluster):
    assert cluster.start_missing() == cluster


def test_an_interrupted_start_leaves_nothing(tmp_path):
    code = (
        "import signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from headrace_registry.clusters import *\n"
        "def told(text):\n"
        "    if 'registered' in text: signal.raise_signal(signal.SIGINT)\n"
        "start_cluster(ClusterSpec('brief'), cache=Path(sys.argv[1]), progress=told)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "KeyboardInterrupt" in done.stderr
    assert marked(tmp_path / "clusters" / "brief") == []
    assert not (tmp_path / "clusters" / "brief").exists()


def test_an_interrupted_start_leaves_what_was_kept_before(tmp_path):
    kept = tmp_path / "clusters" / "brief" / "savepoints" / "one"
    kept.mkdir(parents=True)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_cluster(ClusterSpec("brief"), cache=tmp_path, progress=interrupt)
    assert [one.name for one in (tmp_path / "clusters" / "brief").iterdir()] == ["savepoints"]
    assert kept.is_dir()
