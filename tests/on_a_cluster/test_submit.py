"""`agents submit`: what it shows, what it waits for, and what it ends with."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest
import requests

from headrace_registry.clusters import ClusterSpec

from .conftest import SOURCES, opened, own_name, read_lines

pytestmark = [pytest.mark.slow, pytest.mark.flink]
SMALL = (SOURCES / "small.py").read_text()
SOON = ("--set", "restart-strategy.exponential-delay.initial-backoff=50ms")
SOON += ("--set", "restart-strategy.exponential-delay.backoff-multiplier=1.1")
# Who starts tests in the background has them ignore SIGINT, and children take that over.
COMMAND = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from headrace_cli.main import main; main()",
]


@pytest.fixture(scope="module")
def echo(zips):
    return zips.build(SMALL, "jobs:echo")


@pytest.fixture
def started(site):
    """Starts `agents submit`, in a process that a test ends; ends its jobs after the test."""
    processes, before = [], site.alive()

    def start(*arguments, **more):
        process = subprocess.Popen(
            [*COMMAND, "submit", *map(str, arguments), "--cluster", site.cluster.address],
            env=site.kit.environment,
            **more,
        )
        processes.append(process)
        return process

    yield start
    for one in processes:
        one.kill()
        one.wait()
        if one.stderr is not None:
            one.stderr.close()
    for job in site.alive() - before:
        site.end(job)


# ---------------------------------------------------------------- watching
def test_a_job_is_watched_to_its_end(site, echo, tmp_path):
    done = site.agents("submit", echo, "--set", "demo.count=30", "--set", f"demo.output={tmp_path}")
    job = re.search(r"^echo: ([0-9a-f]{32})$", done.stdout, re.MULTILINE)[1]
    assert f"{site.rest.url}/#/job/running/{job}/overview" in done.stdout
    said = done.stderr.splitlines()
    assert said.index("RUNNING") < said.index("FINISHED")
    # Each of the ten keys had three numbers.
    expected = {f"{number} {(number - 1) // 10 + 1}" for number in range(1, 31)}
    assert sorted(read_lines(tmp_path)) == sorted(expected)


def test_detached_it_returns_while_the_job_runs(site, echo, unchanged):
    done = site.agents("submit", echo, "--detach", "--json")
    told = json.loads(done.stdout)
    assert (told["name"], told["state"]) == ("echo", None)
    assert told["job"] in site.alive()
    # It is Flink's default; the cores of the machine that submits say nothing of the cluster.
    assert {one.parallelism for one in site.rest.job(told["job"]).vertices} == {1}
    site.end(told["job"])
    unchanged()


def test_ctrl_c_ends_the_watching_and_not_the_job(site, echo, started):
    process = started(echo, "--name", "goes on", stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line == "RUNNING\n":
            break
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    assert process.wait(60) == 0
    (job,) = [one for one in site.rest.jobs() if one.name == "goes on"]
    assert said == f"not watched any more; the job runs on: agents jobs show {job.id[:8]}\n"
    assert site.rest.state(job.id) == "RUNNING"


@pytest.fixture(scope="module")
def pricing(zips):
    return zips.build(SMALL, "jobs:pricing")


def test_an_action_that_fails_before_a_checkpoint_is_told_in_its_authors_words(
    site, pricing, unchanged
):
    # Flink makes a first one at once, whatever the interval is.
    none = ("--set", "execution.checkpointing.timeout=10ms")
    none += ("--set", "execution.checkpointing.tolerable-failed-checkpoints=1000")
    done = site.agents("submit", pricing, *none, *SOON, check=False)
    assert done.returncode == 1
    line = SMALL.splitlines().index("    return 100 / (number - 7)") + 1
    assert f"app/jobs.py:{line}" in done.stderr or f'app/jobs.py", line {line}' in done.stderr
    assert "return 100 / (number - 7)" in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert "it was cancelled there" in done.stderr
    assert not [text for text in done.stderr.splitlines() if text.lstrip().startswith("at org.")]
    unchanged()


def test_a_job_that_has_a_checkpoint_and_fails_each_time_is_left_on_the_cluster(
    site, pricing, started
):
    often = ("--set", "execution.checkpointing.interval=100ms")
    process = started(pricing, *often, *SOON, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    assert process.wait(60) == 1
    job = re.search(r"agents jobs cancel ([0-9a-f]{8})", said)[1]
    assert "the job failed 3 times in the same way; Flink goes on trying" in said
    assert [one for one in site.alive() if one.startswith(job)]


def test_a_terminal_shows_how_far_the_upload_is(site, echo, started):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = started(echo, "--detach", stderr=slave, stdout=subprocess.DEVNULL)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        shown += part
    os.close(master)
    assert process.wait(60) == 0
    for label in (b"verifying", b"uploading"):
        assert re.search(label + rb"  \[#+\]  100%", shown), shown.decode()


# ---------------------------------------------------------------- options
def test_a_dry_run_changes_nothing(site, echo, unchanged):
    before = site.names()
    done = site.agents("submit", echo, "--dry-run", "--name", "never", "--parallelism", 3)
    assert done.stdout == f"would run never at {site.rest.url} in 3 slots\n"
    assert {one for one in site.names() - before if not one.startswith("headrace: ")} == set()
    unchanged()


def test_the_name_the_parallelism_and_settings_are_those_that_were_said(site, echo):
    with site.running(
        echo, "--name", "my echo", "--parallelism", 2,
        "--set", "execution.checkpointing.interval=700ms",
    ) as job:  # fmt: skip
        found = site.rest.job(job)
        assert found.name == "my echo"
        assert {one.parallelism for one in found.vertices} == {2}
        said = requests.get(f"{site.rest.url}/jobs/{job}/checkpoints/config", timeout=30).json()
        assert said["interval"] == 700
        assert site.rest.user_config(job)["headrace.job"] == "echo"


def test_options_that_exclude_each_other_are_bad_usage(site, echo):
    done = site.agents("submit", echo, "--replace", "x", "--savepoint", "y", check=False)
    assert done.returncode == 2
    assert "--replace makes a savepoint itself" in done.stderr


# ---------------------------------------------------------------- which cluster
@pytest.fixture(scope="module")
def second(kit):
    spec = ClusterSpec(name=own_name("second"), slots=1, memory="768m")
    with opened(kit, spec) as found:
        yield found


def test_a_local_cluster_is_named(kit, site, second, echo):
    def submit(*arguments, check=True):
        arguments = ("submit", echo, "--detach", "--json", *arguments)
        return kit.agents(*arguments, cwd=kit.folder, check=check, HEADRACE_CLUSTER="")

    job = json.loads(submit("--cluster", second.cluster.name).stdout)["job"]
    try:
        assert job in second.alive()
        assert job not in {one.id for one in site.rest.jobs()}
    finally:
        second.end(job)

    unsaid = submit(check=False)
    assert unsaid.returncode == 1
    assert "which cluster?" in unsaid.stderr
    assert f"{second.cluster.name} (http://{second.cluster.address})" in unsaid.stderr
    assert f"{site.cluster.name} (http://{site.cluster.address})" in unsaid.stderr

    nobody = submit("--cluster", "nobody", check=False)
    assert nobody.returncode == 1
    assert "there is no cluster nobody" in nobody.stderr
