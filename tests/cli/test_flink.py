"""`agents run --engine flink`: the same command, the same outputs, errors without traces.

Warnings are not errors in these processes: PyFlink and py4j have their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_without_pyflink_it_says_what_to_install(place):
    place.lines("in.jsonl", [1])
    code = (
        "import sys\n"
        "sys.modules['pyflink'] = None\n"
        f"sys.argv = ['agents', 'run', '{place.agent('Echo')}', '--engine', 'flink', "
        "'--input', 'in.jsonl', '--output', 'o']\n"
        "from headrace_cli.main import main; main()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=place.folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "pip install 'headrace[flink]'" in run.stderr
    assert not (place.folder / "o").exists()


@pytest.mark.slow
@pytest.mark.flink
def test_outputs_are_those_of_the_local_engine(place):
    place.lines("in.jsonl", [{"k": {"id": number % 5}} for number in range(100)])
    arguments = ["run", place.agent("Echo"), "--key", "k.id", "--input", "in.jsonl"]
    local = place.process(*arguments, "--output", "local")
    flink = place.process(
        *arguments, "--output", "flink", "--engine", "flink",
        "--parallelism", "2", "--set", "python.fn-execution.bundle.size=10", env=os.environ,
    )  # fmt: skip
    assert local.returncode == 0, local.stderr
    assert flink.returncode == 0, flink.stderr
    assert "Echo on the flink engine: 100 inputs, 100 outputs" in flink.stderr

    def of_key(name, key):
        return [line for line in place.read(name) if line["key"] == key]

    for key in range(5):
        # With two readers of one file the order within a key is that of the local engine still:
        # a small file is one split.
        assert of_key("flink", key) == of_key("local", key)


@pytest.mark.slow
@pytest.mark.flink
def test_events_are_in_a_folder_with_a_file_of_each_subtask(place):
    place.lines("in.jsonl", [{"k": number} for number in range(40)])
    done = place.process(
        "run", place.agent("Echo"), "--key", "k", "--input", "in.jsonl", "--output", "out",
        "--engine", "flink", "--parallelism", "2", "--events", "made/events", env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = sorted((place.folder / "made/events").iterdir())

    assert [re.sub(r"\d{8}T\d{6}-\d+", "TIME", file.name) for file in files] == [
        "Echo.Echo-0.a0.TIME.jsonl",
        "Echo.Echo-1.a0.TIME.jsonl",
    ]
    listed = place.run("logs", "list", "made/events", "--type", "run", "--all", "--json")
    runs = [json.loads(line) for line in listed.stdout.splitlines()]
    assert sorted(one["key"] for one in runs) == list(range(40))


@pytest.mark.slow
@pytest.mark.flink
def test_a_failing_agent_is_one_error_and_the_traces_are_in_a_file(place):
    place.lines("in.jsonl", [{"k": 2}])
    place.write("o", "kept\n")
    run = place.process(
        "run", place.agent("Failing"), "--key", "k", "--input", "in.jsonl",
        "--output", "o", "--engine", "flink", env=os.environ,
    )  # fmt: skip
    assert run.returncode == 1
    assert "boom" in run.stderr
    assert "Traceback" not in run.stderr
    log = re.search(r"where: +(\S+) has what the workers printed", run.stderr)
    assert log is not None, run.stderr
    assert "boom" in Path(log[1]).read_text()
    Path(log[1]).unlink()
    assert (place.folder / "o").read_text() == "kept\n"
