"""Flink's application mode on this machine, with the arguments that the folders have.

There is neither Kubernetes nor YARN here. What they start is: a JobManager that runs PythonDriver
with our arguments, and TaskManagers, each in a folder and a process of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress

import pytest
import yaml

from headrace.flink._java import ensure_java

pytestmark = [pytest.mark.slow, pytest.mark.flink, pytest.mark.timeout(600)]

ENTRY = "org.apache.flink.client.python.PythonDriver"
DEADLINE = 400
LAUNCHER = f"""\
#!/bin/sh
home=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
export HEADRACE_JOB="$home" PYTHONPATH="$home/app"
exec {sys.executable} "$@"
"""
JOB = """\
import os
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.datastream.functions import MapFunction

OUT = os.environ["OUT"]


def tell(who):
    with open(OUT, "a") as file:
        file.write(who + " " + os.environ["HEADRACE_JOB"] + "\\n")


class Tell(MapFunction):
    def map(self, value):
        tell("worker")
        return value


def main():
    tell("driver")
    env = StreamExecutionEnvironment.get_execution_environment()
    env.from_collection([1]).map(Tell()).print()
    env.execute()
"""


def tiny(files):
    files.files["bin/python"] = LAUNCHER.encode()
    files.files["main.py"] = b"from tiny_job import main; main()\n"
    files.files["app/tiny_job.py"] = JOB.encode()


@pytest.fixture
def job(workshop):
    import platform

    machine = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
    return workshop.subject(
        change=tiny, python=f"3.{sys.version_info[1]}", platform=machine, name="tiny"
    )


class Cluster:
    """A JobManager with one job, and a TaskManager."""

    def __init__(self, folder, flink_home, stack):
        self.folder, self.flink_home, self.stack = folder, flink_home, stack
        self.out = folder / "out.txt"
        ensure_java()
        self._configure()

    def _configure(self):
        conf = self.folder / "conf"
        conf.mkdir()
        for name in ("log4j-console.properties", "log4j-cli.properties"):
            shutil.copy(self.flink_home / "conf" / name, conf)
        settings = yaml.safe_load((self.flink_home / "conf/config.yaml").read_text())
        rpc, rest, blob = free_ports(3)
        settings["jobmanager"]["rpc"]["port"] = rpc
        settings["jobmanager"]["memory"]["process"]["size"] = "1g"
        settings["taskmanager"]["memory"]["process"]["size"] = "1280m"
        settings["rest"]["port"] = rest
        settings["blob"] = {"server": {"port": blob}}
        (conf / "config.yaml").write_text(yaml.safe_dump(settings, width=10_000))

    def start(self, role, *args):
        """Starts a process of Flink's in a folder of its own, as in a container."""
        place = self.folder / role
        place.mkdir(exist_ok=True)
        env = {
            **os.environ,
            "FLINK_CONF_DIR": str(self.folder / "conf"),
            "FLINK_LOG_DIR": str(place),
            "OUT": str(self.out),
        }
        command = {"jobmanager": "standalone-job.sh", "taskmanager": "taskmanager.sh"}[role]
        log = self.stack.enter_context((place / "log").open("wb"))
        started = subprocess.Popen(
            [self.flink_home / "bin" / command, "start-foreground", *args],
            cwd=place,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.stack.callback(end, started)
        return started

    def run(self, args):
        """Runs a job to its end; what it told."""
        manager = self.start("jobmanager", "--job-classname", ENTRY, *args)
        self.start("taskmanager")
        deadline = time.monotonic() + DEADLINE
        while manager.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        told = (self.folder / "jobmanager/log").read_text(errors="replace")
        assert manager.poll() == 0, told[-4000:]
        return dict(line.split() for line in self.out.read_text().splitlines())


def free_ports(count):
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in opened:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in opened]


def end(process):
    """Ends a process, and those that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def cluster(tmp_path, flink_home):
    folder = tmp_path / "cluster"
    folder.mkdir()
    with ExitStack() as stack:
        yield Cluster(folder, flink_home, stack)


def test_the_image_of_kubernetes_runs_the_job_to_its_end(workshop, job, cluster):
    """The zip unpacked as the image's build does it, and the operator's arguments."""
    folder = workshop.kubernetes(job=job)
    out = workshop.written(folder)
    unpack = [sys.executable, "-S", "unpack.py", "job.zip", "engine.txt", "built"]
    subprocess.run(unpack, cwd=out, check=True)
    home = workshop.folder / "opt-job"
    for part in ("engine", "job"):
        shutil.copytree(out / "built" / part, home, dirs_exist_ok=True)
    data = yaml.safe_load((out / "flinkdeployment.yaml").read_text())
    args = [word.replace("/opt/job", str(home)) for word in data["spec"]["job"]["args"]]
    assert cluster.run(args) == {"driver": str(home), "worker": str(home)}


def test_a_container_of_yarn_runs_the_job_to_its_end(workshop, job, cluster):
    """The zip in the JobManager's working folder, where YARN puts it, and nowhere else."""
    words, _ = workshop.words_of(workshop.yarn(job=job), "submit-yarn.sh")
    place = cluster.folder / "jobmanager"
    place.mkdir()
    shutil.copy(job.zip, place / "job.zip")
    told = cluster.run(words[words.index("-pyarch") :])
    assert {one.rsplit("/", 1)[-1] for one in told.values()} == {"headrace_job"}
    assert told["driver"] != told["worker"]
