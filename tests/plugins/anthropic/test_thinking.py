"""Thinking: asked for, told, kept, and sent back as it was for as long as it belongs."""

from __future__ import annotations

import asyncio

import pytest

from headrace.chat import ChatRequest, Message, ToolCall, ToolSpec
from headrace.values import decode, encode

TOOLS = (ToolSpec(name="clock"), ToolSpec(name="weather"))
ASKED = Message(role="user", content="Weather?")
ADAPTIVE = {"type": "adaptive"}
REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(ASKED,), tools=TOOLS, **more)


@pytest.fixture(params=["chat", "stream"])
def went_on(request, provider, opened):
    """Answers with blocks, changes the answer, and gives what of it is sent back."""

    def converse(*blocks, change=lambda message: message) -> list[dict]:
        provider.answer(*blocks)
        provider.answer("Rain.")

        async def run() -> None:
            async with opened() as model:
                if request.param == "chat":
                    first = await model.chat(hello())
                else:
                    first = await model.stream(hello(), lambda _: None)
                message = change(decode(encode(first.message)))  # as a journal gives it back
                results = (
                    Message(role="tool", content="noon", tool_call_id=call.id)
                    for call in message.tool_calls
                )
                messages = (ASKED, message, *results)
                await model.chat(ChatRequest(messages=messages, tools=TOOLS))

        asyncio.run(run())
        return provider.bodies[1]["messages"][1]["content"]

    return converse


class TestAsking:
    def test_is_an_argument(self, provider, ask):
        provider.answer("x")

        ask(hello(), thinking=ADAPTIVE)

        assert provider.bodies[0]["thinking"] == ADAPTIVE

    def test_is_an_option_of_a_request_which_wins(self, provider, ask):
        provider.answer("x")

        ask(hello(options={"thinking": {"type": "disabled"}}), thinking=ADAPTIVE)

        assert provider.bodies[0]["thinking"] == {"type": "disabled"}


class TestReading:
    def test_gives_a_paragraph_for_each_block(self, provider, ask):
        provider.answer(provider.thought("One."), REDACTED, provider.thought("Two."), "Rain.")

        response = ask(hello())

        assert response.message.reasoning == "One.\n\nTwo."
        assert response.text == "Rain."

    def test_gives_nothing_where_the_provider_tells_nothing(self, provider, ask):
        provider.answer(provider.thought(""), "Rain.")

        assert ask(hello()).message.reasoning == ""

    def test_keeps_nothing_of_an_answer_without_thinking(self, provider, ask):
        provider.answer("Looking.", provider.call("a", "clock"))

        assert ask(hello()).message.native == {}


class TestSendingBack:
    def test_is_of_the_blocks_as_they_were_in_their_order(self, provider, went_on):
        blocks = [
            provider.thought("One."),
            {"type": "text", "text": "Looking."},
            REDACTED,
            provider.call("a", "clock", city="Zürich"),
            provider.thought(""),
            provider.call("b", "weather"),
        ]

        assert went_on(*blocks) == blocks

    def test_is_of_the_providers_own_tools_too(self, went_on):
        search = {
            "type": "server_tool_use",
            "id": "srvtoolu_1",
            "name": "web_search",
            "input": {"query": "weather in Zürich"},
        }
        blocks = [{"type": "text", "text": "Searching."}, search]

        assert went_on(*blocks) == blocks

    @pytest.mark.parametrize(
        "update",
        [
            {"content": "Looking about."},
            {"tool_calls": (ToolCall(id="a", name="clock", arguments={"city": "Bern"}),)},
            {"tool_calls": ()},
        ],
        ids=["text", "arguments", "calls"],
    )
    def test_ends_when_the_message_says_something_else(self, provider, went_on, update):
        sent = went_on(
            provider.thought("One."),
            "Looking.",
            provider.call("a", "clock", city="Zürich"),
            change=lambda message: message.model_copy(update=update),
        )

        assert "thinking" not in {block["type"] for block in sent}

    def test_does_not_end_when_only_the_reasoning_is_erased(self, provider, went_on):
        sent = went_on(
            provider.thought("One."),
            "Looking.",
            change=lambda message: message.model_copy(update={"reasoning": ""}),
        )

        assert sent[0] == provider.thought("One.")

    def test_leaves_out_texts_that_say_nothing_which_the_provider_refuses(self, provider, went_on):
        sent = went_on(provider.thought("One."), "\n\n", provider.call("a", "clock"))

        assert [block["type"] for block in sent] == ["thinking", "tool_use"]

    @pytest.mark.parametrize(
        "native",
        [
            {"openai": ["x"]},
            {"anthropic": "x"},
            {"anthropic": ["x"]},
            {"anthropic": [{"type": "text"}]},
            {"anthropic": [{"type": "tool_use", "id": 5, "name": None, "input": []}]},
            {"anthropic": [{"no": "type"}]},
            {"anthropic": [{"type": "text", "text": "Rain."}, {"type": {}}]},
        ],
    )
    def test_is_not_of_what_never_came_from_the_provider(self, provider, ask, native):
        provider.answer("ok")
        said = Message(role="assistant", content="Rain.", native=native, cache=True)

        ask(ChatRequest(messages=(ASKED, said, ASKED)))

        [block] = provider.bodies[0]["messages"][1]["content"]
        assert block["text"] == "Rain."

    def test_leaves_the_message_as_it_was(self, provider, ask):
        provider.answer(provider.thought("One."), "Rain.")
        first = ask(hello()).message
        marked = first.model_copy(update={"cache": True})

        ask(ChatRequest(messages=(ASKED, marked, ASKED)))

        assert marked.native == first.native
        assert "cache_control" not in str(marked.native)
