"""How long an event is under way in an idle job: ``python flink_latency.py agent|tuned EVENTS``.

Lines with the time at which they were sent come one by one over a socket, from a Java source; the
step after the agent (or the function by hand) takes the time again. Prints the percentiles as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
)

from bench_agents import Counting
from flink_job import TUNED, PerKey
from pyflink.common import Encoder, Types
from pyflink.datastream import DataStream
from pyflink.datastream.connectors.file_system import FileSink

from headrace.flink import environment, process

PAUSE = 0.1


def feed(server: socket.socket, events: int) -> None:
    """Sends the lines, with pauses in which the job is idle."""
    connection, _ = server.accept()
    with connection:
        for number in range(events + 20):
            line = {"k": f"k{number % 100}", "i": number, "at": time.time()}
            connection.sendall(json.dumps(line).encode() + b"\n")
            time.sleep(PAUSE)


def stamped(line: str) -> str:
    """Adds how long the line was under way, in milliseconds."""
    value: dict[str, Any] = json.loads(line)
    return json.dumps({**value, "ms": (time.time() - value["at"]) * 1000})


def main() -> None:
    """Runs one job."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["agent", "tuned"])
    parser.add_argument("events", type=int)
    given = parser.parse_args()
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=feed, args=(server, given.events), daemon=True).start()
    options = {"restart-strategy.type": "disable"}
    if given.kind == "tuned":
        # Large bundles would show their own length here: the same as the agent's.
        options |= TUNED | {"python.fn-execution.bundle.time": "5"}
    env = environment(options)
    env.set_parallelism(1)
    port = server.getsockname()[1]
    java = env._j_stream_execution_environment.socketTextStream("127.0.0.1", port, "\n", 0)  # noqa: SLF001
    lines = DataStream(java)
    if given.kind == "agent":
        out = process(
            lines,
            Counting(),
            key=lambda value: value["k"],
            parse=json.loads,
            render=json.dumps,
            output_type=Types.STRING(),
        ).output
    else:
        keyed = lines.key_by(lambda line: json.loads(line)["k"], Types.STRING())
        out = keyed.process(PerKey(), Types.STRING())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "out"
        sink = FileSink.for_row_format(str(folder), Encoder.simple_string_encoder())
        out.map(stamped, Types.STRING()).sink_to(sink.build())
        env.execute()
        rows = [
            json.loads(line)
            for path in folder.rglob("*")
            if path.is_file()
            for line in path.read_text().splitlines()
        ]
    # The first ones wait for Python to start.
    spent = sorted(row["ms"] for row in rows if row["i"] >= 20)
    assert len(spent) == given.events
    cuts = statistics.quantiles(spent, n=100)
    print(json.dumps({"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98]}))


if __name__ == "__main__":
    main()
