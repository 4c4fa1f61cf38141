"""What ``docs/operations.md`` tells a platform team is there: metrics, alarms, commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from headrace.metrics import TABLE

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
METRICS = sorted(set(re.findall(r"\bheadrace_[a-z_]+", PAGE)))
(ALERTS,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(AGAIN,) = [block for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) if "dead" in block]
AGENT = """
from headrace import Agent, InputEvent, OutputEvent, action, retry

class Picky(Agent):
    @action(InputEvent, on_failure=retry(1, then="dead_letter"))
    def take(self, event, ctx):
        if event.input["n"] % 2:
            raise ValueError("odd")
        ctx.send(OutputEvent(output=event.input))
"""


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_that_is_named_is_one_of_the_runtimes(name):
    known = {getattr(one, "name", one) for one in TABLE}

    assert name.removesuffix("_bucket") in known


def test_alarms_are_rules_that_prometheus_reads():
    (group,) = yaml.safe_load(ALERTS)["groups"]

    for rule in group["rules"]:
        assert {"alert", "expr", "for", "annotations"} == rule.keys()
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_dead_letters_are_brought_back_as_the_inputs_that_they_were(tmp_path):
    (tmp_path / "picky.py").write_text(AGENT)
    inputs = [{"n": n} for n in range(4)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in inputs))
    agents = [sys.executable, "-c", "from headrace_cli.main import main; main()"]
    job = ["run", "picky.py:Picky", "--input", "in.jsonl", "--output", "out.jsonl"]
    letters = ["--dead-letters", "dead.jsonl", "--quiet"]
    subprocess.run([*agents, *job, *letters], cwd=tmp_path, check=True)

    command = AGAIN.replace("python", sys.executable, 1)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)

    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert again == [{"n": 1}, {"n": 3}]
