"""Requests and answers over real HTTP, held to the vendor's own types."""

from __future__ import annotations

import asyncio
import json

import pytest

from headrace.chat import ChatRequest, Message, ToolCall, ToolSpec, Usage
from headrace.errors import ModelError

WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


def call(call_id: str, name: str, arguments: str) -> dict[str, object]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


class TestText:
    def test_comes_back_with_its_cost_and_its_model(self, provider, ask):
        provider.answer({"content": "Grüße"})
        response = ask(
            ChatRequest(
                messages=(
                    Message(role="system", content="Be brief."),
                    Message(role="user", content="Wie geht's? 👋"),
                    Message(role="assistant", content="Gut."),
                    Message(role="user", content=""),
                )
            )
        )
        assert response.text == "Grüße"
        assert (response.usage.input_tokens, response.usage.output_tokens) == (11, 7)
        assert response.model == "gpt-test-2026"
        assert response.finish_reason == "stop"
        assert provider.bodies == [
            {
                "model": "gpt-test",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Wie geht's? 👋"},
                    {"role": "assistant", "content": "Gut."},
                    {"role": "user", "content": ""},
                ],
            }
        ]
        assert provider.paths == ["/v1/chat/completions"]

    @pytest.mark.parametrize(
        ("said", "meant"),
        [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter")],
    )
    def test_says_why_it_ended(self, provider, ask, said, meant):
        provider.answer({"content": "part", "finish_reason": said})
        assert ask(hello()).finish_reason == meant

    def test_without_usage_costs_nothing_that_is_known(self, provider, ask):
        provider.answer({"content": "x"}, usage=None)
        assert ask(hello()).usage.input_tokens == 0

    def test_tells_what_was_cached_and_thought(self, provider, ask):
        usage = {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 16},
            "completion_tokens_details": {"reasoning_tokens": 30},
        }
        provider.answer({"content": "x"}, usage=usage)
        assert ask(hello()).usage == Usage(
            input_tokens=100,
            output_tokens=50,
            cached_tokens=64,
            cache_write_tokens=16,
            reasoning_tokens=30,
        )

    def test_with_details_of_nothing_costs_what_is_known(self, provider, ask):
        usage = {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": None,
            "completion_tokens_details": {"reasoning_tokens": None},
        }
        provider.answer({"content": "x"}, usage=usage)
        assert ask(hello()).usage == Usage(input_tokens=3, output_tokens=2)

    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    def test_comes_with_the_reasoning_of_compatible_servers(self, provider, ask, name):
        provider.answer({"content": "Rain.", name: "Clouds, so rain."})
        message = ask(hello()).message
        assert (message.content, message.reasoning) == ("Rain.", "Clouds, so rain.")

    @pytest.mark.parametrize("told", [None, "", 5, {"effort": "low"}])
    def test_is_taken_though_the_reasoning_is_no_text(self, provider, ask, told):
        provider.raw(200, {"choices": [{"message": {"content": "x", "reasoning": told}}]})
        assert ask(hello()).message.reasoning == ""

    def test_of_a_terse_compatible_server_is_taken(self, provider, ask):
        provider.raw(200, {"choices": [{"message": {"content": "x"}}]})
        response = ask(hello())
        assert (response.text, response.model) == ("x", "gpt-test")

    def test_is_taken_whatever_the_content_type(self, provider, ask):
        body = {"choices": [{"message": {"content": "x"}}]}
        provider.raw(200, body, content_type="text/plain")
        assert ask(hello()).text == "x"


