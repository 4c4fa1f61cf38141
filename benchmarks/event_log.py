"""The event log: what it costs a job, and how quick a large one is to ask."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_agents import Identity
from figures import Figure, alternating
from flink_speed import job
from local_speed import inputs

from headrace import AgentPlan
from headrace.eventlog import LogSettings
from headrace.local import IterableSource, ListSink, LocalEngine

__all__ = ["measure"]

PER_FILE = 400_000


def identity(count: int, level: str | None) -> float:
    """Events a second of the identity agent, while it runs; ``None``: no setting says anything."""
    with tempfile.TemporaryDirectory() as folder:
        plan = AgentPlan.from_agent(Identity())
        if level is not None:
            log = LogSettings(folder=folder, level=level)
            config = plan.config.model_copy(update={"log": log})
            plan = plan.model_copy(update={"config": config})
        outputs = ListSink()
        engine = LocalEngine(plan, key=lambda value: value["k"], output=outputs)
        values = inputs(count)
        began = time.perf_counter()
        engine.run(IterableSource(values))
        seconds = time.perf_counter() - began
        assert len(outputs.values) == count
        if level == "standard":
            lines = sum(path.read_bytes().count(b"\n") for path in Path(folder).iterdir())
            assert lines == 2 * count + 1, lines
    return count / seconds


def on_flink(count: int, level: str) -> float:
    """Events a second of an agent with one read and one write, on Flink."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADRACE_SET_LOG__LEVEL"] = level
        os.environ["HEADRACE_SET_LOG__FOLDER"] = folder
        try:
            return job("flink_job.py", "agent", count, 1000)["rate"]
        finally:
            del os.environ["HEADRACE_SET_LOG__LEVEL"], os.environ["HEADRACE_SET_LOG__FOLDER"]


def costs(*, quick: bool) -> list[Figure]:
    """What writing it costs."""
    rounds, count = (3, 40_000) if quick else (7, 100_000)
    levels = {"none": None, "off": "off", "standard": "standard"}
    speed, seen = alternating(
        rounds, {name: lambda level=level: identity(count, level) for name, level in levels.items()}
    )
    found = [
        Figure(
            f"local, identity, event log at `{level}`",
            speed[level],
            "events/s",
            "no log",
            speed["none"],
            target=target,
            rounds=seen,
        )
        for level, target in (("off", 0.99), ("standard", 0.9))
    ]
    count = 40_000 if quick else 100_000
    speed, seen = alternating(
        1 if quick else 3,
        {level: lambda level=level: on_flink(count, level) for level in ("off", "standard")},
    )
    return [
        *found,
        Figure(
            "Flink, one read and one write, event log at `standard`",
            speed["standard"],
            "events/s",
            "the log `off`",
            speed["off"],
            target=0.9,
            rounds=seen,
        ),
    ]


def log_of(folder: Path, records: int) -> str:
    """Writes a log of so many records; gives the id of a run in its middle."""
    draw = random.Random(7)  # noqa: S311 - names of runs
    file, wanted = None, ""
    for number in range(records // 2):
        if number * 2 % PER_FILE == 0:
            if file is not None:
                file.close()
            part = number * 2 // PER_FILE + 1
            file = (folder / f"Desk.agent-0.a0.20260101T000000-1.{part:04d}.jsonl").open("w")
        run = f"{draw.getrandbits(128):032x}-0"
        when = 1_790_000_000 + number * 0.01
        key = f"k{draw.randrange(100_000)}"
        whose = f'"agent":"Desk","run":"{run}","key":"{key}"'
        end = ',"error":"ValueError: boom","fault":"action"' if number % 10_000 == 0 else ""
        what = "failed" if end else "finished"
        file.write(
            f'{{"v":1,"time":{when:.6f},"kind":"action","what":"{what}",{whose},"name":"answer",'
            f'"id":"0.0","start":{when - 0.01:.6f},"duration":0.010000{end}}}\n'
            f'{{"v":1,"time":{when + 0.001:.6f},"kind":"run","what":"finished",{whose},'
            f'"name":"Desk","start":{when - 0.01:.6f},"duration":0.011000,'
            f'"data":{{"input":{{"k":"{key}","i":{number}}},"outputs":[{{"i":{number}}}]}}}}\n'
        )
        if number == records // 4:
            wanted = run
    assert file is not None
    file.close()
    return wanted


def agents(folder: Path, *arguments: str) -> tuple[float, list[str]]:
    """Seconds that a command took, and the lines that it printed."""
    program = "from headrace_cli.main import main; main()"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, "logs", *arguments, str(folder / "log")],
        env={**os.environ, "HEADRACE_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, done.stdout.splitlines()


def asking(*, quick: bool) -> list[Figure]:
    """How quick it is to ask."""
    records = 1_000_000 if quick else 10_000_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "log").mkdir()
        run = log_of(folder / "log", records)
        first, _ = agents(folder, "list", "--failed")
        times: dict[str, list[float]] = {"filter": [], "key": [], "tree": []}
        for _ in range(3):
            seconds, lines = agents(folder, "list", "--failed", "--all", "--json")
            assert len(lines) == records // 20_000
            assert all("boom" in json.loads(line)["error"] for line in lines)
            times["filter"].append(seconds)
            times["key"].append(agents(folder, "list", "--key", "k77")[0])
            seconds, lines = agents(folder, "tree", run)
            assert len(lines) == 3, lines
            times["tree"].append(seconds)
    shown = f"{records:,} records"
    return [
        Figure(f"event log of {shown}: the first question, which makes the index", first, "s",
               "seconds", 1, target=None, higher_is_better=False),
        *(
            Figure(f"event log of {shown}: {what}", sorted(times[name])[1], "s", f"{limit} s",
                   limit, target=1, higher_is_better=False, rounds={name: times[name]})
            for what, name, limit in (
                ("all failures", "filter", 3),
                ("the newest of a key", "key", 3),
                ("the tree of a run", "tree", 1),
            )
        ),
    ]  # fmt: skip


def measure(*, quick: bool) -> list[Figure]:
    """All of it."""
    return [*costs(quick=quick), *asking(quick=quick)]
