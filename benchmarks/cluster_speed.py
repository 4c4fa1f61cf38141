"""A job's zip on a standalone cluster: how soon, how fast, how large, beside the local engine.

The clusters have a bare Python for their workers, as `agents cluster up` makes them; the job is the
main one, incident triage, from its zip. `./dev bench --only cluster`, about a quarter of an hour.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Figure, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["measure"]

ROOT = Path(__file__).resolve().parents[1]
COPIES = 16
"""Times that the example's logs are read, each as clusters of their own."""
KEYS = (1_000, 10_000, 100_000, 1_000_000)
GROWTH = '''
from headrace import Agent, Context, InputEvent, action, job


class Counter(Agent):
    """Counts the lines of each key."""

    @action(InputEvent)
    def count(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["seen"] = ctx.short_term.get("seen", 0) + 1


def key(line):
    return line


@job(Counter(), name="growth")
def growth(env, plans):
    from pyflink.common import Duration, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import FileSource, StreamFormat

    from headrace.flink import process

    # Once its lines are read the job waits for more: what is measured then is not the queue.
    lines = FileSource.for_record_stream_format(
        StreamFormat.text_line_format(), "{lines}"
    ).monitor_continuously(Duration.of_seconds(1)).build()
    lines = env.from_source(lines, WatermarkStrategy.no_watermarks(), "lines")
    process(lines, plans["Counter"], key=key).output.print()
'''


def measure(*, quick: bool) -> list[Figure]:
    """The figures."""
    sys.path.insert(0, str(ROOT))
    from tests.jobs import Kit

    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as scratch:
        kit = Kit(Path(scratch) / "kit").make()
        project = kit.triage(Path(scratch) / "triage")
        path = kit.build(project, output=Path(scratch) / "triage.zip")
        return [
            *_sizes(kit, project, path),
            _up(kit, project),
            *_start_of_a_worker(kit, path),
            *_running(kit, path, Path(scratch), 2 if quick else COPIES),
            *_growth(kit, Path(scratch), KEYS[: 2 if quick else None]),
        ]


def _sizes(kit: Any, project: Path, path: Path) -> list[Figure]:
    """Of the zip, by part, beside what it may be."""
    said = json.loads(kit.agents("build", ".", "--json", "--dry-run", cwd=project).stdout)
    engine, packages = said["parts"]["engine"], said["parts"]["packages"]
    small = kit.build(project, "--engine", "provided", output=path.with_name("provided.zip"))
    megabyte = 1e6
    return [
        _aimed("job.zip, engine bundled", path.stat().st_size / megabyte, "MB", "aim", 80),
        _aimed("job.zip, engine provided", small.stat().st_size / megabyte, "MB", "aim", 15),
        _told(
            "of it the engine's packages", engine / megabyte, "MB", "zip", said["size"] / megabyte
        ),
        _told(
            "of it the job's packages", packages / megabyte, "MB", "zip", said["size"] / megabyte
        ),
    ]


def _up(kit: Any, folder: Path) -> Figure:
    """The whole command, with its defaults, until the cluster takes jobs."""
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        kit.agents("cluster", "up", "bench", cwd=folder)
        seconds.append(time.monotonic() - began)
        kit.agents("cluster", "down", "bench", cwd=folder)
    return _aimed("agents cluster up, to ready", statistics.median(seconds), "s", "aim", 15)


def _start_of_a_worker(kit: Any, path: Path) -> list[Figure]:
    """Loading what a Python worker loads: out of the zip, and out of all that pip installs."""
    from headrace_registry.bundle.opening import open_zip

    home = open_zip(path, cache=kit.cache)
    load = "import pyflink.fn_execution.beam.beam_sdk_worker_main, resource\n"
    load += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    ways = {"zip": [str(home / "bin/python"), "-c", load], "pip": [sys.executable, "-c", load]}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    memory: dict[str, float] = {}
    environment = {**os.environ, "HEADRACE_PYTHON": sys.executable}
    for _ in range(3):
        for name, command in ways.items():
            began = time.monotonic()
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            seconds[name].append(time.monotonic() - began)
            memory[name] = int(done.stdout) / 1e3
    zipped, piped = min(seconds["zip"]), min(seconds["pip"])
    return [
        _told("start of a Python worker: loading", zipped, "s", "all that pip installs", piped),
        _told("its memory then", memory["zip"], "MB", "all that pip installs", memory["pip"]),
    ]


