"""What a cluster may be asked to be."""

from __future__ import annotations

import pytest

from headrace_registry.clusters import ClusterSpec, ClusterSpecError


@pytest.mark.parametrize("name", ["a", "dev", "team-2", "a_b", "9"])
def test_a_name_is_letters_digits_and_dashes(name):
    assert ClusterSpec(name).name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../up", "-a", "a-", "A", "a b", "host:8081", "a" * 64, "é"]
)
def test_what_could_be_a_path_or_an_address_is_no_name(name):
    with pytest.raises(ClusterSpecError, match="no name of a cluster"):
        ClusterSpec(name)


@pytest.mark.parametrize(
    ("text", "mib"), [("1g", 1024), ("1536m", 1536), ("2GB", 2048), ("1024", 1024), ("1 gib", 1024)]
)
def test_memory_is_given_as_flink_takes_it(text, mib):
    assert ClusterSpec(memory=text).memory_mib == mib


@pytest.mark.parametrize("text", ["", "lots", "1t", "-1g", "1.5g"])
def test_memory_that_is_no_size_is_refused(text):
    with pytest.raises(ClusterSpecError, match="no size of memory"):
        ClusterSpec(memory=text)


def test_memory_that_leaves_a_task_nothing_is_refused():
    with pytest.raises(ClusterSpecError, match="640m or more"):
        ClusterSpec(memory="512m")


@pytest.mark.parametrize("more", [{"taskmanagers": 0}, {"slots": 0}, {"taskmanagers": 65}])
def test_counts_are_bounded(more):
    with pytest.raises(ClusterSpecError, match="1 to 64"):
        ClusterSpec(**more)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_one(port):
    with pytest.raises(ClusterSpecError, match="no port"):
        ClusterSpec(port=port)


def test_a_setting_that_an_option_gives_names_the_option():
    with pytest.raises(ClusterSpecError, match=r"rest\.port is given by --port"):
        ClusterSpec(settings={"rest.port": "8081"})


@pytest.mark.parametrize(
    "key", ["rest.bind-address", "jobmanager.bind-host", "taskmanager.host", "io.tmp.dirs"]
)
def test_no_setting_opens_the_cluster_to_others(key):
    with pytest.raises(ClusterSpecError, match=r"127\.0\.0\.1 only"):
        ClusterSpec(settings={key: "0.0.0.0"})  # noqa: S104 - it is refused


@pytest.mark.parametrize(("key", "value"), [("a b", "1"), ("", "1"), ("a.b", "1\nrest.port: 2")])
def test_a_setting_is_one_line(key, value):
    with pytest.raises(ClusterSpecError):
        ClusterSpec(settings={key: value})


def test_a_variable_has_a_name():
    with pytest.raises(ClusterSpecError, match="no name of an environment variable"):
        ClusterSpec(environment={"A=B": "1"})


def test_what_is_given_to_jobs_is_not_shown():
    assert "hidden" not in repr(ClusterSpec(environment={"TOKEN": "hidden"}))


def test_a_spec_does_not_change_with_what_it_was_made_from():
    given = {"A": "1"}
    spec = ClusterSpec(environment=given)
    given["A"] = "2"
    assert spec.environment["A"] == "1"
