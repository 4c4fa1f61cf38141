"""The Flink engine: an agent as a step of a PyFlink job.

::

    from headrace.flink import environment, process

    env = environment()
    streams = process(env.from_source(...), Echo(), key=lambda value: value["user"])
    streams.output.sink_to(...)
    streams.dead_letters.print()
    env.execute("echo")

Names are loaded when they are first used. The threads of a worker take up their functions at the
same time, each from another module of this package: one that loaded the others first would make
each of them wait for the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.flink._files import run_files
    from headrace.flink._java import ensure_java
    from headrace.flink._job import (
        SETTINGS,
        AgentStreams,
        configure,
        environment,
        process,
        process_table,
    )
    from headrace.flink._tags import DEAD_LETTERS

_HOMES = {
    "_files": ("run_files",),
    "_java": ("ensure_java",),
    "_job": (
        "SETTINGS",
        "AgentStreams",
        "configure",
        "environment",
        "process",
        "process_table",
    ),
    "_tags": ("DEAD_LETTERS",),
}

__all__ = [
    "DEAD_LETTERS",
    "SETTINGS",
    "AgentStreams",
    "configure",
    "ensure_java",
    "environment",
    "process",
    "process_table",
    "run_files",
]


__getattr__ = lazily(__name__, _HOMES)
