"""Processes that are started apart, found again, and ended: these and no others."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from headrace_registry.clusters import _local_processes as processes

from ...clusters import wait_until  # noqa: TID252 - tests are no package

SLEEP = ["/bin/sleep", "300"]


@pytest.fixture
def start(tmp_path):
    """Starts programs as parts of a cluster whose folder is `tmp_path`."""
    started = []

    def start(*command, **more):
        environment = {"PATH": os.environ["PATH"], processes.MARK: str(tmp_path), **more}
        one = processes.start_apart(
            command, folder=tmp_path, environment=environment, output=tmp_path / "out"
        )
        started.append(one)
        return one

    yield start
    processes.kill([*started, *processes.marked(tmp_path)])


def script(text):
    return [sys.executable, "-S", "-c", text]


@contextmanager
def bystander(**environment):
    """A process of somebody else's."""
    with subprocess.Popen(SLEEP, env={**os.environ, **environment}) as process:
        try:
            yield process
        finally:
            process.kill()


def test_one_that_runs_lives(start):
    assert processes.lives(start(*SLEEP))


def test_one_that_ended_does_not(start):
    one = start("/bin/true")
    assert wait_until(lambda: not processes.lives(one), "true ends")


def test_it_has_a_session_of_its_own(start):
    one = start(*SLEEP)
    assert os.getsid(one.pid) == one.pid != os.getsid(0)


def test_it_works_in_its_own_folder_and_sees_nothing_of_this_environment(
    start, tmp_path, monkeypatch
):
    monkeypatch.setenv("OF_THE_CALLER", "1")
    start("/bin/sh", "-c", "pwd; env; echo end")
    text = wait_until(lambda: "end" in (said := (tmp_path / "out").read_text()) and said, "it says")
    assert text.splitlines()[0] == str(tmp_path)
    assert "OF_THE_CALLER" not in text


def test_a_number_that_another_process_got_since_is_not_taken_for_it(start):
    one = start(*SLEEP)
    earlier = replace(one, started=one.started - 1)
    assert not processes.lives(earlier)
    assert processes.kill([earlier]) == []
    assert processes.lives(one)


def test_a_number_of_before_the_machine_was_booted_is_not_taken_for_it(start):
    assert not processes.lives(replace(start(*SLEEP), boot="another"))


def test_all_of_a_cluster_are_found_by_its_mark(start, tmp_path):
    ours = {start(*SLEEP).pid, start(*SLEEP).pid}
    with bystander(), bystander(**{processes.MARK: f"{tmp_path}-other"}):
        assert {one.pid for one in processes.marked(tmp_path)} == ours


def test_a_worker_that_outlives_its_killed_parent_is_found(start, tmp_path):
    start_worker = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    parent = start(*script(start_worker), *SLEEP)
    wait_until(lambda: len(processes.marked(tmp_path)) == 2, "the worker starts")
    processes.kill([parent])
    (worker,) = processes.marked(tmp_path)
    assert processes.kill([worker]) == []
    assert processes.marked(tmp_path) == []


def test_a_worker_whose_launcher_emptied_the_environment_is_found(start, tmp_path):
    start("/bin/sh", "-c", "env -i /bin/sleep 300; :")
    assert wait_until(lambda: len(processes.marked(tmp_path)) == 2, "the worker is found")


def test_ending_asks_first(start, tmp_path):
    one = start(
        "/bin/sh", "-c", "trap 'echo asked; exit' TERM; echo up; while :; do sleep 0.1; done"
    )
    wait_until(lambda: "up" in (tmp_path / "out").read_text(), "it is up")
    assert processes.end([one], wait=30) == []
    assert "asked" in (tmp_path / "out").read_text()


def test_one_that_does_not_heed_is_told_of_and_can_be_killed(start, tmp_path):
    one = start("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    wait_until(lambda: "up" in (tmp_path / "out").read_text(), "it is up")
    assert processes.end([one], wait=0.2) == [one]
    assert processes.kill([one]) == []
    assert not processes.lives(one)


def test_what_a_process_was_given_is_read_from_it(start):
    one = start(*SLEEP, GIVEN="a=b")
    assert processes.environment_of(one)["GIVEN"] == "a=b"


def test_nothing_is_read_from_one_that_is_gone(start):
    one = start(*SLEEP)
    processes.kill([one])
    assert processes.environment_of(one) == {}
