"""The parts of a cluster, started: which program, with what environment, logging where."""

from __future__ import annotations

import os
import re
import secrets
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_memory import END_OF_OPTIONS
from headrace_registry.clusters._local_processes import MARK, start_apart
from headrace_registry.clusters._local_record import (
    JOBMANAGER,
    TASKMANAGER,
    ZOOKEEPER,
    ClusterProcess,
)
from headrace_registry.clusters._local_settings import java_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headrace_registry.clusters._local_flink import Flink, Interpreter, Java

__all__ = ["Launcher", "write_interpreters"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED = ("LANG", "LC_ALL", "HOME", "USER", "TZ")
"""What the caller's environment has a say in: nothing that a job could find code by."""
_CLASSES = {
    ZOOKEEPER: "org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer",
    JOBMANAGER: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    TASKMANAGER: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}
# A compiler that is done soon is better here than one whose code is faster after some minutes: it
# halves what starting costs. `env.java.opts.taskmanager` comes later, and so has the last word.
_QUICK = ("-XX:TieredStopAtLevel=1",)
_COLLECTOR = "-XX:+UseSerialGC"
_OPTIONS = {
    ZOOKEEPER: ("-Xmx96m", "-Dzookeeper.jmx.log4j.disable=true"),
    JOBMANAGER: (),
    TASKMANAGER: (),
}


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts the parts of one cluster."""

    folder: Path
    flink: Flink
    java: Java
    settings: Mapping[str, str]
    given: Mapping[str, str] = field(repr=False)
    """The variables that jobs see."""

    def start(
        self, role: str, index: int = 1, *, memory: Sequence[str] = (END_OF_OPTIONS,)
    ) -> ClusterProcess:
        """Starts a part.

        Args:
            role: ``zookeeper``, ``jobmanager`` or ``taskmanager``.
            index: Which of them.
            memory: Options for Java, ``--``, arguments for Flink.

        Raises:
            OSError: Java cannot be started.
        """
        name = role if role != TASKMANAGER else f"{role}-{index}"
        resource = f"{name}-{secrets.token_hex(2)}"
        log = self.folder / "log" / f"{resource}.log"
        split = memory.index(END_OF_OPTIONS)
        command = [
            str(self.java.program),
            *self._java_options(role),
            *memory[:split],
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            f"-Dlog.file={log}",
            f"-Dlog4j.configurationFile=file:{self.folder / 'conf' / 'log4j.properties'}",
            *("-cp", self.flink.class_path),
            _CLASSES[role],
            *self._arguments(role, resource),
            *memory[split + 1 :],
        ]
        process = start_apart(
            command,
            folder=self.folder / "work",
            environment=self._environment(role),
            output=log.with_suffix(".out"),
        )
        return ClusterProcess(
            role, index, resource, process.pid, process.started, process.boot, str(log)
        )

    def _java_options(self, role: str) -> list[str]:
        said = java_options(self.settings, role)
        chosen = any(re.fullmatch(r"-XX:\+Use\w+GC", option) for option in said)
        collector = () if chosen else (_COLLECTOR,)  # Java refuses two
        return ["-XX:-UsePerfData", *_QUICK, *collector, *_OPTIONS[role], *said]

    def _arguments(self, role: str, resource: str) -> list[str]:
        conf = self.folder / "conf"
        if role == ZOOKEEPER:
            return ["--zkConfigFile", str(conf / "zoo.cfg"), "--peerId", "1"]
        arguments = ["--configDir", str(conf)]
        if role == TASKMANAGER:
            arguments += ["-D", f"taskmanager.resource-id={resource}"]
        return arguments

    def _environment(self, role: str) -> dict[str, str]:
        """A clean environment: what a job lacks is not found by chance."""
        home = self.flink.home
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        environment |= {
            "PATH": f"{self.folder / 'bin'}:{_PATH}",
            "TMPDIR": str(self.folder / "tmp"),
            "JAVA_HOME": str(self.java.home),
            "FLINK_CONF_DIR": str(self.folder / "conf"),
            "FLINK_LOG_DIR": str(self.folder / "log"),
            "FLINK_LIB_DIR": str(home / "lib"),
            "FLINK_OPT_DIR": str(home / "opt"),
            "FLINK_PLUGINS_DIR": str(home / "plugins"),
            # Packages in the user's home are as much the caller's as PYTHONPATH is.
            "PYTHONNOUSERSITE": "1",
        }
        if role == TASKMANAGER:
            environment |= self.given
        return {**environment, MARK: str(self.folder)}


def write_interpreters(folder: Path, python: Interpreter) -> None:
    """Writes the folder ``bin``, first on the workers' PATH: it holds one Python.

    A link would do for most, and not for one of a virtual environment, which finds its packages
    by where it is called.
    """
    home = folder / "bin"
    home.mkdir()
    minor = ".".join(python.version.split(".")[:2])
    for name in ("python", "python3", f"python{minor}"):
        script = home / name
        script.write_text(
            f'#!/bin/sh\nexec {shlex.quote(str(python.path))} "$@"\n', encoding="utf-8"
        )
        script.chmod(0o755)
