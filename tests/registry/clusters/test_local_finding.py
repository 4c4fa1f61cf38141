"""Clusters found by their folders, and by what is typed where one is meant."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from headrace_registry.clusters import (
    ClusterError,
    ClusterExistsError,
    ClusterProcess,
    ClusterSpec,
    ClusterSpecError,
    NoSuchClusterError,
    address_of,
    clusters,
    find_cluster,
    remains,
    remove_cluster,
    start_cluster,
    status_of,
)
from headrace_registry.clusters._local_processes import MARK, kill, lives, start_apart
from headrace_registry.clusters._local_record import Record, write_record


@pytest.fixture
def written(tmp_path):
    """Writes down a cluster, whose JobManager is a process that does nothing."""
    started = []

    def write(name="dev", *, rest=1, alive=True):
        folder = tmp_path / "clusters" / name
        for part in ("conf", "log", "checkpoints", "savepoints"):
            (folder / part).mkdir(parents=True)
        (folder / "savepoints" / "one").write_text("state")
        one = start_apart(
            ["/bin/sleep", "300"],
            folder=folder,
            environment={MARK: str(folder)},
            output=folder / "log" / "jobmanager.out",
        )
        started.append(one)
        if not alive:
            kill([one])
        log = str(folder / "log" / "jobmanager.log")
        part = ClusterProcess("jobmanager", 1, "jobmanager-1", one.pid, one.started, one.boot, log)
        record = Record(
            format=1,
            name=name,
            rest=rest,
            flink_home="/flink",
            flink_version="2.3.0",
            java_home="/java",
            java_version=17,
            python="/python",
            python_version="3.11.7",
            slots=2,
            taskmanager=("--",),
            jobmanager=("--",),
            variables=(),
            created="",
            processes=(part,),
        )
        write_record(folder, record)
        return folder

    yield write
    kill(started)


def test_what_was_written_is_read(written, tmp_path):
    folder = written("dev", rest=4321)
    found = find_cluster("dev", tmp_path)
    assert (found.name, found.address, found.folder) == ("dev", "127.0.0.1:4321", folder)
    assert (found.flink_version, [one.role for one in found.processes]) == ("2.3.0", ["jobmanager"])


def test_all_are_listed_by_name(written, tmp_path):
    written("b")
    written("a")
    assert [one.name for one in clusters(tmp_path)] == ["a", "b"]


def test_where_none_is_the_list_is_empty(tmp_path):
    assert clusters(tmp_path) == []


def test_an_unknown_name_lists_those_that_are_there(written, tmp_path):
    written("dev")
    with pytest.raises(NoSuchClusterError, match=r"no cluster prod(.|\n)*there are: dev"):
        find_cluster("prod", tmp_path)


@pytest.mark.parametrize("name", ["../dev", "/etc", ".."])
def test_no_name_leads_elsewhere(written, tmp_path, name):
    written("dev")
    with pytest.raises(ClusterSpecError):
        find_cluster(name, tmp_path)
    with pytest.raises(ClusterSpecError):
        remove_cluster(name, tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 2}', "\x00"])
def test_a_record_that_cannot_be_read_says_how_to_get_rid_of_it(written, tmp_path, text):
    (written("dev") / "cluster.json").write_text(text)
    with pytest.raises(ClusterError, match="agents cluster down dev"):
        find_cluster("dev", tmp_path)


def test_a_record_of_another_name_is_not_believed(written, tmp_path):
    written("dev").rename(tmp_path / "clusters" / "other")
    with pytest.raises(ClusterError, match="cannot be read"):
        find_cluster("other", tmp_path)


def test_one_that_cannot_be_read_is_ended_all_the_same(written, tmp_path):
    folder = written("dev")
    (process,) = find_cluster("dev", tmp_path).processes
    (folder / "cluster.json").write_text("broken")
    remove_cluster("dev", tmp_path)
    assert not lives(process.running)
    assert not folder.exists()


def test_what_a_killed_start_left_is_there_to_be_ended(written, tmp_path):
    folder = written("dev")
    (process,) = find_cluster("dev", tmp_path).processes
    (folder / "cluster.json").unlink()
    assert remains(tmp_path) == ["dev"]
    remove_cluster("dev", tmp_path)
    assert not lives(process.running)
    assert remains(tmp_path) == []


def test_ending_keeps_savepoints_where_that_is_wanted(written, tmp_path):
    folder = written("dev")
    find_cluster("dev", tmp_path).stop(keep=True)
    assert sorted(one.name for one in folder.iterdir()) == ["checkpoints", "savepoints"]
    assert (folder / "savepoints" / "one").read_text() == "state"
    assert clusters(tmp_path) == []


def test_ending_removes_them_otherwise(written, tmp_path):
    folder = written("dev")
    find_cluster("dev", tmp_path).stop()
    assert not folder.exists()


def test_ending_does_not_follow_a_link_out_of_the_folder(written, tmp_path):
    folder = written("dev")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("kept")
    (folder / "tmp").symlink_to(tmp_path / "mine")
    find_cluster("dev", tmp_path).stop()
    assert (tmp_path / "mine" / "file").read_text() == "kept"


def test_killing_a_part_that_is_not_there_is_told(written, tmp_path):
    written("dev")
    with pytest.raises(ClusterError, match="dev has no taskmanager 7"):
        find_cluster("dev", tmp_path).kill("taskmanager", 7)


def test_starting_one_that_runs_is_refused_and_it_runs_on(written, tmp_path):
    written("dev")
    with pytest.raises(ClusterExistsError, match="runs already"):
        start_cluster(ClusterSpec("dev"), cache=tmp_path)
    assert all(one.lives for one in find_cluster("dev", tmp_path).processes)


def test_starting_one_of_which_parts_are_gone_says_how_to_go_on(written, tmp_path):
    written("dev", alive=False)
    with pytest.raises(ClusterExistsError, match=r"JobManager(.|\n)*up dev --restart"):
        start_cluster(ClusterSpec("dev"), cache=tmp_path)


def test_one_whose_jobmanager_is_gone_is_down_and_says_why(written, tmp_path):
    folder = written("dev", alive=False)
    (folder / "log" / "jobmanager.log").write_text("its last words\n")
    status = status_of(find_cluster("dev", tmp_path))
    (gone,) = status.gone
    assert (status.state, gone.part, gone.lines) == ("down", "JobManager", ("its last words",))
    assert "it was killed" in gone.why


def test_a_record_is_replaced_whole(written, tmp_path):
    folder = written("dev")
    before = find_cluster("dev", tmp_path).record
    (folder / "cluster.json").chmod(stat.S_IRUSR)
    write_record(folder, replace(before, slots=7))
    assert find_cluster("dev", tmp_path).record.slots == 7
    assert [one.name for one in folder.glob("*cluster.json*")] == ["cluster.json"]


@pytest.mark.parametrize(
    "text",
    ["localhost:8081", "10.0.0.1:80", "[::1]:8081", "http://flink/", "https://flink.example/ui"],
)
def test_an_address_is_itself(tmp_path, text):
    assert address_of(text, cache=tmp_path) == text


def test_a_name_is_the_address_of_that_cluster(written, tmp_path):
    written("dev", rest=4321)
    written("other", rest=4322)
    assert address_of("dev", cache=tmp_path) == "127.0.0.1:4321"


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_is_the_only_cluster_that_runs(written, tmp_path, text):
    written("gone", rest=1, alive=False)
    written("dev", rest=4321)
    assert address_of(text, cache=tmp_path) == "127.0.0.1:4321"


def test_nothing_lists_them_where_several_run(written, tmp_path):
    written("a", rest=1)
    written("b", rest=2)
    with pytest.raises(NoSuchClusterError, match=r"a \(http://127.0.0.1:1\)\n.*b \(http"):
        address_of(cache=tmp_path)


def test_nothing_says_how_to_start_one_where_none_runs(tmp_path):
    with pytest.raises(NoSuchClusterError, match="agents cluster up"):
        address_of(cache=tmp_path)


def test_an_unknown_name_is_no_address(tmp_path):
    with pytest.raises(NoSuchClusterError):
        address_of("prod", cache=tmp_path)


@pytest.mark.parametrize("text", ["host:0", "host:65536"])
def test_an_address_has_a_port(tmp_path, text):
    with pytest.raises(NoSuchClusterError, match="HOST:PORT"):
        address_of(text, cache=tmp_path)


@pytest.mark.parametrize("text", ["a b:80", "user@host:80", "ftp://host"])
def test_what_is_neither_name_nor_address_is_refused(tmp_path, text):
    with pytest.raises(ClusterSpecError):
        address_of(text, cache=tmp_path)
