"""Marks: what a worker learns of completed checkpoints from what Flink's file sink shows."""

from __future__ import annotations

import os
import time

import pytest

pytest.importorskip("pyflink")

from headrace.flink._covered import Covered, marks_folder


class Sink:
    """Shows marks as Flink's file sink does: a file is hidden until its checkpoint is complete."""

    def __init__(self, folder):
        self.folder = folder / "2026-11-22--19"
        self.folder.mkdir(parents=True)

    def write(self, name, *marks):
        (self.folder / f".{name}.inprogress").write_text("".join(f"{mark}\n" for mark in marks))

    def complete(self, name):
        (self.folder / f".{name}.inprogress").rename(self.folder / name)

    def files(self):
        return {path.name for path in self.folder.iterdir()}


class Clock:
    now = 0.0

    def __call__(self):
        self.now += 10.0
        return self.now


@pytest.fixture
def sink(tmp_path):
    return Sink(tmp_path)


@pytest.fixture
def covered(tmp_path):
    return Covered(str(tmp_path), Clock())


def over(covered, *names):
    for name in names:
        covered.over(name)
    return covered.mark()


def test_runs_are_told_when_the_mark_after_them_is_visible(covered, sink):
    sink.write("part-1", over(covered, "a", "b"))
    sink.complete("part-1")

    assert covered.complete() == ["a", "b"]


def test_runs_are_not_told_while_the_mark_is_hidden(covered, sink):
    sink.write("part-1", over(covered, "a"))

    assert covered.complete() == []


def test_runs_after_the_visible_mark_are_not_told(covered, sink):
    sink.write("part-1", over(covered, "a"))
    sink.write("part-2", over(covered, "b"))
    sink.complete("part-1")
    covered.over("c")

    assert covered.complete() == ["a"]


def test_a_later_mark_stands_for_all_before_it(covered, sink):
    over(covered, "a")
    sink.write("part-2", over(covered, "b"))
    sink.complete("part-2")

    assert covered.complete() == ["a", "b"]


def test_marks_of_an_earlier_worker_say_nothing(covered, sink, tmp_path):
    earlier = Covered(str(tmp_path), Clock())
    over(earlier, "x")
    sink.write("part-1", over(earlier, "y"))
    sink.complete("part-1")
    over(covered, "a")

    assert covered.complete() == []


def test_files_that_were_read_are_dropped_and_those_of_others_stay(covered, sink, tmp_path):
    sink.write("mine", over(covered, "a"))
    sink.write("its", over(Covered(str(tmp_path), Clock()), "b"))
    sink.complete("mine")
    sink.complete("its")
    covered.complete()

    assert sink.files() == {"its"}


def test_files_of_workers_that_are_no_more_are_dropped(covered, sink, tmp_path):
    sink.write("its", over(Covered(str(tmp_path), Clock()), "b"))
    sink.complete("its")
    long_ago = time.time() - 2 * 3600
    os.utime(sink.folder / "its", (long_ago, long_ago))
    over(covered, "a")
    covered.complete()

    assert sink.files() == set()


def test_what_is_no_mark_is_passed_over(covered, sink):
    mark = over(covered, "a")
    sink.write("part-1", mark)
    sink.complete("part-1")
    (sink.folder / "strange").write_bytes(b"\xff\x00 no mark\nat all of them")

    assert covered.complete() == ["a"]


def test_there_is_no_mark_where_nothing_is_over(covered):
    assert covered.mark() is None


def test_nothing_is_kept_in_mind_where_no_folder_shows_marks():
    covered = Covered(None, Clock())

    assert (over(covered, "a"), covered.complete()) == (None, [])


@pytest.mark.parametrize(
    ("configuration", "begin"),
    [
        ({"execution.checkpointing.dir": "file:///c/a%20b"}, "/c/a b/headrace-marks/"),
        ({"state.checkpoints.dir": "/checkpoints"}, "/checkpoints/headrace-marks/"),
    ],
)
def test_marks_go_beside_the_checkpoints(configuration, begin):
    assert marks_folder(configuration, "job").startswith(begin)


@pytest.mark.parametrize(
    "configuration", [{}, {"execution.checkpointing.dir": "s3://bucket/checkpoints"}]
)
def test_there_are_none_where_workers_could_not_read_them(configuration):
    assert marks_folder(configuration, "job") is None


def test_two_jobs_have_folders_of_their_own():
    configuration = {"execution.checkpointing.dir": "file:///c"}

    assert marks_folder(configuration, "one") != marks_folder(configuration, "two")
