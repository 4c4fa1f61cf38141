"""Refunds that a person approves: what waits, what is paid, what customers are told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "refund_approval"


class Desk:
    """A copy of the example, and `agents` in its folder."""

    def __init__(self, folder):
        self.folder = folder / "refund_approval"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("out", "__pycache__"))
        (self.folder / "out").mkdir()
        shutil.copy(self.folder / "data/requests.jsonl", self.folder / "out/requests.jsonl")

    def agents(self, *args):
        command = [sys.executable, "-c", "from headrace_cli.main import main; main()", *args]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done

    def waiting(self):
        listed = json.loads(self.agents("approvals", "list", "--json").stdout)["approvals"]
        return {one["arguments"]["order"]: one for one in listed}

    def replies(self):
        lines = (self.folder / "out/replies.jsonl").read_text().splitlines()
        return [(one["order"], one["reply"]) for one in map(json.loads, lines)]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The desk after its first run."""
    desk = Desk(tmp_path_factory.mktemp("asked"))
    desk.run = desk.agents("run", ".")
    return desk


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """The desk after somebody has decided, and its second run."""
    desk = Desk(tmp_path_factory.mktemp("decided"))
    desk.agents("run", ".")
    waiting = desk.waiting()
    desk.agents("approvals", "approve", waiting["o-1002"]["id"], "--by", "Eva")
    desk.agents("approvals", "deny", waiting["o-1003"]["id"], "--note", "we never sold you that")
    desk.agents("run", ".")
    return desk


def test_small_refunds_are_paid_at_once(asked):
    assert ("o-1001", "We have sent you 49.90 EUR.") in asked.replies()


def test_large_ones_wait_whatever_the_customer_writes(asked):
    assert asked.waiting().keys() == {"o-1002", "o-1003"}


def test_a_further_request_of_that_customer_waits_behind_it(asked):
    assert "o-1004" not in dict(asked.replies())


def test_the_run_says_what_waits_and_what_to_type(asked):
    assert "2 waiting for a decision" in asked.run.stderr
    assert "next: agents approvals list" in asked.run.stderr


def test_an_approved_refund_is_paid(decided):
    assert ("o-1002", "We have sent you 480.00 EUR.") in decided.replies()


def test_a_refused_one_is_not_and_the_customer_is_told_why(decided):
    assert ("o-1003", "We cannot pay this back: we never sold you that.") in decided.replies()


def test_what_waited_behind_it_comes_after_it(decided):
    bos = [order for order, _ in decided.replies() if order in {"o-1002", "o-1004"}]

    assert bos == ["o-1002", "o-1004"]


def test_nothing_waits_any_more(decided):
    assert decided.waiting() == {}