def _running(kit: Any, path: Path, scratch: Path, copies: int) -> list[Figure]:
    """The main job: until its first output, and its pace on one and on two TaskManagers."""
    lines = scratch / "lines"
    lines.mkdir()
    example = (ROOT / "examples/incident_triage/data/flink-logs.jsonl").read_text()
    records = [json.loads(line) for line in example.splitlines()]
    small, large = lines / "small.jsonl", lines / "large.jsonl"
    _write(small, records, 1)
    _write(large, records, copies)
    local = _pace(
        lambda file, out: _run_here(kit, path, file, out),
        small,
        large,
        scratch,
        len(records),
        copies,
    )
    figures = []
    for taskmanagers in (1, 2):
        with _cluster(taskmanagers) as cluster:
            if taskmanagers == 1:
                first, stock = _first_output(kit, path, cluster, small, scratch)
                figures.append(_told("submit to first output", first, "s", "flink run", stock))

            def submit(
                file: Path, out: Path, where: Any = cluster, size: int = taskmanagers
            ) -> float:
                return _submitted(kit, path, where, file, out, size)

            pace = _pace(submit, small, large, scratch, len(records), copies)
        name = f"main job on {taskmanagers} TaskManager{'s'[: taskmanagers - 1]}"
        figures.append(_told(name, pace, "inputs/s", "local engine", local))
    return figures


def _pace(
    run: Callable[[Path, Path], float],
    small: Path,
    large: Path,
    scratch: Path,
    count: int,
    copies: int,
) -> float:
    """Inputs a second, starting up left out: what the larger input takes more than the smaller."""
    short = run(small, Path(tempfile.mkdtemp(dir=scratch)))
    long = run(large, Path(tempfile.mkdtemp(dir=scratch)))
    return count * (copies - 1) / max(long - short, 0.01)


def _write(path: Path, records: list[dict[str, Any]], copies: int) -> None:
    with path.open("w") as file:
        for number in range(copies):
            for record in records:
                file.write(
                    json.dumps({**record, "cluster": f"{record['cluster']}-{number}"}) + "\n"
                )


def _run_here(kit: Any, path: Path, file: Path, out: Path) -> float:
    began = time.monotonic()
    kit.agents("run", path, "--input", file, "--output", out / "o.jsonl", "-q", cwd=out)
    return time.monotonic() - began


@contextmanager
def _cluster(taskmanagers: int) -> Iterator[Any]:
    from headrace_registry.clusters import ClusterSpec, start_cluster

    settings = {"env.java.opts.taskmanager": "-XX:TieredStopAtLevel=4"}
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as cache:
        spec = ClusterSpec(
            "bench",
            taskmanagers=taskmanagers,
            slots=1,
            memory="1536m",
            settings=settings,
        )
        cluster = start_cluster(spec, cache=Path(cache))
        try:
            yield cluster
        finally:
            cluster.stop()


def _submitted(
    kit: Any, path: Path, cluster: Any, file: Path, out: Path, parallelism: int
) -> float:
    """Seconds that the job took, as Flink tells."""
    from headrace_registry.clusters import FlinkRest

    options = ("--parallelism", parallelism, "--input", file, "--output", out / "lines")
    done = kit.agents("submit", path, "--cluster", cluster.address, "--json", *options, cwd=out)
    with FlinkRest(cluster.address) as rest:
        job = next(one for one in rest.jobs() if one.id == json.loads(done.stdout)["job"])
    return float(job.duration)


