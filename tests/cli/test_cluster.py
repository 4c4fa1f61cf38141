"""`agents cluster`: a development cluster brought up, looked at and ended by commands."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headrace_registry.clusters import find_cluster

CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from headrace_cli.main import main; main()"
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folder_of(cache, name):
    return cache / "clusters" / name


def wait_until(reached, what, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail(f"not after {seconds:.0f} seconds: {what}")
        time.sleep(0.02)


def processes_of(folder):
    """The processes that carry the mark of a cluster."""
    sign = f"HEADRACE_CLUSTER={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if sign in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_the_command_shows_what_there_is(place):
    shown = place.run("cluster", "--help")
    assert shown.exit_code == 0
    assert [
        line.split()[0] for line in shown.output.split("Commands:")[1].splitlines() if line
    ] == [
        "up",
        "status",
        "down",
    ]


def test_without_clusters_status_says_how_to_start_one(place):
    shown = place.run("cluster", "status")
    assert (shown.exit_code, "agents cluster up" in shown.output) == (0, True)


def test_status_as_json_is_a_list(place):
    assert json.loads(place.run("cluster", "status", "--json").output) == {"clusters": []}


@pytest.mark.parametrize("command", ["status", "down"])
def test_an_unknown_name_is_told(place, command):
    shown = place.run("cluster", command, "prod")
    assert shown.exit_code == 1
    assert "there is no cluster prod" in shown.output


def test_ending_all_of_none_is_done(place):
    shown = place.run("cluster", "down", "--all")
    assert (shown.exit_code, "no cluster" in shown.output) == (0, True)


def test_ending_one_and_all_says_two_things(place):
    assert place.run("cluster", "down", "dev", "--all").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["../up"], "no name of a cluster"),
        (["--memory", "64m"], "640m or more"),
        (["--taskmanagers", "0"], "1 to 64"),
        (["--set", "rest.port=1"], "--port"),
        (["--set", "novalue"], "not NAME=VALUE"),
        (["--env", "SURELY_NOT_SET"], "no such variable"),
        (["--env", "A=1", "--env", "A=2"], "given twice"),
        (["--restart", "--slots", "3"], "--slots"),
    ],
)
def test_what_cannot_be_is_bad_usage_and_starts_nothing(place, cache, arguments, said):
    shown = place.run("cluster", "up", *arguments)
    assert shown.exit_code == 2, shown.output
    assert said in shown.output
    assert not (cache / "clusters").exists() or not any(cache.glob("clusters/[!.]*"))


def test_a_dry_run_tells_the_parts_and_starts_nothing(place, cache):
    shown = place.run(
        "cluster", "up", "dev", "--taskmanagers", "3", "--env", "T=secret", "--dry-run", "--json"
    )
    plan = json.loads(shown.output)
    assert (plan["name"], plan["taskmanagers"], plan["variables"]) == ("dev", 3, ["T"])
    assert "secret" not in shown.output
    assert not cache.exists()


def test_restarting_what_is_not_there_is_told(place):
    shown = place.run("cluster", "up", "dev", "--restart")
    assert (shown.exit_code, "no cluster dev" in shown.output) == (1, True)


@pytest.mark.slow
@pytest.mark.flink
def test_up_status_restart_and_down(place, cache, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "not-to-be-shown")
    up = place.run("cluster", "up", "dev", "--slots", "3", "--env", "API_TOKEN", "--json")
    assert up.exit_code == 0, up.output
    folder = folder_of(cache, "dev")
    said = json.loads(up.output)
    try:
        assert (said["name"], said["folder"], said["slots"]) == ("dev", str(folder), 3)
        assert {one["pid"] for one in said["processes"]} <= set(processes_of(folder))

        again = place.run("cluster", "up", "dev")
        assert (again.exit_code, said["web"] in again.output) == (1, True)

        status = place.run("cluster", "status")
        assert status.exit_code == 0, status.output
        assert f"dev: up, {said['web']}" in status.output
        assert "3 of 3 slots free" in status.output

        find_cluster("dev").kill("taskmanager")
        (broken,) = json.loads(place.run("cluster", "status", "--json").output)["clusters"]
        assert broken["status"]["state"] == "partial"
        assert broken["status"]["gone"][0]["part"] == "TaskManager 1"
        words = place.run("cluster", "status", "dev")
        assert words.exit_code == 1
        assert "TaskManager 1 is gone: it was killed" in words.output
        assert "agents cluster up dev --restart" in words.output

        restarted = place.run("cluster", "up", "dev", "--restart")
        assert restarted.exit_code == 0, restarted.output
        assert "dev: started TaskManager 1" in restarted.output
        everything = up.output + status.output + words.output + restarted.output
        assert "not-to-be-shown" not in everything

        assert "would be ended" in place.run("cluster", "down", "dev", "--dry-run").output
        assert folder.exists()
    finally:
        down = place.run("cluster", "down", "dev")
    assert (down.exit_code, down.output) == (0, "dev: ended\n")
    assert not folder.exists()
    assert processes_of(folder) == []


@pytest.mark.slow
@pytest.mark.flink
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_start_leaves_nothing(place, cache, number):
    folder = folder_of(cache, "dev")
    with subprocess.Popen(
        [sys.executable, "-c", CODE, "cluster", "up", "dev"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as up:
        wait_until(lambda: up.poll() is not None or processes_of(folder), "a part is started")
        up.send_signal(number)
        text, _ = up.communicate(timeout=120)
    assert up.returncode == 1, text
    assert "Traceback" not in text
    assert processes_of(folder) == []
    assert not folder.exists()
