"""A real Kafka: one broker in a process of its own, from Maven Central; gone when the tests end.

Without Maven and a Java, tests of it are skipped, and fail where HEADRACE_REQUIRE_KAFKA is 1.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from typing_extensions import Self

__all__ = ["Kafka", "fetch", "missing"]

BROKER = {"org.apache.kafka:kafka_2.13": "3.9.1"}
CONNECTOR = {"org.apache.flink:flink-sql-connector-kafka": "5.0.0-2.2"}
"""Flink 2.3 has none of its own yet, and runs that of 2.2."""
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>jars</artifactId><version>1</version>
  <dependencies>{}</dependencies>
</project>
"""
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""
_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
_START = 120.0  # seconds, on a busy machine


def missing(why: str) -> NoReturn:
    """Skips, or fails where Kafka is required."""
    if os.environ.get("HEADRACE_REQUIRE_KAFKA") == "1":
        pytest.fail(f"{why}, and HEADRACE_REQUIRE_KAFKA is 1")
    pytest.skip(why)


def fetch(wanted: dict[str, str], folder: Path) -> list[Path]:
    """Jars with what they need, by Maven."""
    maven = shutil.which("mvn")
    if maven is None or shutil.which("java") is None:
        missing("mvn and java are not on this machine")
    lines = []
    for name, version in wanted.items():
        group, _, artifact = name.partition(":")
        fields = {"groupId": group, "artifactId": artifact, "version": version}
        inner = "".join(f"<{field}>{text}</{field}>" for field, text in fields.items())
        lines.append(f"<dependency>{inner}</dependency>")
    folder.mkdir(parents=True)
    (folder / "pom.xml").write_text(_POM.format("".join(lines)))
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    command = [maven, "-B", "-q", goal, f"-DoutputDirectory={folder}/jars"]
    for more in (["-o"], []):  # what is there already, else the network
        done = subprocess.run(
            [*command, *more],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
        if done.returncode == 0:
            return sorted((folder / "jars").glob("*.jar"))
    missing(f"Maven cannot fetch {', '.join(wanted)}: {done.stdout[-1000:]}")


@dataclass
class Kafka:
    """A broker; use it in a ``with``."""

    jars: list[Path]
    """What it is made of."""
    folder: Path
    """Its own folder, which is there."""

    def __enter__(self) -> Self:
        """Starts it, and waits until it answers."""
        port, controller = _free_ports(2)
        self.address = f"127.0.0.1:{port}"
        settings = self.folder / "server.properties"
        settings.write_text(_SETTINGS.format(port=port, controller=controller, folder=self.folder))
        java = ["java", "-Xmx384m", "-cp", ":".join(map(str, self.jars))]
        log = (self.folder / "broker.log").open("wb")
        with log:
            subprocess.run(
                [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", settings],
                stdout=log,
                stderr=log,
                check=True,
                timeout=_START,
            )
            self._broker = subprocess.Popen(
                [*java, "kafka.Kafka", settings], stdout=log, stderr=log
            )
        try:
            self._await(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._broker.kill()
        self._broker.wait()

    def _await(self, port: int) -> None:
        deadline = time.monotonic() + _START
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self._broker.poll() is not None or time.monotonic() > deadline:
                    said = (self.folder / "broker.log").read_text(errors="replace")
                    pytest.fail(f"Kafka did not start: {said[-3000:]}")
                time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
