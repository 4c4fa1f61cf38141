"""Runs the jobs on this machine, in embedded Flink: ``python run_jobs.py two`` or ``one``.

The jobs never end: they wait for more messages. They are stopped here when every message has its
case.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import joined_jobs
from joined_agents import Desk, Reader

from headrace import AgentPlan
from headrace.flink import environment

HERE = Path(__file__).resolve().parent


def start(job: Any, plans: dict[str, AgentPlan], output: Path, parallelism: int) -> Any:
    """Starts a job with checkpoints; gives Flink's client of it."""
    env = environment(
        {
            "execution.checkpointing.interval": "500ms",
            "execution.checkpointing.dir": (output / "checkpoints" / job.name).as_uri(),
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "10",
            "restart-strategy.fixed-delay.delay": "100ms",
            # Embedded, nobody starts a TaskManager anew that a failure took along: one to spare.
            "minicluster.number-of-taskmanagers": "3",
            "taskmanager.numberOfTaskSlots": str(parallelism),
        }
    )
    env.set_parallelism(parallelism)
    job(env, plans)
    return env.execute_async(job.name)


def committed(folder: Path) -> list[Any]:
    """The lines of a folder's finished files; what is being written is hidden."""
    parts = sorted(path for path in folder.rglob("part-*") if path.is_file())
    return [json.loads(line) for part in parts for line in part.read_text("utf-8").splitlines()]


def main() -> None:
    """Runs the jobs until every message has its case."""
    parser = argparse.ArgumentParser(description="Runs the jobs, embedded.")
    parser.add_argument("jobs", choices=["two", "one"], help="two jobs joined by files, or one")
    parser.add_argument("--input", type=Path, default=HERE / "data/messages", help="a folder")
    parser.add_argument("--output", type=Path, required=True, help="a folder that is not there")
    parser.add_argument("--model", default="scripted", help="the chat model's plugin")
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=300, help="how long to wait at most")
    given = parser.parse_args()
    output = given.output.resolve()
    output.mkdir(parents=True)
    (output / "routed").mkdir()
    os.environ["JOINED_INPUT"] = given.input.resolve().as_uri()
    os.environ["JOINED_OUTPUT"] = output.as_uri()
    agents = (Reader(model=given.model), Desk(model=given.model))
    plans = {agent.name: agent for agent in map(AgentPlan.from_agent, agents)}
    chosen = {
        "two": (joined_jobs.reading, joined_jobs.desks),
        "one": (joined_jobs.both,),
    }[given.jobs]
    wanted = sum(len(path.read_text("utf-8").splitlines()) for path in given.input.iterdir())
    clients = [start(job, plans, output, given.parallelism) for job in chosen]
    deadline = time.monotonic() + given.seconds
    while len(cases := committed(output / "cases")) < wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(cases)} of {wanted} cases after {given.seconds:.0f} seconds")
        time.sleep(0.2)
    for client in clients:
        client.cancel().result()
    for case in sorted(cases, key=lambda case: (case["desk"], case["case"])):
        print(f"{case['desk']} {case['case']}: {case['customer']}, {case['text']}")


if __name__ == "__main__":
    main()
