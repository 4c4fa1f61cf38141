"""`agents outbox`: what waits to be done, and doing what a job on Flink has left."""

from __future__ import annotations

import json

import pytest

from headrace.operator import Effect

SHOP = """
import os
import signal
from pathlib import Path

from headrace import Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action, retry


def mail(to: str, idempotency_key: str) -> None:
    if to == "nobody":
        raise LookupError("there is no nobody")
    with Path("sent").open("a") as sent:
        sent.write(f"{to} {idempotency_key}\\n")


def stopped(to: str) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    raise ConnectionError("refused")


class Shop(Agent):
    config = RuntimeConfig(outbox=retry(2, backoff=0.001))

    @action(InputEvent)
    async def sell(self, event: InputEvent, ctx: Context) -> None:
        ctx.after_commit(stopped, event.input)
        ctx.after_commit(mail, event.input)
        ctx.send(OutputEvent(output=event.input))
"""


@pytest.fixture
def shop(place):
    place.module = f"{place.module}_shop"  # each test imports a module of its own name
    place.write(f"{place.module}.py", SHOP)
    return place


def left(place, *effects):
    """Files as Flink's sink shows them."""
    from headrace.flink._covered import marks_folder
    from headrace.flink._left import left_folder

    uri = (place.folder / "checkpoints").as_uri()
    folder = left_folder(marks_folder({"execution.checkpointing.dir": uri}, "Shop"))
    lines = "".join(json.dumps(effect.stored()) + "\n" for effect in effects)
    place.write(f"{folder}/2026-11-22--19/part-0", lines)


def mailing(place, to, number=0):
    return Effect(
        function=f"{place.module}:mail", arguments=[[to], {}], key=f"key-{to}", of=to,
        key_id=f"s{to}", run="r", id=f"0.0/after.{number}", action="sell", member=None,
        asked=1e9, timeout=5.0,
    )  # fmt: skip


def finish(place, *more):
    target = place.agent("Shop")
    return place.run("outbox", "finish", target, "--checkpoints", "checkpoints", *more)


def run_job(place, inputs):
    place.lines("in.jsonl", inputs)
    files = ("--input", "in.jsonl", "--state", "state.db", "--output", "out.jsonl")
    return place.process("run", place.agent("Shop"), *files)


def test_effects_that_a_stopped_job_left_in_its_state_are_shown(shop):
    done = run_job(shop, ["ada"])
    assert "stopping" in done.stderr

    result = shop.run("outbox", "list", "--state", "state.db", "--json")

    first, second = json.loads(result.stdout)["effects"]
    assert (first["effect"], first["attempts"], first["error"]) == (
        f"{shop.module}:stopped", 1, "ConnectionError: refused",
    )  # fmt: skip
    assert (second["effect"], second["key"], second["attempts"]) == (
        f"{shop.module}:mail",
        "ada",
        0,
    )


def test_a_state_file_without_effects_has_none(shop):
    run_job(shop, [])

    assert shop.run("outbox", "list", "--state", "state.db").stdout == "0 effects wait\n"


def test_what_is_no_state_file_is_told(shop):
    shop.write("other.db", "no database" * 100)

    result = shop.run("outbox", "list", "--state", "other.db")

    assert result.exit_code == 1
    assert "is not a state file of headrace" in result.stderr


def test_what_a_job_has_left_is_shown(shop):
    left(shop, mailing(shop, "ada"), mailing(shop, "ben", 1))

    result = shop.run("outbox", "list", shop.agent("Shop"), "--checkpoints", "checkpoints")

    assert result.stdout.splitlines()[-1] == "2 effects wait"


def test_what_a_job_has_left_is_done_once(shop):
    left(shop, mailing(shop, "ada"), mailing(shop, "ben", 1))

    first, second = finish(shop), finish(shop)

    assert (first.stderr, second.stderr) == (
        "2 effects done, 0 given up\n", "0 effects done, 0 given up\n",
    )  # fmt: skip
    assert sorted((shop.folder / "sent").read_text().split("\n")) == [
        "", "ada key-ada", "ben key-ben",
    ]  # fmt: skip


def test_what_is_given_up_is_written_down_and_fails_the_command(shop):
    left(shop, mailing(shop, "nobody"))

    result = finish(shop, "--dead-letters", "dead.jsonl")

    assert result.exit_code == 1
    [letter] = shop.read("dead.jsonl")
    assert (letter["error"], letter["attempts"]) == ("LookupError: there is no nobody", 2)


def test_a_dry_run_does_nothing(shop):
    left(shop, mailing(shop, "ada"))

    assert finish(shop, "--dry-run").stderr == "1 effects would be done\n"
    assert not (shop.folder / "sent").exists()


def test_an_object_store_is_refused_with_the_reason(shop):
    result = shop.run(
        "outbox", "list", shop.agent("Shop"), "--checkpoints", "s3://bucket/checkpoints"
    )

    assert result.exit_code == 1
    assert "s3://bucket/checkpoints is no folder of this machine" in result.stderr


def test_without_a_place_the_ways_are_told(shop):
    result = shop.run("outbox", "list")

    assert result.exit_code == 2
    assert "agents outbox list --state FILE" in result.stderr
