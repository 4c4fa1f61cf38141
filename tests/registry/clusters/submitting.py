"""Submits small jobs to a cluster: a program that reads their kinds from stdin, a line for each.

It prints each job's id; with a file's path on the line, the job is only written there. One client
serves many jobs: each would start a JVM of its own.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def rate(number):
    return 100 / (number - 20)


def priced(number):
    return int(rate(number))


def dies(number):
    if number == 20:
        os._exit(7)
    return number


def slowly(number):
    time.sleep(0.02)
    return number


FUNCTIONS = {"steady": slowly, "wide": slowly, "failing": priced, "dying": dies, "bare": slowly}
SETTINGS = {
    "execution.checkpointing.interval": "500 ms",
    "python.fn-execution.bundle.size": "5",
    "python.fn-execution.bundle.time": "50",
}
MORE = {
    "failing": {
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "1 s",
    },
    "bare": {"python.executable": "python3"},
}
WIDE = 9  # more than any cluster of these tests has slots


class Client:
    """PyFlink's client, with one JVM."""

    def __init__(self, address):
        import pyflink
        from pyflink.java_gateway import get_gateway

        self.host, _, self.port = address.rpartition(":")
        self.jvm = get_gateway().jvm
        jar = next((Path(pyflink.__file__).parent / "opt").glob("flink-python*.jar"))
        self.jars = get_gateway().new_array(self.jvm.String, 1)
        self.jars[0] = str(jar)

    def environment(self, kind):
        from pyflink.common import Configuration
        from pyflink.datastream import StreamExecutionEnvironment

        settings = {
            "restart-strategy.type": "none",
            "python.executable": sys.executable,
            **SETTINGS,
            **MORE.get(kind, {}),
        }
        found = Configuration()
        for name, value in settings.items():
            found.set_string(name, value)
        java = self.jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment
        return StreamExecutionEnvironment(
            java.createRemoteEnvironment(
                self.host, int(self.port), found._j_configuration, self.jars
            )
        )

    def job(self, kind):
        from pyflink.common import Types, WatermarkStrategy
        from pyflink.datastream.connectors.number_seq import NumberSequenceSource

        env = self.environment(kind)
        env.set_parallelism(WIDE if kind == "wide" else 1)
        numbers = env.from_source(
            NumberSequenceSource(1, 10**12),
            WatermarkStrategy.no_watermarks(),
            "numbers",
            type_info=Types.LONG(),
        )
        numbers.map(FUNCTIONS[kind], output_type=Types.LONG()).name(kind).print()
        return env

    def submit(self, kind, name):
        return self.job(kind).execute_async(name).get_job_id()

    def write_plan(self, kind, name, path):
        """What ``POST /jobs`` takes of a job, in a file."""
        graph = self.job(kind)._generate_stream_graph(True, name).getJobGraph()
        java = self.jvm.java.io
        stream = java.ObjectOutputStream(java.FileOutputStream(path))
        stream.writeObject(graph)
        stream.close()
        return graph.getJobID().toString()


def main():
    client = Client(sys.argv[1])
    for line in sys.stdin:
        kind, name, *path = line.split()
        made = client.write_plan(kind, name, *path) if path else client.submit(kind, name)
        print(f"job {made}", flush=True)


if __name__ == "__main__":
    main()
