"""The job: tickets come from a topic, and what a team hands on goes back into it.

A Flink job's graph has no circles, and a topic closes one: between two turns of a ticket lie a
commit and a read, as between two jobs. Where the broker is and which topics there are is said by
environment variables, as the job is submitted.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from team_agents import Team

from headrace import job
from headrace.fields import FieldKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace import AgentPlan

__all__ = ["teams"]


@job(Team(), name="teams")
def teams(env: Any, plans: Mapping[str, AgentPlan]) -> None:
    """Tickets in, answers out; a ticket that is handed on is one of the tickets again."""
    from pyflink.common import Types

    from headrace.flink import process

    tickets = os.environ.get("TEAMS_TICKETS", "tickets")
    answers = os.environ.get("TEAMS_ANSWERS", "answers")
    streams = process(
        _read(env, tickets),
        plans["Team"],
        key=FieldKey("team"),
        parse=json.loads,
        render=json.dumps,
        output_type=Types.STRING(),
    )
    _write(streams.output.filter(is_handed_on), tickets)
    _write(streams.output.filter(is_answer), answers)
    _write(streams.dead_letters.map(json.dumps, Types.STRING()), f"{answers}-failed")


def is_handed_on(line: str) -> bool:
    """Whether an output is a ticket for another team."""
    return "team" in json.loads(line)


def is_answer(line: str) -> bool:
    """Whether an output ends a ticket."""
    return not is_handed_on(line)


def _broker() -> str:
    return os.environ.get("TEAMS_BROKER", "127.0.0.1:9092")


def _read(env: Any, topic: str) -> Any:
    from pyflink.common import SimpleStringSchema, WatermarkStrategy
    from pyflink.datastream.connectors.kafka import KafkaOffsetsInitializer, KafkaSource

    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(_broker())
        .set_topics(topic)
        .set_group_id("teams")
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        # What a failure takes back is never seen: a ticket has each of its turns once.
        .set_property("isolation.level", "read_committed")
        .build()
    )
    return env.from_source(source, WatermarkStrategy.no_watermarks(), topic).uid(topic)


def _write(stream: Any, topic: str) -> None:
    """Writes lines into a topic; each checkpoint commits what came before it."""
    from pyflink.common import SimpleStringSchema
    from pyflink.datastream.connectors.base import DeliveryGuarantee
    from pyflink.datastream.connectors.kafka import KafkaRecordSerializationSchema, KafkaSink

    lines = (
        KafkaRecordSerializationSchema.builder()
        .set_topic(topic)
        .set_value_serialization_schema(SimpleStringSchema())
        .build()
    )
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(_broker())
        .set_record_serializer(lines)
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(f"teams-{topic}")
        # No longer than a broker allows by default, and longer than the job may be away.
        .set_property("transaction.timeout.ms", "900000")
        .build()
    )
    stream.sink_to(sink).name(f"to {topic}").uid(f"to {topic}")
