"""`agents run` on the local engine: files, pipes, keys, state, and what goes wrong."""

from __future__ import annotations

import json
import subprocess

import httpx
import pytest


def _echoed(*keys):
    return [{"k": key} for key in keys]


def test_from_stdin_to_stdout(place):
    result = place.process(
        "run", place.agent("Echo"), "--key", "k", input='{"k": "é"}\n\n{"k": "b"}\n{"k": "é"}'
    )
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["key"], line["n"]) for line in lines] == [("é", 1), ("b", 1), ("é", 2)]
    assert result.stderr.startswith("Echo on the local engine: 3 inputs, 3 outputs")


def test_from_file_to_file_with_a_summary_as_json(place):
    place.lines("in.jsonl", _echoed(1, 2, 1))
    result = place.run(
        "run", place.agent("Echo"), "--key", "k", "--input", "in.jsonl", "--output", "o", "--json"
    )
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["inputs"] == summary["outputs"] == 3
    assert summary["engine"] == "local"
    assert result.stderr == ""
    assert [line["n"] for line in place.read("o")] == [1, 1, 2]


@pytest.mark.parametrize("more", [[], ["--output", "o", "--json"]])
def test_what_an_agent_prints_goes_to_stderr(place, more):
    result = place.process("run", place.agent("Printing"), "--key", "k", *more, input='{"k": 1}\n')
    assert result.returncode == 0, result.stderr
    json.loads(result.stdout)  # one output, or the summary, and nothing else
    assert result.stderr.startswith("a remark\n")


def test_quiet_says_nothing(place):
    result = place.run("run", place.agent("Echo"), "--quiet", "--output", "o", input="1\n")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "text", "form", "inputs"),
    [
        ("in.csv", 'k,v\n1,"a,b"\n', None, ["{'k': '1', 'v': 'a,b'}"]),
        ("in.txt", "one\ntwo\n", None, ["one", "two"]),
        ("in.dat", "one\n", "text", ["one"]),
    ],
)
def test_forms_of_inputs(place, name, text, form, inputs):
    place.write(name, text)
    more = ["--format", form] if form else []
    result = place.run("run", place.agent("Echo"), "--input", name, *more)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == inputs


def test_dotted_keys(place):
    lines = '{"user": {"id": 7}}\n{"user.id": 8}\n'
    result = place.run("run", place.agent("Echo"), "--key", "user.id", input=lines)
    assert [json.loads(line)["key"] for line in result.stdout.splitlines()] == [7, 8]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('{"q": 1}', ["in.jsonl:3", "no key 'k'", "the fields are: 'q'"]),
        ('"text"', ["in.jsonl:3", "the input is a text"]),
        ("{oops", ["in.jsonl:3", "not JSON"]),
    ],
)
def test_an_input_that_cannot_be_taken(place, bad, words):
    place.write("in.jsonl", f'{{"k": 1}}\n\n{bad}\n{{"k": 2}}\n')
    result = place.run(
        "run", place.agent("Echo"), "--key", "k", "--input", "in.jsonl", "--output", "o"
    )
    assert result.exit_code == 1
    for word in words:
        assert word in result.stderr
    # What came before it is there.
    assert [line["key"] for line in place.read("o")] == [1]


def test_stdin_that_is_not_utf_8_is_no_end_of_input(place):
    result = place.run("run", place.agent("Echo"), input=b'"a"\n"\xff"\n"b"\n')
    assert result.exit_code == 1
    assert "stdin:2: this is not UTF-8" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_a_mended_input_goes_on_with_its_state(place):
    arguments = ["run", place.agent("Echo"), "--key", "k", "--input", "in.jsonl"]
    arguments += ["--output", "o", "--state", "s.db"]
    place.write("in.jsonl", '{"k": 1}\n{"k": 1}\n{oops\n')
    assert place.run(*arguments).exit_code == 1
    place.write("in.jsonl", '{"k": 1}\n{"k": 1}\n{"k": 1}\n')
    result = place.run(*arguments)
    assert result.exit_code == 0, result.output
    assert [line["n"] for line in place.read("o")] == [1, 2, 3]


def test_state_of_another_agent_is_refused_and_nothing_lost(place):
    place.lines("in.jsonl", _echoed(1, 2))
    files = ["--key", "k", "--input", "in.jsonl", "--output", "o", "--state", "s.db"]
    assert place.run("run", place.agent("Echo"), *files).exit_code == 0
    before = (place.folder / "o").read_bytes()
    result = place.process("run", place.agent("Other"), *files)
    assert result.returncode == 1
    assert "'Echo'" in result.stderr
    assert "'Other'" in result.stderr
    assert (place.folder / "o").read_bytes() == before


def test_a_state_that_is_none_is_refused_and_nothing_lost(place):
    place.lines("in.jsonl", _echoed(1))
    place.write("s.db", "this is no database" * 100)
    place.write("o", "kept\n")
    result = place.process(
        "run", place.agent("Echo"), "--input", "in.jsonl", "--output", "o", "--state", "s.db"
    )
    assert result.returncode == 1
    assert "not a state file" in result.stderr
    assert (place.folder / "o").read_text() == "kept\n"


