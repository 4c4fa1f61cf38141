"""A cluster whose parts are killed: what is left of jobs, of workers, and of secrets.

One cluster for all of this file, with a job whose Python worker writes down what it sees.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from headrace_registry.clusters import ClusterSpec, start_cluster, status_of
from headrace_registry.clusters._local_asking import ask
from headrace_registry.clusters._local_processes import environment_of, marked

from ...clusters import wait_until  # noqa: TID252 - tests are no package

pytestmark = [pytest.mark.slow, pytest.mark.flink]
SECRET = "not-to-be-written-down"  # noqa: S105 - looked for in files
CALLERS = {"OF_THE_CALLER", "VIRTUAL_ENV", "PYFLINK_CLIENT_EXECUTABLE", "LD_LIBRARY_PATH"}
JOB = """
import json, os, sys, time
from pathlib import Path
import pyflink
from pyflink.common import Configuration, WatermarkStrategy
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.datastream.connectors.number_seq import NumberSequenceSource
from pyflink.java_gateway import get_gateway

report = Path(sys.argv[2])

def seen(number):
    part = report.with_suffix(".part")
    part.write_text(json.dumps({"environment": dict(os.environ), "path": sys.path,
                                "prefix": sys.prefix, "pid": os.getpid()}))
    os.replace(part, report)
    time.sleep(0.05)
    return number

host, _, port = sys.argv[1].partition(":")
settings = {
    "execution.checkpointing.interval": "300 ms", "python.fn-execution.bundle.size": "1",
    "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "300 ms", "parallelism.default": "1",
}
configuration = Configuration()
for name, value in settings.items():
    configuration.set_string(name, value)
gateway = get_gateway()
jars = gateway.new_array(gateway.jvm.String, 1)
(jar,) = (Path(pyflink.__file__).parent / "opt").glob("flink-python*.jar")
jars[0] = str(jar)
java = gateway.jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment
env = StreamExecutionEnvironment(
    java.createRemoteEnvironment(host, int(port), configuration._j_configuration, jars)
)
source = NumberSequenceSource(0, 10**12)
env.from_source(source, WatermarkStrategy.no_watermarks(), "numbers").map(seen).print()
print("job", env.execute_async("reporting").get_job_id())
"""


def completed(cluster, job):
    """How many checkpoints of a job are there since its JobManager started."""
    said = ask(cluster.address, f"/jobs/{job}/checkpoints") or {}
    return said.get("counts", {}).get("completed", 0)


def files_of(folder):
    """The files of a folder in which others write and remove meanwhile."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            yield path, path.read_bytes()


def holders_of_the_secret(folder):
    contents = dict(files_of(folder))
    assert folder / "cluster.json" in contents
    return [path for path, content in contents.items() if SECRET.encode() in content]


class Own:
    """A cluster, its job, and what the job's worker tells."""

    def __init__(self, cluster, job, report):
        self.cluster = cluster
        self.job = job
        self.report = report

    def seen(self):
        """What the worker of now sees: one that runs writes it again and again."""
        self.report.unlink(missing_ok=True)
        wait_until(self.report.exists, "the worker tells what it sees")
        return json.loads(self.report.read_text())

    def runs(self):
        return [one.state for one in status_of(self.cluster).jobs] == ["RUNNING"]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    home = tmp_path_factory.mktemp("recovery")
    spec = ClusterSpec(
        "own",
        python=Path(sys.executable),
        environment={"API_TOKEN": SECRET},
        high_availability=True,
    )
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(CALLERS, "1"), PYTHONPATH=str(home / "callers"))
    try:
        cluster = start_cluster(spec, cache=home)
    finally:
        os.environ.clear()
        os.environ.update(before)
    try:
        done = subprocess.run(
            [sys.executable, "-c", JOB, cluster.address, str(home / "report.json")],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        job = next(line for line in done.stdout.splitlines() if line.startswith("job ")).split()[1]
        yield Own(cluster, job, home / "report.json")
        # Beam logs a worker's environment when its job is interrupted, which was done by now.
        assert holders_of_the_secret(cluster.folder) == []
    finally:
        cluster.stop()
    assert marked(cluster.folder) == []
    assert not cluster.folder.exists()


@pytest.fixture
def own(started):
    """The cluster with all its parts, and its job running."""
    started.cluster = started.cluster.start_missing()
    wait_until(started.runs, "the job runs", seconds=120)
    return started


def test_workers_see_what_was_given_and_nothing_of_the_caller(own):
    seen = own.seen()
    environment = seen["environment"]
    assert environment["API_TOKEN"] == SECRET
    assert not environment.keys() & CALLERS
    assert "callers" not in " ".join(seen["path"])
    assert str(Path.cwd()) not in seen["path"]


def test_workers_run_the_chosen_python(own):
    assert own.seen()["prefix"] == sys.prefix


def test_workers_find_the_chosen_python_first_on_their_path(own):
    first, *others = own.seen()["environment"]["PATH"].split(":")
    assert first == str(own.cluster.folder / "bin")
    assert all(one.startswith(("/usr/", "/bin", "/sbin")) for one in others)


def test_values_of_variables_are_written_nowhere_and_reach_no_part_that_needs_none(own):
    assert own.cluster.record.variables == ("API_TOKEN",)
    assert SECRET not in repr(own.cluster)
    assert holders_of_the_secret(own.cluster.folder) == []
    holders = {
        one.role for one in own.cluster.processes if SECRET in environment_of(one.running).values()
    }
    assert holders == {"taskmanager"}


def test_a_job_outlives_its_killed_jobmanager(own):
    wait_until(lambda: completed(own.cluster, own.job), "a checkpoint")
    own.cluster.kill("jobmanager")
    assert status_of(own.cluster).state == "down"
    own.cluster = own.cluster.start_missing()
    wait_until(own.runs, "the job runs again", seconds=120)
    latest = ask(own.cluster.address, f"/jobs/{own.job}/checkpoints")["latest"]
    assert latest["restored"]["id"] >= 1


def test_a_killed_taskmanager_is_told_and_comes_back_with_its_variables(own):
    own.cluster.kill("taskmanager", 1)
    (gone,) = status_of(own.cluster).gone
    assert (gone.part, status_of(own.cluster).state) == ("TaskManager 1", "partial")
    assert "it was killed" in gone.why
    own.cluster = own.cluster.start_missing()
    wait_until(own.runs, "the job runs again", seconds=120)
    assert own.seen()["environment"]["API_TOKEN"] == SECRET


def test_one_more_taskmanager_brings_its_slots(own):
    before = own.cluster
    own.cluster = before.add_taskmanager()
    assert [one.index for one in own.cluster.processes if one.role == "taskmanager"][-1] == 1 + max(
        one.index for one in before.processes if one.role == "taskmanager"
    )
    assert status_of(own.cluster).slots == status_of(before).registered * 2
