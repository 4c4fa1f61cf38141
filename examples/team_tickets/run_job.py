"""Runs the job on this machine, in embedded Flink, until it is stopped (Ctrl-C)."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import team_job
from team_agents import Team

from headrace import AgentPlan
from headrace.flink import environment


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(description="Runs the teams, embedded.")
    parser.add_argument("--broker", required=True, help="the Kafka broker, as HOST:PORT")
    parser.add_argument("--jar", type=Path, required=True, help="Flink's SQL connector for Kafka")
    given = parser.parse_args()
    os.environ["TEAMS_BROKER"] = given.broker
    with tempfile.TemporaryDirectory(prefix="teams-") as checkpoints:
        env = environment(
            {
                "execution.checkpointing.interval": "500ms",
                "execution.checkpointing.dir": Path(checkpoints).as_uri(),
            }
        )
        env.set_parallelism(1)
        env.add_jars(given.jar.resolve().as_uri())
        team_job.teams(env, {"Team": AgentPlan.from_agent(Team())})
        client = env.execute_async("teams")
        try:
            client.get_job_execution_result().result()
        except KeyboardInterrupt:
            client.cancel().result()


if __name__ == "__main__":
    main()
