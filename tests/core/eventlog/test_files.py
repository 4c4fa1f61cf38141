"""Files of a log: closed when they are full, compressed, thrown away in time, found again."""

from __future__ import annotations

import gzip
import os
import stat

import pytest

from headrace.eventlog._files import Keeping, LogFile, file_name, safe_name

DAY = 86_400


@pytest.fixture
def log(tmp_path):
    made = []

    def log(name="desk.local.a0.x.jsonl", *, keep=True, keeping=None, **more):
        if keeping is not None:
            keeping = Keeping(
                **{"rotate": 100, "keep": 3, "days": None, "compress": True, **keeping}
            )
        one = LogFile(
            tmp_path / name, keep=keep, keeping=keeping, family="desk.local",
            header=lambda: b"head\n", **more,
        )  # fmt: skip
        made.append(one)
        return one

    yield log
    for one in made:
        one.close()


def content(path):
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rb") as file:
        return file.read()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_begins_with_its_header(log, tmp_path):
    one = log()
    one.write(b"a\n")
    one.write(b"b\n")

    assert content(tmp_path / "desk.local.a0.x.jsonl") == b"head\na\nb\n"


def test_a_full_file_is_closed_and_compressed_and_nothing_is_lost(log, tmp_path):
    one = log(keeping={})
    for number in range(6):
        one.write(b"%d" % number * 39 + b"\n")

    assert names(tmp_path) == [
        "desk.local.a0.x.0001.jsonl.gz", "desk.local.a0.x.0002.jsonl.gz", "desk.local.a0.x.jsonl",
    ]  # fmt: skip
    lines = b"".join(content(tmp_path / name) for name in names(tmp_path)).split()
    assert [line[:1] for line in lines if line != b"head"] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert lines.count(b"head") == 3


def test_a_file_that_is_not_to_be_compressed_is_not(log, tmp_path):
    one = log(keeping={"compress": False})
    for _ in range(3):
        one.write(b"x" * 60 + b"\n")

    assert names(tmp_path)[0] == "desk.local.a0.x.0001.jsonl"


def test_of_closed_files_the_newest_are_kept(log, tmp_path):
    one = log(keeping={"keep": 2})
    for number in range(8):
        one.write(b"%d" % number * 60 + b"\n")
        for path in tmp_path.glob("*.gz"):  # so that their ages differ
            at = int(path.name.split(".")[-3])
            os.utime(path, (at, at))

    assert names(tmp_path) == [
        "desk.local.a0.x.0006.jsonl.gz", "desk.local.a0.x.0007.jsonl.gz", "desk.local.a0.x.jsonl",
    ]  # fmt: skip


def test_files_of_earlier_attempts_are_thrown_away_too_and_no_others(log, tmp_path):
    others = ["desk.local.a0.1.jsonl", "desk.local.a0.2.jsonl", "desk.other.a0.1.jsonl", "notes"]
    for age, name in enumerate(others):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, age))
    log(keeping={"keep": 1}).throw_away()

    assert names(tmp_path) == ["desk.local.a0.2.jsonl", "desk.other.a0.1.jsonl", "notes"]


def test_old_files_are_thrown_away(log, tmp_path):
    for name, age in (("desk.local.a0.1.jsonl", 9), ("desk.local.a0.2.jsonl", 5)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, 100 * DAY - age * DAY))
    log(keeping={"days": 7.0}, clock=lambda: 100.0 * DAY).throw_away()

    assert names(tmp_path) == ["desk.local.a0.2.jsonl"]


def test_a_file_that_another_process_may_be_writing_is_left_alone(log, tmp_path):
    for number in range(5):
        (tmp_path / f"desk.local.a0.{number}.jsonl").write_text("x")
    log(keeping={"keep": 1}).throw_away()

    assert len(names(tmp_path)) == 5


def test_half_a_line_of_a_killed_process_does_not_spoil_the_next(log, tmp_path):
    (tmp_path / "desk.local.a0.x.jsonl").write_bytes(b'whole\n{"half": ')
    log().write(b"next\n")

    assert content(tmp_path / "desk.local.a0.x.jsonl") == b'whole\n{"half": \nnext\n'


def test_a_folder_that_is_gone_is_made_again(log, tmp_path, monkeypatch):
    monkeypatch.setattr("headrace.eventlog._files._LOOK_EVERY", 0)
    one = log("inner/desk.local.a0.x.jsonl")
    one.write(b"a\n")
    (tmp_path / "inner" / "desk.local.a0.x.jsonl").unlink()
    (tmp_path / "inner").rmdir()
    one.write(b"b\n")

    assert content(tmp_path / "inner" / "desk.local.a0.x.jsonl") == b"head\nb\n"


def test_a_batch_that_does_not_fit_leaves_no_half_line(log, tmp_path):
    # A file may grow to so many bytes: what a full disk does.
    import resource
    import signal

    one = log()
    one.write(b"a\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            one.write(b"b" * 50 + b"\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    one.write(b"c\n")

    assert content(tmp_path / "desk.local.a0.x.jsonl") == b"head\na\nc\n"


def test_only_its_owner_may_read_it(log, tmp_path):
    one = log(keeping={})
    for _ in range(3):
        one.write(b"x" * 60 + b"\n")

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_name_tells_job_task_and_attempt():
    assert file_name("triage-desk.agent-1", 2, 0.0).startswith("triage-desk.agent-1.a2.1970")


@pytest.mark.parametrize("name", ["", "..", "../../etc", "/x", "a" * 500, "\n", ".hidden"])
def test_no_name_leads_elsewhere(name):
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert not safe.startswith(".")
    assert len(safe) <= 60
