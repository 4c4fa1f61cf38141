"""The Flink engine: an agent as a step of a PyFlink job.

::

    from headrace.flink import environment, process

    env = environment()
    streams = process(env.from_source(...), Echo(), key=lambda value: value["user"])
    streams.output.sink_to(...)
    streams.dead_letters.print()
    env.execute("echo")
"""

from headrace.flink._files import run_files
from headrace.flink._function import DEAD_LETTERS
from headrace.flink._java import ensure_java
from headrace.flink._job import (
    SETTINGS,
    AgentStreams,
    configure,
    environment,
    process,
    process_table,
)

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
