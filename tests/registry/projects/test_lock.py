"""One command at a time in a project, and the other one told which."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headrace_registry.errors import BusyError
from headrace_registry.projects import project_lock

HOLDING = """
import sys
from pathlib import Path
from headrace_registry.projects import project_lock
with project_lock(Path(sys.argv[1]), what="agents lock --upgrade"):
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        yield process
        process.kill()


def test_a_second_command_is_told_of_the_first(tmp_path, holder):
    with (
        pytest.raises(BusyError, match=f"'agents lock --upgrade', process {holder.pid}, since"),
        project_lock(tmp_path, wait=0.05),
    ):
        pass


def test_one_that_was_killed_holds_nobody_up(tmp_path, holder):
    holder.kill()
    holder.wait()
    with project_lock(tmp_path, wait=5):
        pass


def test_one_after_the_other(tmp_path):
    for _ in range(2):
        with project_lock(tmp_path, wait=0):
            pass
    assert not (tmp_path / ".headrace/lock.json").exists()


def test_what_a_holder_said_of_itself_is_not_trusted(tmp_path, holder):
    (tmp_path / ".headrace/lock.json").write_text('{"what": "\\u001b[2J", "process": "x"}')
    with (
        pytest.raises(BusyError, match="did not say which"),
        project_lock(tmp_path, wait=0.05),
    ):
        pass
