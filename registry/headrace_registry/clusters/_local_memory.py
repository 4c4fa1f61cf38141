"""How a process's memory is divided: reckoned by Flink's own tool for its start scripts."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_errors import ClusterSpecError, ClusterStartError
from headrace_registry.clusters._local_record import JOBMANAGER, TASKMANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace_registry.clusters._local_flink import Flink, Java

__all__ = ["END_OF_OPTIONS", "divided", "jobmanager_memory"]

END_OF_OPTIONS = "--"
"""Stands between what is for Java and what is for Flink."""
_COMMANDS = {TASKMANAGER: "GET_TM_RESOURCE_PARAMS", JOBMANAGER: "GET_JM_RESOURCE_PARAMS"}
_RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:"
_WAIT = 60


def jobmanager_memory(
    folder: Path, flink: Flink, java: Java, settings: Mapping[str, str]
) -> tuple[str, ...]:
    """A development cluster's JobManager, unless the settings say more of it.

    Raises:
        ClusterSpecError: The settings do not go together.
        ClusterStartError: They could not be reckoned.
    """
    if any(key.startswith("jobmanager.memory.") for key in settings):
        return divided(JOBMANAGER, folder, flink, java)
    return ("-Xms128m", "-Xmx512m", "-XX:MaxMetaspaceSize=256m", END_OF_OPTIONS)


def divided(role: str, folder: Path, flink: Flink, java: Java) -> tuple[str, ...]:
    """How the settings of a cluster divide the memory of a role.

    Returns:
        Options for Java, ``--``, arguments for Flink.

    Raises:
        ClusterSpecError: The settings do not go together.
        ClusterStartError: The tool did not run.
    """
    tool = flink.home / "bin" / "bash-java-utils.jar"
    dist = flink.home / "lib" / f"flink-dist-{flink.version}.jar"
    command = [
        str(java.program),
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xmx128m"),
        *("-cp", f"{tool}:{dist}"),
        "org.apache.flink.runtime.util.bash.BashJavaUtils",
        _COMMANDS[role],
        *("--configDir", str(folder / "conf")),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - Flink's own tool
            command,
            cwd=folder,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WAIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterStartError(
            f"Java does not run\n  where: {java.home}\n  why:   {error}\n"
            "  next:  set JAVA_HOME to another"
        ) from None
    said = done.stdout.decode(errors="replace")
    results = [
        line.removeprefix(_RESULT).split() for line in said.splitlines() if line.startswith(_RESULT)
    ]
    if len(results) == 2:  # noqa: PLR2004 - for Java, and for Flink
        return (*results[0], END_OF_OPTIONS, *results[1])
    complaint = said + done.stderr.decode(errors="replace")
    lines = [line for line in complaint.splitlines() if "Exception" in line]
    why = lines[-1].rpartition("Exception: ")[2] if lines else complaint.strip()[-400:]
    raise ClusterSpecError(
        f"the memory of a {role} does not go together\n  why:   {why}\n"
        "  next:  give --memory more, or fewer settings of memory"
    )
