"""Which of a job's jars a cluster has already: Flink's side of Python, where its ``lib`` has it.

A jar that a job brings is loaded anew for each job, and each time that it restarts. Of Flink's
side of Python some part is never let go again (Apache Flink's FLINK-20333 mended some of it), so
that a TaskManager runs out of metaspace: with Flink's 256 MB after 10 to 15 jobs, as seen with 2.3.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_registry.clusters._rest import FlinkRest

__all__ = ["lacking", "missing_jars"]

_PYTHON = "flink-python-"


def missing_jars(rest: FlinkRest, jars: Sequence[str]) -> list[Path]:
    """Those that have to be sent along."""
    has = rest.class_path()
    paths = [Path(one) for one in jars]
    return [one for one in paths if not (one.name.startswith(_PYTHON) and one.name in has)]


def lacking(rest: FlinkRest, version: str) -> str:
    """What to tell of a cluster without Flink's side of Python; empty where it has it."""
    jar = f"{_PYTHON}{version}.jar"
    if jar in rest.class_path():
        return ""
    return (
        f"note: the cluster has no {jar} in its lib folder, so each job brings it, and its "
        "TaskManagers run out of metaspace after some jobs: copy it there from opt"
    )
