"""``agents logs``: what is listed of an event log, and what is said of a damaged one."""

from __future__ import annotations

import gzip
import json

import pytest

from headrace_cli._logs._filters import Wanted

FOLDER = "the log"


def record(**fields):
    return {
        "v": 1, "time": 1_700_000_000.5, "kind": "run", "what": "finished", "agent": "Desk",
        "run": "r-1", "key": "ann", **fields,
    }  # fmt: skip


RECORDS = [
    record(run="r-1", key="ann", time=100.0),
    record(run="r-1", key="ann", time=101.0, kind="model", name="gpt", id="0.0/a"),
    record(run="r-2", key=7, time=102.0, kind="event", name="shop.orders:Placed", id="0.0/0"),
    record(run="r-2", key=7, time=103.0, kind="action", name="clerk.sort", id="0.1", what="failed",
           error="ValueError: No lamp", fault="action"),
    record(run="r-3", key="7", time=104.0, kind="skill", what="loaded", name="refunds", id="0.0/b",
           agent="Other"),
    record(run="r-3", key="7", time=105.0, kind="skill", what="suggested", name="skills", id="0/c",
           data={"skills": ["refunds", "greeting"]}),
    record(run="r-3", key=None, time=106.0, kind="model", name="gpt", id="0.0/d", what="failed",
           error="ModelError: busy", fault="model"),
]  # fmt: skip


@pytest.fixture
def log(place):
    (place.folder / FOLDER).mkdir()

    def log(*records, name="desk.local.a0.x-1.jsonl", raw=b""):
        lines = b"".join(json.dumps(one).encode() + b"\n" for one in records) + raw
        if name.endswith(".gz"):
            lines = gzip.compress(lines)
        (place.folder / FOLDER / name).write_bytes(lines)

    return log


@pytest.fixture(params=["read", "indexed"])
def listed(place, request, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    if request.param == "indexed":
        monkeypatch.setattr("headrace_cli._logs._asking.WORTH_IT", 0)

    def listed(*options):
        result = place.run("logs", "list", FOLDER, "--json", *options)
        assert result.exit_code == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()], result.stderr

    return listed


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ((), [100, 101, 102, 103, 104, 105, 106]),
        (("--key", "ann"), [100, 101]),
        (("--key", "7"), [102, 103, 104, 105]),
        (("--key", "null"), [106]),
        (("--run", "r-1", "--run", "r-3"), [100, 101, 104, 105, 106]),
        (("--agent", "Other"), [104]),
        (("--agent", "clerk"), [103]),
        (("--type", "event.shop"), [102]),
        (("--type", "event.shop.orders.Placed"), [102]),
        (("--type", "event.sho"), []),
        (("--type", "model", "--type", "run"), [100, 101, 106]),
        (("--skill", "refunds"), [104, 105]),
        (("--failed",), [103, 106]),
        (("--error", "no LAMP"), [103]),
        (("--fault", "model"), [106]),
        (("--since", "1970-01-01T00:01:43+00:00"), [103, 104, 105, 106]),
        (("--until", "1970-01-01T00:01:42Z"), [100, 101]),
        (("--limit", "2"), [105, 106]),
    ],
)
def test_records_are_chosen(log, listed, options, times):
    log(*RECORDS)
    assert [one["time"] for one in listed(*options)[0]] == times


def test_what_is_left_out_for_its_number_is_told(log, listed):
    log(*RECORDS)
    assert "older ones are not shown" in listed("--limit", "2")[1]


def test_files_are_read_in_the_order_of_their_age_compressed_ones_too(log, listed):
    log(RECORDS[0], name="desk.local.a0.x-1.0001.jsonl.gz")
    log(RECORDS[1])
    assert [one["time"] for one in listed()[0]] == [100, 101]


def test_a_file_that_was_just_compressed_is_read_once(log, listed):
    log(RECORDS[0], name="desk.local.a0.x-1.0001.jsonl.gz")
    log(RECORDS[0], name="desk.local.a0.x-1.0001.jsonl")
    assert len(listed()[0]) == 1


