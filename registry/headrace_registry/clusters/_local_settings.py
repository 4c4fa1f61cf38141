"""A cluster's files of settings: Flink's own, the logs', ZooKeeper's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace_registry.clusters._local_flink import Flink
    from headrace_registry.clusters._local_spec import ClusterSpec

__all__ = ["HOST", "Ports", "java_options", "read_settings", "settings_of", "write_settings"]

HOST = "127.0.0.1"
_OPTIONS = "env.java.opts.all"
_SILENCED = """
# When a job with Python ends, this one logs its workers' whole environment: secrets too.
logger.beam_bundles.name = org.apache.beam.runners.fnexecution.control.DefaultJobBundleFactory
logger.beam_bundles.level = OFF
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that others must know beforehand; all else takes what is free."""

    rest: int
    rpc: int
    zookeeper: int | None = None


def settings_of(spec: ClusterSpec, flink: Flink, folder: Path, ports: Ports) -> dict[str, str]:
    """Flink's settings for a cluster."""
    settings = {
        _OPTIONS: _shipped_options(flink),
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": str(ports.rpc),
        "jobmanager.bind-host": HOST,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": str(ports.rest),
        "rest.bind-port": str(ports.rest),
        "blob.server.port": "0",
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": str(spec.slots),
        "taskmanager.memory.process.size": f"{spec.memory_mib}m",
        # Flink's defaults leave a task of a small TaskManager next to no heap.
        "taskmanager.memory.managed.fraction": "0.2",
        "taskmanager.memory.jvm-metaspace.size": "192m",
        "taskmanager.memory.jvm-overhead.min": "64m",
        "taskmanager.memory.framework.off-heap.size": "96m",
        "parallelism.default": "1",
        "io.tmp.dirs": str(folder / "tmp"),
        "web.tmpdir": str(folder / "tmp"),
        "web.upload.dir": str(folder / "upload"),
        "web.submit.enable": "true",
        "web.cancel.enable": "true",
        "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (folder / "savepoints").as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A TaskManager that is up before its JobManager tries again at once, not in ten seconds.
        "cluster.registration.initial-timeout": "200 ms",
        "cluster.registration.max-timeout": "2 s",
        "cluster.registration.error-delay": "300 ms",
        "cluster.registration.refused-registration-delay": "300 ms",
        # All on one machine: a process that is gone is noticed within seconds.
        "heartbeat.interval": "2 s",
    }
    if ports.zookeeper is not None:
        settings |= {
            "high-availability.type": "zookeeper",
            "high-availability.zookeeper.quorum": f"{HOST}:{ports.zookeeper}",
            "high-availability.storageDir": (folder / "recovery").as_uri(),
            "high-availability.cluster-id": f"/{spec.name}",
            "high-availability.jobmanager.port": str(ports.rpc),
            # How long a killed JobManager is waited for until another may lead.
            "high-availability.zookeeper.client.session-timeout": "6 s",
            "high-availability.zookeeper.client.connection-timeout": "3 s",
            "high-availability.zookeeper.client.retry-wait": "500 ms",
            "high-availability.zookeeper.client.max-retry-attempts": "20",
            "high-availability.zookeeper.client.tolerate-suspended-connections": "true",
        }
    return {**settings, **spec.settings}


def write_settings(folder: Path, settings: dict[str, str], flink: Flink, ports: Ports) -> None:
    """Writes the folder ``conf`` of a cluster."""
    conf = folder / "conf"
    conf.mkdir()
    (conf / "config.yaml").write_text(yaml.safe_dump(settings, width=10_000), encoding="utf-8")
    for name in ("log4j.properties", "log4j-cli.properties", "log4j-session.properties"):
        shutil.copyfile(flink.home / "conf" / name, conf / name)
    with (conf / "log4j.properties").open("a", encoding="utf-8") as file:
        file.write(_SILENCED)
    if ports.zookeeper is not None:
        lines = (
            "tickTime=500",
            "initLimit=10",
            "syncLimit=5",
            f"dataDir={folder / 'zookeeper'}",
            f"clientPort={ports.zookeeper}",
            f"clientPortAddress={HOST}",
            "admin.enableServer=false",
            # One server alone: these two ports are never opened.
            f"server.1={HOST}:2888:3888",
        )
        (conf / "zoo.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_settings(folder: Path) -> dict[str, str]:
    """A cluster's settings of Flink, as they were written."""
    said = yaml.safe_load((folder / "conf" / "config.yaml").read_text(encoding="utf-8"))
    return {str(key): str(value) for key, value in said.items()}


def java_options(settings: Mapping[str, str], role: str) -> list[str]:
    """The options for Java that the settings give a role."""
    keys = (_OPTIONS, f"env.java.opts.{role}")
    return [option for key in keys for option in settings.get(key, "").split()]


def _shipped_options(flink: Flink) -> str:
    """What Flink itself needs opened in Java's modules, from the settings that come with it."""
    text = (flink.home / "conf" / "config.yaml").read_text(encoding="utf-8")
    said = yaml.safe_load(text)
    for part in ("env", "java", "opts", "all"):
        said = said.get(part, {}) if isinstance(said, dict) else {}
    return said if isinstance(said, str) else ""