def _first_output(
    kit: Any, path: Path, cluster: Any, file: Path, scratch: Path
) -> tuple[float, float]:
    """Seconds from the command to the first visible line: ours, and Flink's own client."""
    fast = "execution.checkpointing.interval=1s"
    found = []
    for number in range(2):
        out = scratch / f"first-{number}"
        began = time.monotonic()
        if number == 0:
            command = [*_AGENTS, "submit", str(path), "--cluster", cluster.address, "--set", fast]
            command += ["--input", str(file), "--output", str(out)]
            environment = kit.environment
        else:
            command, environment = _stock(kit, path, cluster, file, out, fast)
        with subprocess.Popen(
            command,
            cwd=scratch,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as child:
            while not any(out.rglob("part-*")) and child.poll() in (None, 0):
                time.sleep(0.05)
                if time.monotonic() - began > 300:
                    raise RuntimeError(f"no output: {command}")
            found.append(time.monotonic() - began)
            child.wait()
    return found[0], found[1]


_AGENTS = [sys.executable, "-c", "from headrace_cli.main import main; main()"]


def _stock(
    kit: Any, path: Path, cluster: Any, file: Path, out: Path, setting: str
) -> tuple[list[str], dict[str, str]]:
    """The same by `flink run`."""
    import pyflink

    from headrace.jobs.driver import ORDER_VARIABLE, Order
    from headrace.jobs.manifest import FilesIO
    from headrace_registry.bundle.opening import open_zip

    home = open_zip(path, cache=kit.cache)
    flink = Path(pyflink.__file__).parent
    order = Order(files=FilesIO(input=file.as_uri(), output=out.as_uri()))
    command = [
        *(str(flink / "bin/flink"), "run", "-m", cluster.address, f"-D{setting}"),
        *("-pyarch", f"{path}#job", "-pyexec", "job/bin/python"),
        *("-pyclientexec", str(home / "bin/python"), "-py", str(home / "main.py")),
    ]
    more = {"FLINK_HOME": str(flink), "HEADRACE_PYTHON": sys.executable}
    return command, {**os.environ, **more, ORDER_VARIABLE: order.model_dump_json()}


def _growth(kit: Any, scratch: Path, sizes: tuple[int, ...]) -> list[Figure]:
    """State and checkpoints of a counting agent with more and more keys."""
    from headrace_registry.clusters import FlinkRest

    lines = scratch / "keys"
    lines.mkdir()
    source = GROWTH.replace("{lines}", lines.as_uri())
    project = kit.project(scratch / "growth", files={"growth_job.py": source})
    path = kit.build(project, "growth_job:growth")
    found: list[tuple[int, float, float, float]] = []
    for keys in sizes:
        (lines / "keys.txt").write_text("".join(f"key-{number}\n" for number in range(keys)))
        with _cluster(1) as cluster, FlinkRest(cluster.address) as rest:
            options = ("--set", "execution.checkpointing.interval=5s", "--detach", "--json")
            done = kit.agents("submit", path, "--cluster", cluster.address, *options, cwd=project)
            job = json.loads(done.stdout)["job"]
            found.append((keys, *_watched(rest, job, 10 * keys)))
            rest.cancel(job)
    base = found[0]
    return [
        figure
        for keys, size, seconds, memory in found
        for figure in (
            _told(f"{keys:,} keys: state", size / 1e6, "MB", "1,000 keys", base[1] / 1e6),
            _told(f"{keys:,} keys: a checkpoint", seconds, "s", "1,000 keys", base[2]),
            _told(f"{keys:,} keys: memory of the worker", memory, "MB", "1,000 keys", base[3]),
        )
    ]


def _watched(rest: Any, job: str, least: int) -> tuple[float, float, float]:
    """Bytes of state, seconds of a checkpoint and the worker's memory, once it grows no more.

    Before it has `least` bytes the job has not read all its keys.
    """
    before, steady, size, deadline = 0, 0, 0, time.monotonic() + 1200
    while time.monotonic() < deadline:
        last = rest.checkpoints(job).latest.completed
        if last is not None and last.id != before:
            steady = steady + 1 if last.size > least and last.size < 1.001 * size else 0
            size, before = last.size, last.id
            if steady >= 3:
                break
        time.sleep(0.5)
    else:
        raise RuntimeError("the state grew for twenty minutes")
    return float(last.size), float(last.duration or 0), _worker_memory()


def _worker_memory() -> float:
    """The resident memory of the largest Python worker, in MB."""
    found = [0.0]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if b"beam_boot" in (path / "cmdline").read_bytes():
                status = (path / "status").read_text()
                found.append(int(status.partition("VmRSS:")[2].split()[0]) / 1e3)
        except (OSError, IndexError, ValueError):
            continue
    return max(found)


def _told(name: str, value: float, unit: str, yardstick: str, beside: float) -> Figure:
    higher = unit.endswith("/s")
    return Figure(name, value, unit, yardstick, beside or 1.0, None, higher)


def _aimed(name: str, value: float, unit: str, yardstick: str, beside: float) -> Figure:
    return Figure(name, value, unit, yardstick, beside, 1.0, higher_is_better=False)


if __name__ == "__main__":
    shutil.rmtree(ROOT / "benchmarks/out/cluster", ignore_errors=True)
    print(table(measure(quick="--quick" in sys.argv)))
