"""Marks for the provider's cache: where they go, and which of many count."""

from __future__ import annotations

import pytest

from headrace.chat import ChatRequest, Image, Message, ToolCall, ToolSpec

MARK = {"type": "ephemeral"}
PNG = Image.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(24))


@pytest.fixture
def marked(provider, ask):
    """The blocks of a request, in order, and which of them are marked."""

    def send(*messages: Message, **more) -> list[tuple[str, bool]]:
        provider.answer("ok")
        ask(ChatRequest(messages=messages, tools=(ToolSpec(name="clock"),)), **more)
        body = provider.bodies[-1]
        blocks = [*body.get("system", ()), *(b for t in body["messages"] for b in t["content"])]
        assert all(block.get("cache_control", MARK) == MARK for block in blocks)
        return [(block.get("text", block["type"]), "cache_control" in block) for block in blocks]

    return send


def message(role: str, text: str, **more) -> Message:
    return Message(role=role, content=text, cache=True, **more)


def test_mark_goes_to_the_last_block_of_its_message(marked):
    blocks = marked(
        Message(role="system", content="A"),
        message("system", "B"),
        message("user", "C", images=(PNG,)),
        Message(role="user", content="D"),
    )

    assert blocks == [("A", False), ("B", True), ("C", False), ("image", True), ("D", False)]


def test_mark_of_a_tools_result_goes_to_the_result(marked):
    call = ToolCall(id="a", name="clock")

    blocks = marked(
        Message(role="user", content="?"),
        message("assistant", "", tool_calls=(call,)),
        message("tool", "noon", tool_call_id="a", images=(PNG,)),
    )

    assert blocks == [("?", False), ("tool_use", True), ("tool_result", True)]


def test_mark_of_the_only_system_message_goes_with_it(marked):
    assert marked(message("system", "A")) == [("A", True)]


def test_of_many_marks_the_last_four_count(marked):
    blocks = marked(
        message("system", "1"),
        message("user", "2"),
        message("user", "3"),
        message("assistant", "4"),
        message("user", "5"),
        message("user", "6"),
    )

    assert [text for text, mark in blocks if mark] == ["3", "4", "5", "6"]


def test_mark_that_the_provider_sets_by_itself_is_one_of_the_four(marked):
    blocks = marked(*(message("user", text) for text in "12345"), options={"cache_control": MARK})

    assert [text for text, mark in blocks if mark] == ["3", "4", "5"]


def test_mark_goes_before_thinking_which_can_carry_none(provider, ask, marked):
    provider.answer("Rain.", provider.thought("Hm."))
    first = ask(ChatRequest(messages=(Message(role="user", content="?"),))).message

    blocks = marked(
        Message(role="user", content="?"),
        first.model_copy(update={"cache": True}),
        Message(role="user", content="!"),
    )

    assert blocks == [("?", False), ("Rain.", True), ("thinking", False), ("!", False)]


def test_mark_of_a_message_that_says_nothing_is_none(marked):
    blocks = marked(Message(role="user", content="?"), message("assistant", ""))

    assert blocks == [("?", False)]