class TestTools:
    def test_are_offered_and_called(self, provider, ask):
        provider.answer(
            {
                "tool_calls": [call("call_a", "weather", '{"city": "Zürich"}')],
                "finish_reason": "tool_calls",
            }
        )
        response = ask(hello(tools=(WEATHER, ToolSpec(name="noop"))))
        assert response.message.tool_calls == (
            ToolCall(id="call_a", name="weather", arguments={"city": "Zürich"}),
        )
        assert response.finish_reason == "tool_calls"
        assert provider.bodies[0]["tools"] == [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "parameters": WEATHER.parameters,
                },
            },
            {
                "type": "function",
                "function": {"name": "noop", "parameters": {"type": "object", "properties": {}}},
            },
        ]

    def test_may_be_called_several_at_once(self, provider, ask):
        calls = [call(f"call_{n}", "weather", json.dumps({"city": str(n)})) for n in range(3)]
        provider.answer({"content": "Looking.", "tool_calls": calls, "finish_reason": "tool_calls"})
        message = ask(hello(tools=(WEATHER,))).message
        assert message.content == "Looking."
        assert [(c.id, c.arguments["city"]) for c in message.tool_calls] == [
            ("call_0", "0"),
            ("call_1", "1"),
            ("call_2", "2"),
        ]

    def test_results_go_back_beside_their_calls(self, provider, ask):
        provider.answer({"content": "Rain."})
        calls = (
            ToolCall(id="call_a", name="weather", arguments={"city": "Zürich"}),
            ToolCall(id="call_b", name="noop"),
        )
        ask(
            ChatRequest(
                messages=(
                    Message(role="user", content="Weather?"),
                    Message(role="assistant", tool_calls=calls),
                    Message(role="tool", content="rain", tool_call_id="call_a"),
                    Message(role="tool", content="", tool_call_id="call_b"),
                ),
                tools=(WEATHER,),
            )
        )
        assert provider.bodies[0]["messages"][1:] == [
            {
                "role": "assistant",
                "tool_calls": [
                    call("call_a", "weather", '{"city": "Zürich"}'),
                    call("call_b", "noop", "{}"),
                ],
            },
            {"role": "tool", "content": "rain", "tool_call_id": "call_a"},
            {"role": "tool", "content": "", "tool_call_id": "call_b"},
        ]

    def test_answer_can_be_sent_back_as_it_came(self, provider, opened):
        provider.answer(
            {"tool_calls": [call("a", "weather", '{"city":"Z"}')], "finish_reason": "tool_calls"}
        )
        provider.answer({"content": "Rain."})

        async def converse():
            async with opened() as model:
                first = await model.chat(hello(tools=(WEATHER,)))
                told = Message(role="tool", content="rain", tool_call_id="a")
                messages = (*hello().messages, first.message, told)
                return await model.chat(ChatRequest(messages=messages, tools=(WEATHER,)))

        assert asyncio.run(converse()).text == "Rain."

    def test_forced_call_that_ends_with_stop_is_still_a_call(self, provider, ask):
        provider.answer({"tool_calls": [call("a", "weather", "{}")], "finish_reason": "stop"})
        assert ask(hello(tools=(WEATHER,))).finish_reason == "tool_calls"

    def test_call_without_id_or_arguments_is_given_some(self, provider, ask):
        calls = [{"function": {"name": "noop", "arguments": ""}}] * 2
        provider.raw(200, {"choices": [{"message": {"tool_calls": calls}}]})
        made = ask(hello(tools=(ToolSpec(name="noop"),))).message.tool_calls
        assert [c.arguments for c in made] == [{}, {}]
        assert made[0].id != made[1].id

    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (Message(role="tool", content="x"), "tool_call_id"),
            (Message(role="user", tool_calls=(ToolCall(id="a", name="t"),)), "only an assistant"),
        ],
    )
    def test_impossible_message_is_a_bad_request_that_is_not_sent(
        self, provider, ask, message, why
    ):
        with pytest.raises(ModelError, match=why) as caught:
            ask(ChatRequest(messages=(message,)))
        assert caught.value.code == "bad_request"
        assert provider.bodies == []


class TestSideBySide:
    def test_many_requests_share_one_model(self, provider, opened):
        provider.answer({"content": "x"})

        async def many():
            async with opened() as model:
                return await asyncio.gather(*(model.chat(hello()) for _ in range(50)))

        assert [r.text for r in asyncio.run(many())] == ["x"] * 50
        assert len(provider.bodies) == 50
