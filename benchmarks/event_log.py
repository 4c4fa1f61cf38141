"""The event log: what it costs a job, and how quick a large one is to ask."""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench_agents import Identity
from figures import Figure, alternating
from flink_speed import job
from local_speed import inputs

from headrace import AgentPlan
from headrace.eventlog import LogSettings
from headrace.local import IterableSource, ListSink, LocalEngine

__all__ = ["measure"]

PER_FILE = 400_000


class Cost(NamedTuple):
    """What an event took, in microseconds."""

    wall: float
    own: float
    """Processor time of the job's process."""
    all: float
    """That of all processes: of the log's writer, too."""


def identity(count: int, level: str | None) -> Cost:
    """The identity agent, while it runs; ``None``: no setting says anything of a log."""
    with tempfile.TemporaryDirectory() as folder:
        plan = AgentPlan.from_agent(Identity())
        if level is not None:
            log = LogSettings(folder=folder, level=level)
            config = plan.config.model_copy(update={"log": log})
            plan = plan.model_copy(update={"config": config})
        outputs = ListSink()
        engine = LocalEngine(plan, key=lambda value: value["k"], output=outputs)
        values = inputs(count)
        gc.collect()
        before = _now()
        engine.run(IterableSource(values))
        after = _now()
        assert len(outputs.values) == count
        if level == "standard":
            lines = sum(path.read_bytes().count(b"\n") for path in Path(folder).iterdir())
            assert lines == 2 * count + 1, lines
    return Cost(*((then - now) / count * 1e6 for now, then in zip(before, after, strict=True)))


def _now() -> Cost:
    own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    mine = own.ru_utime + own.ru_stime
    return Cost(time.perf_counter(), mine, mine + children.ru_utime + children.ru_stime)


def pairs(level: str, rounds: int, count: int) -> tuple[list[Cost], list[Cost]]:
    """With the log at a level and with none, in turn and in short runs, as others may be busy."""
    with_log, without = [], []
    identity(count, level)  # code is loaded
    for number in range(rounds):
        for one in (level, None) if number % 2 else (None, level):
            (without if one is None else with_log).append(identity(count, one))
    return with_log, without


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
    rounds = 7 if quick else 21
    found = []
    for level, count, target in (("off", 10_000, 1.01), ("standard", 60_000, 1 / 0.9)):
        with_log, without = pairs(level, rounds, count)
        for name, what in (
            ("own", "CPU time of the job's process"),
            ("all", "CPU time of all processes"),
            ("wall", "time"),
        ):
            costs = [getattr(cost, name) for cost in with_log]
            plain = [getattr(cost, name) for cost in without]
            ratio = statistics.median(ours / none for ours, none in zip(costs, plain, strict=True))
            value = statistics.median(costs)
            found.append(
                Figure(
                    f"local, identity, event log at `{level}`: {what}",
                    value,
                    "µs an event",
                    "no log, in pairs",
                    value / ratio,
                    target=target if name == "own" else None,
                    higher_is_better=False,
                    rounds={level: costs, "none": plain},
                )
            )
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