def test_a_failing_run_fails_the_job(place):
    place.lines("in.jsonl", _echoed(1, 2, 3))
    result = place.run(
        "run", place.agent("Failing"), "--key", "k", "--input", "in.jsonl", "--output", "o"
    )
    assert result.exit_code == 1
    assert "boom" in result.stderr
    assert "the key 2" in result.stderr
    assert "Traceback" not in result.stderr
    assert place.read("o") == [{"k": 1}]


def test_debug_shows_the_traceback(place):
    result = place.process("--debug", "run", place.agent("Failing"), "--key", "k", input='{"k":2}')
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_dead_letters_are_kept_where_asked_for_and_counted_where_not(place):
    arguments = ["run", place.agent("Aside"), "--output", "o"]
    kept = place.run(*arguments, "--dead-letters", "dead.jsonl", input="1\n2\n")
    assert kept.exit_code == 0, kept.output
    assert [letter["input"] for letter in place.read("dead.jsonl")] == [1, 2]
    dropped = place.run(*arguments, input="1\n2\n")
    assert "2 dead letters" in dropped.stderr
    assert "--dead-letters FILE keeps them" in dropped.stderr


def test_the_summary_says_why_the_newest_dead_letter_failed(place):
    run = place.run("run", place.agent("Aside"), "--output", "o", input="1\n")
    assert "the newest failed by ValueError: boom" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "none.jsonl"], ["none.jsonl", "no such file"]),
        (["--input", "."], ["is a folder"]),
        (["--output", "none/o"], ["there is no folder none", "mkdir -p none"]),
        (["--output", "."], ["is a folder"]),
        (["--dead-letters", "none/o"], ["--dead-letters", "there is no folder none"]),
        (["--state", "none/s.db"], ["--state", "there is no folder none"]),
        (["--state", "-"], ["--state must be a file"]),
        (["--input", "in.jsonl", "--output", "in.jsonl"], ["one file"]),
        (["--input", "in.jsonl", "--output", "./x/../in.jsonl"], ["one file"]),
        (["--output", "o", "--dead-letters", "o"], ["one file"]),
        (["--json"], ["--output FILE"]),
        (["--parallelism", "2"], ["for Flink"]),
        (["--parallelism", "0"], ["--parallelism"]),
        (["--engine", "spark"], ["--engine"]),
        (["--format", "csv"], ["not from stdin"]),
        (["--set", "max_inflight=1"], ["did you mean 'max_in_flight'"]),
        (["--set", "max_in_flight=x"], ["max_in_flight"]),
        (["--set", "max_in_flight"], ["not NAME=VALUE"]),
        (["--set", "max_in_flight.x=1"], ["has no parts"]),
        (["--engine", "flink", "--output", "o"], ["not stdin"]),
        (["--engine", "flink", "--input", "in.jsonl"], ["not stdout"]),
        (
            ["--engine", "flink", "--input", "in.jsonl", "--output", "o", "--state", "s"],
            ["--state is for the local engine"],
        ),
        (["--nonsense"], ["--nonsense"]),
    ],
)
def test_wrong_use_changes_nothing(place, arguments, words):
    (place.folder / "x").mkdir()
    place.lines("in.jsonl", _echoed(1))
    before = (place.folder / "in.jsonl").read_bytes()
    result = place.run("run", place.agent("Echo"), *arguments, input="")
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.stderr
    assert (place.folder / "in.jsonl").read_bytes() == before
    assert not (place.folder / "o").exists()


def test_settings_reach_the_plan(place):
    result = place.run(
        "run",
        place.agent("Failing"),
        "--key",
        "k",
        "--set",
        "failure.then=skip",
        "--set",
        "failure.attempts=2",
        "--set",
        "max_in_flight=1",
        input='{"k": 2}\n{"k": 3}\n',
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == '{"k": 3}\n'
    assert "1 skipped" in result.stderr


def test_texts_that_no_encoding_has_are_escaped(place):
    result = place.process("run", place.agent("Echo"), input='"\\ud800"\n')
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["text"] == "\ud800"


class TestMetrics:
    def test_they_are_shown_while_the_job_runs(self, place):
        job = place.start(
            "run",
            place.agent("Echo"),
            "--metrics",
            "127.0.0.1:0",
            "--output",
            "o",
            stdin=subprocess.PIPE,
        )
        with job:
            job.stdin.write("1\n2\n")
            job.stdin.flush()
            address = job.stderr.readline().removeprefix("metrics: ").strip()
            wanted = 'headrace_runs_total{agent="Echo",outcome="finished"} 2\n'
            while wanted not in (text := httpx.get(address, trust_env=False).text):
                assert job.poll() is None, text
            job.stdin.close()
            assert job.wait(60) == 0, job.stderr.read()

    def test_an_address_that_is_none(self, place):
        result = place.run("run", place.agent("Echo"), "--metrics", "here", input="1\n")
        assert result.exit_code == 2
        assert "--metrics here is no address" in result.stderr

    def test_flink_shows_its_own(self, place):
        result = place.run("run", place.agent("Echo"), "--metrics", "0", "--engine", "flink")
        assert result.exit_code == 2
        assert "Flink shows them itself" in result.stderr
