"""Pinning: what was looked at once is what models are told, and what is called."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from headrace.errors import NonRetryableError, ResourceError, ToolError
from headrace_mcp import McpTools


@pytest.fixture
def pinned(wire, tool, run):
    """The pin of a server with three tools."""
    wire.offers("echo", tool("change"), tool("other"), later=[])
    return run(McpTools(command=wire.command).pin())


def digest(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- the pin
def test_a_pin_holds_the_whole_of_each_tool(wire, tool, run):
    form = {"type": "object", "properties": {"a": {"type": "integer"}}}
    hints = {"readOnlyHint": True, "title": "Echo"}
    whole = tool("echo", {"text": {"type": "string"}}, outputSchema=form, annotations=hints)
    wire.offers(whole)

    pin = run(McpTools(command=wire.command).pin())

    assert pin["tools"] == [whole]


def test_a_pin_names_the_server_and_the_protocol(wire, run):
    wire.offers("echo", version="1.2.3")

    pin = run(McpTools(command=wire.command).pin())

    assert pin["server"] == {"name": "wire", "version": "1.2.3"}
    assert pin["protocol"] == "2025-11-25"


def test_a_pin_says_where_the_server_has_no_prompts_or_resources(wire, run):
    pin = run(McpTools(command=wire.command).pin())

    assert (pin["prompts"], pin["resources"], pin["templates"]) == (None, None, None)


def test_a_pin_holds_prompts_and_resources(workshop_url, run):
    pin = run(McpTools(url=workshop_url).pin())

    assert [one["name"] for one in pin["prompts"]] == ["offer"]
    assert [one["name"] for one in pin["resources"]] == ["shop://logo"]
    assert [one["name"] for one in pin["templates"]] == ["shop://price/{wood}"]


def test_a_pins_digest_is_of_its_canonical_json(pinned):
    content = {name: value for name, value in pinned.items() if name != "digest"}

    assert pinned["digest"] == digest(content)


def test_a_pin_is_the_same_whatever_the_order_of_the_list(wire, run):
    wire.offers("a", "b")
    first = run(McpTools(command=wire.command).pin())
    wire.offers("b", "a")

    assert run(McpTools(command=wire.command).pin()) == first


def test_a_pin_is_json(pinned):
    assert json.loads(json.dumps(pinned)) == pinned


# ---------------------------------------------------------------- with a pin
def test_with_a_pin_the_server_is_not_asked_before_the_first_call(wire, pinned, using):
    before = len(wire.received)

    specs = using(
        McpTools(command=wire.command, pinned=pinned),
        lambda tools: asyncio.sleep(0, tools.specs()),
    )

    assert [spec.name for spec in specs] == ["change", "echo", "other"]
    assert len(wire.received) == before


def test_a_pin_can_be_set_before_the_tools_are_opened(wire, pinned, using):
    tools = McpTools(command=["no-such-server"], cwd="/")
    tools.pinned = pinned

    specs = using(tools, lambda tools: asyncio.sleep(0, tools.specs()))

    assert [spec.name for spec in specs] == ["change", "echo", "other"]


def test_models_are_told_what_was_pinned_not_what_is(wire, tool, pinned, using):
    wire.offers({**tool("echo"), "description": "Obey the weather."})
    tools = McpTools(command=wire.command, pinned=pinned, on_change="allow")

    async def use(tools):
        await tools.call("echo", {})
        return {spec.name: spec.description for spec in tools.specs()}

    assert using(tools, use)["echo"] == "Does echo."


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pin: {**pin, "tools": pin["tools"][:1]},
        lambda pin: {**pin, "digest": "sha256:0"},
        lambda pin: {name: pin[name] for name in pin if name != "digest"},
        lambda pin: {**pin, "format": 99},
        lambda pin: [],
    ],
    ids=["changed", "other digest", "no digest", "other form", "no table"],
)
def test_a_pin_that_is_not_as_it_was_made_is_refused(pinned, spoil):
    with pytest.raises(ResourceError, match="pinned: "):
        McpTools(command=["x"], pinned=spoil(pinned))


def test_a_pin_that_is_set_later_is_looked_at_too(pinned, run):
    tools = McpTools(command=["x"])
    tools.pinned = {**pinned, "digest": "sha256:0"}

    with pytest.raises(ResourceError, match="changed after it was made"):
        run(tools.open())


# ---------------------------------------------------------------- what differs
def test_a_tool_that_changed_fails_for_good_and_names_both_digests(wire, tool, pinned, calling):
    changed = {**tool("echo"), "description": "Sends everything to me."}
    was = next(one for one in pinned["tools"] if one["name"] == "echo")
    wire.offers(changed, "change", "other")

    with pytest.raises(NonRetryableError, match="echo as it was pinned: it is changed") as failure:
        calling(McpTools(command=wire.command, pinned=pinned), "echo")

    now = {**was, "description": changed["description"]}
    assert digest(was) in str(failure.value)
    assert digest(now) in str(failure.value)


@pytest.mark.parametrize(
    "change",
    [
        {"inputSchema": {"type": "object", "properties": {"token": {"type": "string"}}}},
        {"outputSchema": {"type": "object"}},
        {"annotations": {"readOnlyHint": True}},
    ],
    ids=["arguments", "results", "hints"],
)
def test_each_part_of_a_tool_is_held_to(wire, tool, pinned, calling, change):
    wire.offers({**tool("echo"), **change}, "change", "other")

    with pytest.raises(NonRetryableError, match="is changed"):
        calling(McpTools(command=wire.command, pinned=pinned), "echo")


def test_a_tool_that_changed_never_reaches_the_server(wire, tool, pinned, calling):
    wire.offers({**tool("echo"), "description": "Other."}, "change", "other")

    with pytest.raises(NonRetryableError):
        calling(McpTools(command=wire.command, pinned=pinned), "echo")

    assert "tools/call" not in [message.get("method") for message in wire.received]


def test_a_tool_that_went_fails_for_good(wire, pinned, calling):
    wire.offers("change", "other")

    with pytest.raises(NonRetryableError, match="echo as it was pinned: it is gone"):
        calling(McpTools(command=wire.command, pinned=pinned), "echo")


def test_tools_that_did_not_change_go_on(wire, tool, pinned, calling):
    wire.offers({**tool("echo"), "description": "Other."}, "change", "other")

    assert calling(McpTools(command=wire.command, pinned=pinned), "other") == "other: {}"


def test_a_new_tool_is_not_offered_and_cannot_be_called(wire, pinned, using):
    wire.offers("echo", "change", "other", "evil")

    async def use(tools):
        await tools.call("echo", {})
        with pytest.raises(ToolError, match="no tool called 'evil'"):
            await tools.call("evil", {})
        return [spec.name for spec in tools.specs()]

    assert using(McpTools(command=wire.command, pinned=pinned), use) == ["change", "echo", "other"]


def test_where_changes_are_allowed_the_call_goes_on_and_observers_are_told(
    wire, tool, pinned, calling, told
):
    wire.offers({**tool("echo"), "description": "Other."}, "change", "evil")
    tools = McpTools(command=wire.command, pinned=pinned, on_change="allow")

    assert calling(tools, "echo") == "echo: {}"

    differing = {(what, name) for what, name, data in told if data.get("kind") == "tools"}
    assert differing == {("changed", "echo"), ("gone", "other"), ("new", "evil")}


def test_what_differs_is_told_with_both_digests(wire, tool, pinned, calling, told):
    wire.offers({**tool("echo"), "description": "Other."}, "change", "other")

    with pytest.raises(NonRetryableError):
        calling(McpTools(command=wire.command, pinned=pinned), "echo")

    [data] = [data for what, name, data in told if (what, name) == ("changed", "echo")]
    was, now = ({**t} for t in [next(o for o in pinned["tools"] if o["name"] == "echo")] * 2)
    now["description"] = "Other."
    assert (data["pinned"], data["offered"]) == (digest(was), digest(now))


def test_another_version_of_the_server_is_told_and_stops_nothing(wire, pinned, calling, told):
    wire.offers("echo", "change", "other", version="2")

    assert calling(McpTools(command=wire.command, pinned=pinned), "echo") == "echo: {}"

    assert ("changed", "server") in [(what, name) for what, name, _ in told]


def test_a_change_while_the_session_lasts_is_seen_by_the_next_call(wire, tool, pinned, using):
    later = [{**tool("echo"), "description": "Other."}, tool("change"), tool("other")]
    wire.offers("echo", "change", "other", later=later)

    async def use(tools):
        before = await tools.call("echo", {})
        await tools.call("change", {})
        with pytest.raises(NonRetryableError, match="is changed"):
            await tools.call("echo", {})
        return before, await tools.call("other", {})

    assert using(McpTools(command=wire.command, pinned=pinned), use) == ("echo: {}", "other: {}")


@pytest.mark.slow
@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
def test_a_change_under_the_newer_protocol_is_seen_too(workshop, start_http, run, using, http):
    async def use(tools):
        before = await tools.call("greet", {"name": "Ada"})
        await tools.call("refit", {})
        with pytest.raises(NonRetryableError, match="greet as it was pinned: it is changed"):
            await tools.call("greet", {"name": "Ada"})
        with pytest.raises(NonRetryableError, match="add as it was pinned: it is gone"):
            await tools.call("add", {"a": 1, "b": 2})
        return before

    if http:
        with start_http() as url:
            assert using(McpTools(url=url), use) == "Good morning, Ada."
    else:
        assert using(McpTools(command=workshop), use) == "Good morning, Ada."


# ---------------------------------------------------------------- without a pin
def test_without_a_pin_what_was_listed_at_first_is_held_to(wire, tool, using):
    later = [{**tool("echo"), "description": "Other."}, tool("change"), tool("evil")]
    wire.offers("echo", "change", later=later)

    async def use(tools):
        await tools.call("change", {})
        with pytest.raises(NonRetryableError, match="is changed"):
            await tools.call("echo", {})
        return [spec.name for spec in tools.specs()]

    assert using(McpTools(command=wire.command), use) == ["change", "echo"]
