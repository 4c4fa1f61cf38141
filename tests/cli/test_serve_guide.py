"""The guide to ``agents serve``, as it is typed: its server, its requests, its answers."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from tests.servers import Server
from tests.test_guides import steps_of

GUIDE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
STARTED, TALK = (
    steps_of(block)
    for block in re.findall(r"^```console\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
)


@pytest.fixture
def start(tmp_path):
    """Starts the guide's server, on a port that is free."""
    for name, text in re.findall(
        r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    [command] = STARTED
    started = []

    def start():
        started.append(Server(tmp_path, *shlex.split(command.command)[2:]))
        return started[-1]

    yield start
    for server in started:
        server.end(signal.SIGKILL)


def typed(step, server):
    command = step.command.replace("localhost:8000", server.url.removeprefix("http://"))
    done = subprocess.run(
        ["bash", "-c", command], check=True, capture_output=True, text=True, timeout=60
    )
    return [line for line in done.stdout.splitlines() if line]


def test_what_is_typed_is_answered_as_the_guide_says(start):
    server = start()

    assert [typed(step, server) for step in TALK] == [step.printed for step in TALK]


def test_a_server_that_is_started_again_goes_on_with_the_conversations(start):
    first = start()
    for step in TALK[:1]:
        typed(step, first)
    first.end()

    assert typed(TALK[1], start()) == TALK[1].printed
