"""A slow stream of numbers, and two durable calls for each: what is lost or done twice shows.

A test gives it the module ``place``: where it writes, how much there is, and how it is to be.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
import weakref
from pathlib import Path
from typing import Any

from place import BROKEN, FOLDER, KEYS, LATER, LINGER, NUMBERS, PAUSE, SHARDS, VERSION

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.config import RuntimeConfig
from headrace.flink import process
from headrace.jobs import job

executions: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def execution() -> str:
    """Which execution of the job this is; a process may see several, each with its own loop."""
    return executions.setdefault(asyncio.get_running_loop(), uuid.uuid4().hex)


async def effect(name: str, number: int) -> str:
    """An effect on the outside: a line that outlives every execution of the job."""
    file = os.open(f"{FOLDER}/calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{json.dumps([name, number, time.time(), execution()])}\n".encode())
    os.close(file)
    return f"{name} {number}"


def hurried() -> bool:
    """Whether the test wants the rest of the stream soon."""
    return Path(FOLDER, "hurry").exists()


class Numbers(Agent):
    """Counts the numbers of a key; some linger between their two calls."""

    config = RuntimeConfig(shards=SHARDS)

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        number = event.input
        first = await ctx.call(effect, "first", number)
        if number % 5 == 0 and not hurried():
            await asyncio.sleep(LINGER)
        second = await ctx.call(effect, "second", number)
        ctx.short_term["count"] = count = ctx.short_term.get("count", 0) + 1
        told = {"number": number, "count": count, "calls": [first, second], "version": VERSION}
        ctx.send(OutputEvent(output=told))


def key_of(number: int) -> int:
    return number % KEYS


def slowly(number: int) -> int:
    """Holds the source back."""
    if BROKEN:
        raise ValueError("this version never works")
    if not hurried():
        # Two subtasks have one half of the numbers each.
        time.sleep(PAUSE if number % (NUMBERS // 2) < NUMBERS // 4 else LATER)
    return number


@job(Numbers(), name="numbers")
def numbers(env, plans):
    from pyflink.common import Encoder, Types, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import FileSink, RollingPolicy
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource

    source = env.from_source(
        NumberSequenceSource(0, NUMBERS - 1), WatermarkStrategy.no_watermarks(), "numbers"
    ).uid("numbers")
    stream = source.map(slowly, Types.LONG()).name("slowly")
    (plan,) = plans.values()
    output = process(stream, plan, key=key_of, render=json.dumps, output_type=Types.STRING()).output
    output.sink_to(
        FileSink.for_row_format(f"{FOLDER}/out", Encoder.simple_string_encoder())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    ).uid("out")
