"""Small jobs over numbers.

Settings say how: ``demo.count`` is how many numbers there are (else there is no end of them), and
``demo.output`` the folder that outputs are written to (else they are printed).
"""

from __future__ import annotations

import asyncio
from typing import Any

from pyflink.common import Encoder, Types, WatermarkStrategy
from pyflink.datastream.connectors.file_system import FileSink
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

from headrace import Agent, Context, InputEvent, OutputEvent, action, use
from headrace.flink import process
from headrace.jobs import job


class Echo(Agent):
    """Says each number, slowly."""

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        """Counts the numbers of a key."""
        await asyncio.sleep(0.02)
        ctx.short_term["n"] = n = ctx.short_term.get("n", 0) + 1
        ctx.send(OutputEvent(output=f"{event.input} {n}"))


class Pricing(Agent):
    """Fails at its seventh number."""

    @action(InputEvent)
    async def price(self, event: InputEvent, ctx: Context) -> None:
        """Divides; at the seventh, after some checkpoints where they come soon."""
        if event.input == 7:
            await asyncio.sleep(1)
        ctx.send(OutputEvent(output=str(priced(event.input))))


def priced(number: int) -> float:
    """The share of a number."""
    return 100 / (number - 7)


class Secretive(Echo):
    """Names a secret."""

    service_token_env: str = "DEMO_SERVICE_TOKEN"  # noqa: S105 - a variable's name


class Scripted(Echo):
    """Uses a plugin."""

    def resources(self) -> dict[str, Any]:
        """A chat model that no action asks."""
        return {"llm": use("chat_models", "scripted", policy="policy.yaml")}


def _numbers(env: Any, plan: Any) -> None:
    settings = env._j_stream_execution_environment.getConfiguration()
    numbers = env.from_source(
        NumberSequenceSource(1, int(settings.getString("demo.count", str(10**9)))),
        WatermarkStrategy.no_watermarks(),
        "numbers",
        type_info=Types.LONG(),
    )
    output = process(numbers, plan, key=tens, output_type=Types.STRING()).output
    folder = settings.getString("demo.output", None)
    if folder is None:
        output.print()
    else:
        output.sink_to(FileSink.for_row_format(folder, Encoder.simple_string_encoder()).build())


def tens(number: int) -> int:
    """The key of a number."""
    return number % 10


@job(Echo(), name="echo")
def echo(env: Any, plans: Any) -> None:
    """Numbers in, numbers out."""
    _numbers(env, plans["Echo"])


@job(Pricing(), name="pricing")
def pricing(env: Any, plans: Any) -> None:
    """A job that fails."""
    _numbers(env, plans["Pricing"])


@job(Secretive(), name="secretive")
def secretive(env: Any, plans: Any) -> None:
    """A job that wants a secret."""
    _numbers(env, plans["Secretive"])


@job(Scripted(), name="scripted")
def scripted(env: Any, plans: Any) -> None:
    """A job with a plugin."""
    _numbers(env, plans["Scripted"])
