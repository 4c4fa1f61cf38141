"""A circle between keys through a topic, with a real Kafka: every ticket comes to its end, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ..kafka import BROKER, CONNECTOR, Kafka, fetch  # noqa: TID252 - tests are no package

EXAMPLE = Path(__file__).parents[2] / "examples" / "team_tickets"
TICKETS = [json.loads(line) for line in (EXAMPLE / "data/tickets.jsonl").read_text().splitlines()]
TOPICS = {"tickets": 2, "answers": 1, "answers-failed": 1}
WAIT = 240.0  # seconds, on a busy machine

kafka = [pytest.mark.flink, pytest.mark.slow, pytest.mark.timeout(900)]


def produce(address, values):
    from kafka import KafkaProducer

    with closing(KafkaProducer(bootstrap_servers=address)) as producer:
        for value in values:
            producer.send("tickets", json.dumps(value).encode())
        producer.flush()


def consume(address, topic, until):
    """The committed values of a topic from its beginning, until there are enough."""
    from kafka import KafkaConsumer

    found = []
    deadline = time.monotonic() + WAIT
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        group_id=None,
    )
    with closing(consumer):
        while not until(found):
            if time.monotonic() > deadline:
                pytest.fail(f"after {WAIT:.0f} seconds {topic} has {found}")
            for records in consumer.poll(500).values():
                found += [json.loads(one.value) for one in records]
    return found


class Job:
    """The example's own script, in a process of its own."""

    def __init__(self, address, jar, log):
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, EXAMPLE / "run_job.py", "--broker", address, "--jar", jar],
                stdout=said,
                stderr=said,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                start_new_session=True,
            )

    def end(self):
        with suppress(ProcessLookupError):  # Java, and what else it started
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What the topics hold when every ticket has its answer."""
    pytest.importorskip("pyflink")
    from kafka.admin import KafkaAdminClient, NewTopic

    folder = tmp_path_factory.mktemp("kafka")
    jars = fetch(BROKER, folder / "broker")
    (connector,) = fetch(CONNECTOR, folder / "connector")
    with Kafka(jars, folder) as broker:
        with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
            admin.create_topics([NewTopic(name, count, 1) for name, count in TOPICS.items()])
        produce(broker.address, TICKETS)
        job = Job(broker.address, connector, folder / "job.log")
        try:
            wanted = {one["id"] for one in TICKETS}
            consume(broker.address, "answers", lambda found: {one["id"] for one in found} >= wanted)
            # One more, behind which nothing of the others can come any more.
            produce(broker.address, [{"id": "last", "text": "the last", "team": "support"}])
            answers = consume(
                broker.address, "answers", lambda found: "last" in {one["id"] for one in found}
            )
            turns = sum(len(one["trail"]) for one in answers)
            tickets = consume(broker.address, "tickets", lambda found: len(found) >= turns)
        finally:
            job.end()
    return {one["id"]: one for one in answers}, answers, tickets


@pytest.fixture(scope="module")
def turns(tmp_path_factory, example):
    """One turn of each ticket, without Kafka."""
    return example("team_tickets", tmp_path_factory.mktemp("turns")).outputs


def test_without_a_topic_each_ticket_has_one_turn(turns):
    assert {one["id"]: one.get("team") for one in turns} == {
        "t1": "billing",
        "t2": None,
        "t3": "engineering",
        "t4": "billing",
        "t5": "billing",
    }


class TestThroughATopic:
    pytestmark = kafka

    def test_a_team_settles_what_it_need_ask_nobody_for(self, ran):
        by_id, _, _ = ran
        assert by_id["t2"]["trail"] == ["support"]

    def test_a_ticket_goes_to_another_key(self, ran):
        by_id, _, _ = ran
        assert by_id["t4"]["trail"] == ["support", "billing"]

    @pytest.mark.parametrize("ticket", ["t1", "t5"])
    def test_it_comes_back_to_the_team_that_asked_which_remembers_that(self, ran, ticket):
        by_id, _, _ = ran
        assert by_id[ticket]["trail"] == ["support", "billing", "legal", "billing"]
        assert by_id[ticket]["answer"] == "settled by billing, which asked legal"

    def test_a_circle_without_end_ends_at_its_bound(self, ran):
        by_id, _, _ = ran
        assert by_id["t3"]["trail"] == ["support", "engineering", "sales"] * 2
        assert by_id["t3"]["answer"].startswith("nobody's, after 6 turns")

    def test_each_ticket_has_one_answer_and_each_turn_once(self, ran):
        by_id, answers, tickets = ran
        assert Counter(one["id"] for one in answers) == dict.fromkeys(by_id, 1)
        assert Counter((one["id"], *one.get("trail", ()), one["team"]) for one in tickets) == {
            (ticket, *answer["trail"][: turn + 1]): 1
            for ticket, answer in by_id.items()
            for turn in range(len(answer["trail"]))
        }