DEEP = b'{"v": 1, "kind": "run", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"\x00\xff not json\n", "1 lines are damaged"),
        (b'{"v": 1, "time": 10', "1 last lines are cut off"),
        (b"[1, 2]\n", "1 lines are no records"),
        (b'{"v": 1, "kind": 7}\n', "1 lines are no records"),
        (b'{"v": 99, "kind": "run", "time": 99}\n', "of a newer headrace"),
        (json.dumps(RECORDS[-1]).encode() + b"\n", "1 lines stand twice"),
        (b'{"v":1,"kind":"log","what":"lost","data":{"records":12}}\n', "12 records were lost"),
    ],
)
def test_a_damaged_log_is_read_with_a_warning(log, listed, raw, told):
    log(*RECORDS, raw=raw)
    found, said = listed()

    assert {100, 101, 102, 103, 104, 105, 106} <= {one.get("time") for one in found}
    assert told in said
    assert "x-1.jsonl:8" in said


def test_a_line_that_is_nested_too_deeply_does_no_harm(log, listed):
    log(*RECORDS, raw=DEEP)
    assert {100, 101, 102, 103, 104, 105, 106} <= {one.get("time") for one in listed()[0]}


def test_a_compressed_file_that_is_cut_is_read_as_far_as_it_goes(log, place, listed):
    log(*RECORDS * 50, name="desk.local.a0.x-1.0001.jsonl.gz")
    path = place.folder / FOLDER / "desk.local.a0.x-1.0001.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    found, said = listed("--all")

    assert len(found) > 10
    assert "cannot be read to their end" in said


def test_for_people_a_record_is_a_line_that_moves_no_cursor(log, place):
    log(record(kind="model", name="gpt", data={"answer": "\x1b[2Jgone\nhome"}, duration=0.5))
    [line] = place.run("logs", "list", FOLDER).stdout.splitlines()

    assert "\x1b" not in line
    assert "gone" in line
    assert "500.0 ms" in line


def test_without_a_path_the_project_s_folder_is_read(log, place):
    place.write("pyproject.toml", f"[tool.agents.settings]\nlog.folder = '{FOLDER}'\n")
    log(*RECORDS)
    assert len(place.run("logs", "list").stdout.splitlines()) == 7


@pytest.mark.parametrize("paths", [(), ("nowhere",)])
def test_where_there_is_no_log_that_is_said(place, paths):
    result = place.run("logs", "list", *paths)

    assert result.exit_code in {1, 2}
    assert "event log" in result.stderr or "no such file" in result.stderr


def test_a_time_that_is_none_is_told_how_it_is_typed(log, place):
    log(*RECORDS)
    result = place.run("logs", "list", FOLDER, "--since", "yesterday")

    assert result.exit_code == 2
    assert "--since 10min" in result.stderr


def test_what_a_job_did_is_listed(place):
    place.lines("in.jsonl", [{"k": 1}, {"k": 2}])
    made = place.run(
        "run", place.agent("Aside"), "--input", "in.jsonl", "--output", "o", "--key", "k",
        "--set", "log.folder=made",
    )  # fmt: skip
    assert made.exit_code == 0
    result = place.run("logs", "list", "made", "--key", "2", "--failed", "--json")

    assert [(one["kind"], one["what"]) for one in map(json.loads, result.stdout.splitlines())] == [
        ("action", "failed"),
        ("run", "dead_letter"),
    ]


def test_the_published_schema_is_what_the_code_writes(place):
    from pathlib import Path

    published = Path(__file__).parents[2] / "docs" / "event-log.schema.json"
    printed = place.run("logs", "schema").stdout
    assert json.loads(published.read_text(encoding="utf-8")) == json.loads(printed), (
        "make it anew: agents logs schema -o docs/event-log.schema.json"
    )


def test_a_record_without_what_is_asked_for_is_left_out():
    assert not Wanted(runs=("r",)).has({"kind": "log"})
    assert not Wanted(keys=("null",)).has({"kind": "log"})
    assert not Wanted(since=1.0).has({"kind": "run", "time": "soon"})
