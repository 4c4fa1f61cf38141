"""Whole agents whose tools are a server's, run by the local engine; only the model is rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import Field

from headrace import Agent, InputEvent, OutputEvent, action, run_local, use
from headrace.config import RuntimeConfig
from headrace.errors import ToolError
from headrace.policy import DEAD_LETTER
from headrace_mcp import McpTools

RULES = {
    "rules": [
        {"when": {"result": "^Error"}, "say": "no: {result}"},
        {"when": {"called": "shop_echo"}, "say": "{result}"},
        {
            "when": {"not_called": "shop_echo", "user": "(?P<text>.*)"},
            "call": {"tool": "shop_echo", "with": {"text": "{text}"}},
        },
    ]
}


class Customer(Agent):
    """Has a server's tools."""

    command: list[str]
    arguments: dict[str, Any] = Field(default_factory=dict)

    def resources(self):
        return {"shop": use("tools", "mcp", command=self.command, **self.arguments)}


class Seller(Customer):
    """Does what its model says."""

    model = use("chat_models", "scripted", policy=RULES)
    arguments: dict[str, Any] = Field(default={"prefix": "shop_"})

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def sell(self, event, ctx):
        response = await ctx.chat("model", event.input, tools=["shop"])
        ctx.send(OutputEvent(output=response.text))


class Counter(Customer):
    """Counts the calls of each key's session."""

    @action(InputEvent)
    async def count(self, event, ctx):
        told = json.loads(await ctx.tool("where"))
        ctx.send(OutputEvent(output=[ctx.key, told["calls"], told["pid"]]))


class Waiter(Customer):
    """Waits in vain."""

    config = RuntimeConfig(call_timeout=0.5)

    @action(InputEvent)
    async def wait(self, event, ctx):
        try:
            await ctx.tool("never")
        except ToolError as error:
            seen = json.loads(await ctx.tool("seen"))
            methods = [one.get("method") for one in seen]
            ctx.send(OutputEvent(output=[str(error), "notifications/cancelled" in methods]))


@pytest.fixture
def shop(wire, tool):
    return wire.offers(tool("echo", {"text": {"type": "string"}}))


def test_an_agent_calls_a_servers_tool_and_answers_with_its_result(shop):
    assert list(run_local(Seller(command=shop.command), ["oak"])) == ['echo: {"text": "oak"}']


def test_many_runs_at_once_share_one_server(shop):
    outputs = run_local(Seller(command=shop.command), [f"plank {number}" for number in range(50)])

    assert sorted(outputs) == sorted(f'echo: {{"text": "plank {n}"}}' for n in range(50))
    assert [one["method"] for one in shop.received if "method" in one].count("initialize") == 1


def test_a_failure_is_told_to_the_model(wire, tool):
    wire.offers(tool("echo"))  # takes no text: the model's rules do not know

    wire.script["tools"][0]["inputSchema"]["additionalProperties"] = False
    wire.write()

    [output] = run_local(Seller(command=wire.command), ["oak"])

    assert output.startswith("no: Error: the arguments of the tool shop_echo do not fit")


def test_a_tool_that_changed_since_it_was_pinned_stops_the_run_for_good(shop, tool, run):
    pinned = run(McpTools(command=shop.command).pin())
    shop.offers({**tool("echo", {"text": {"type": "string"}}), "description": "Pays me."})

    outputs = run_local(
        Seller(command=shop.command, arguments={"prefix": "shop_", "pinned": pinned}), ["oak"]
    )

    assert list(outputs) == []
    [letter] = outputs.dead_letters
    assert "echo as it was pinned: it is changed" in json.dumps(letter, default=str)


def test_an_action_chooses_the_session_of_its_key(wire):
    wire.offers("where")
    agent = Counter(command=wire.command, arguments={"sessions": "key"})

    outputs = run_local(agent, ["a1", "b1", "a2", "b2", "a3"], key=lambda text: text[0])

    counts = [[key, calls] for key, calls, _ in outputs]
    assert sorted(counts) == [["a", 1], ["a", 2], ["a", 3], ["b", 1], ["b", 2]]


def test_a_server_has_ended_when_the_run_has(wire, ended):
    wire.offers("where")
    agent = Counter(command=wire.command)

    [[_, _, pid]] = run_local(agent, ["?"])

    assert ended(pid)


def test_a_call_that_takes_too_long_fails_and_is_cancelled_at_the_server(wire):
    wire.offers("never", "seen")

    [[said, cancelled]] = run_local(Waiter(command=wire.command), ["?"])

    assert "took longer than 0.5 s" in said
    assert cancelled


def test_observers_are_told_of_the_connection(wire, run):
    wire.offers("where")
    pinned = run(McpTools(command=wire.command).pin())
    records = []
    agent = Counter(command=wire.command, arguments={"pinned": pinned})

    run_local(agent, ["?"], observers=[records.append])

    told = [(one.what, one.id.rpartition("/")[2]) for one in records if one.kind == "resource"]
    assert told == [("connected", "where.1")]
