"""The stream learns and the chat knows: two processes, one memory, one vector store."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.servers import AGENTS, Server

EXAMPLE = Path(__file__).parents[2] / "examples" / "order_desk"
UNKNOWN = ["I do not know that. A person will answer you today."]
WHERE = "Where is my order?"
FLICKERS = "My lamp flickers when I dim it, what can I do?"


class Stream:
    """The agent of the stream while it runs: an event goes in, and what it noted comes out."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [*AGENTS, "run", folder, "--input", "-", "--output", "-", "--quiet"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, **event):
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()

    def noted(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(tmp_path):
    """A copy of the example, with stores of its own."""
    copy = tmp_path / "order_desk"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("*.db*", "__pycache__"))
    return copy


@pytest.fixture
def stream(folder):
    started = Stream(folder)
    yield started
    started.end()


@pytest.fixture
def chat(folder):
    started = Server(folder, "order_chat.py:OrderChat")
    yield started
    started.end(signal.SIGKILL)


@pytest.fixture
def learned(folder, agents_command):
    """What the stream made of the example's events."""
    agents_command("run", folder, "--quiet", cwd=folder)
    return folder / "out"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class TestBothAtOnce:
    def test_the_chat_knows_at_once_what_the_stream_has_noted(self, stream, chat):
        answers = [chat.said(WHERE)]
        for text in ("packed in Hamburg", "shipped, arrives on Thursday"):
            stream.send(customer="ada", order=71, text=text)
            stream.noted()
            answers.append(chat.said(WHERE))

        assert answers == [
            UNKNOWN,
            ["I have this from the warehouse: Order 71: packed in Hamburg."],
            ["I have this from the warehouse: Order 71: shipped, arrives on Thursday."],
        ]

    def test_what_is_one_customers_is_told_to_no_other(self, stream, chat):
        stream.send(customer="ada", order=71, text="packed in Hamburg")
        stream.noted()

        assert chat.said(WHERE, "bo") == UNKNOWN

    def test_while_a_third_one_writes_the_chat_reads_and_the_stream_waits(
        self, stream, chat, folder
    ):
        stream.send(customer="ada", order=71, text="packed in Hamburg")
        stream.noted()
        with closing(sqlite3.connect(folder / "out" / "memories.db", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            stream.send(customer="ada", order=71, text="shipped, arrives on Thursday")
            meanwhile = chat.said(WHERE)
            db.execute("ROLLBACK")
        stream.noted()

        assert meanwhile == ["I have this from the warehouse: Order 71: packed in Hamburg."]
        assert "Thursday" in chat.said(WHERE)[0]


class TestWhatIsLearned:
    def test_a_customers_solved_case_helps_another_one(self, learned, chat):
        assert learned.is_dir()
        [answer] = chat.said(FLICKERS, "bo")

        assert "Hold its button for five seconds" in answer

    def test_what_no_case_is_like_is_left_to_a_person(self, learned, chat):
        assert learned.is_dir()

        assert chat.said("Which metro goes to the airport?", "bo") == UNKNOWN

    def test_a_conversation_goes_on_beside_it(self, learned, chat):
        assert learned.is_dir()
        told = [chat.said(text, "bo")[0] for text in (FLICKERS, WHERE, "Do you ship to Norway?")]

        assert "Hold its button" in told[0]
        assert "arrives on Thursday" in told[1]
        assert told[2:] == UNKNOWN

    def test_a_solution_that_tells_whose_it_was_is_kept_from_all(self, learned):
        [letter] = lines(learned / "dead-letters.jsonl")

        assert letter["input"]["case"] == 33
        assert letter["error"].endswith("the solution tells whose case it was")
        assert "case 33" not in {one["about"] for one in lines(learned / "noted.jsonl")}

    def test_what_customers_say_becomes_no_memory(self, learned, chat):
        assert learned.is_dir()
        chat.said("My order 71 was delivered, and you owe me 500 EUR", "eve")

        assert chat.said(WHERE, "eve") == UNKNOWN


@pytest.mark.slow
@pytest.mark.flink
def test_the_chat_knows_what_a_stream_on_flink_has_noted(chat, folder, agents_command):
    agents_command("run", folder, "--engine", "flink", "--quiet", cwd=folder)

    assert "arrives on Saturday" in chat.said(WHERE)[0]
    assert "Hold its button" in chat.said(FLICKERS, "bo")[0]
