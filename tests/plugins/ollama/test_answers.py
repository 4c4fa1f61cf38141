"""Answers over real HTTP: whole, and in parts."""

from __future__ import annotations

import asyncio
import json

import pytest

from headrace.chat import ChatRequest, Message, ToolCall, ToolSpec
from headrace.errors import ModelError

NOOP = ToolSpec(name="noop")
CALL = {"function": {"name": "noop", "arguments": {}}}


def hello(*more: Message, **rest) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"), *more), **rest)


def part(**message) -> dict[str, object]:
    return {"model": "m", "message": {"role": "assistant", **message}, "done": False}


END = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True}


class TestText:
    def test_comes_back_with_its_cost_and_its_model(self, provider, ask):
        provider.says({"role": "assistant", "content": "Grüße"})

        response = ask(hello())

        assert (response.text, response.model) == ("Grüße", "llama-test:latest")
        assert (response.usage.input_tokens, response.usage.output_tokens) == (11, 7)

    @pytest.mark.parametrize(
        ("said", "meant"),
        [("stop", "stop"), ("length", "length"), ("load", "stop"), (None, "stop")],
    )
    def test_says_why_it_ended(self, provider, ask, said, meant):
        provider.says({"role": "assistant", "content": "part"}, done_reason=said)

        assert ask(hello()).finish_reason == meant

    def test_of_a_cached_prompt_has_cost_nothing_to_read(self, provider, ask):
        provider.says({"role": "assistant", "content": "x"}, prompt_eval_count=None)

        usage = ask(hello()).usage

        assert (usage.input_tokens, usage.output_tokens) == (0, 7)

    def test_without_the_name_of_a_model_has_the_one_that_was_asked(self, provider, ask):
        provider.says({"role": "assistant", "content": "x"}, model=None)

        assert ask(hello()).model == "llama-test"

    def test_of_a_newer_server_may_say_more(self, provider, ask):
        call = {"id": "call_x", "function": {"index": 0, "name": "noop", "arguments": {}}}
        message = {"role": "assistant", "content": "", "tool_calls": [call], "mood": "good"}
        provider.raw(200, {"model": "m", "message": message, "done": True, "remote_model": "r"})

        assert [made.name for made in ask(hello(tools=(NOOP,))).message.tool_calls] == ["noop"]


class TestReasoning:
    def test_is_kept_apart_from_the_text(self, provider, ask):
        provider.says({"role": "assistant", "content": "Rain.", "thinking": "It is autumn."})

        message = ask(hello(), think=True).message

        assert (message.content, message.reasoning) == ("Rain.", "It is autumn.")

    def test_is_streamed_apart_from_the_text(self, provider, stream):
        provider.says({"role": "assistant", "content": "Rain.", "thinking": "It is autumn."})

        response, parts = stream(hello())

        assert "".join(each.reasoning for each in parts) == "It is autumn."
        assert "".join(each.text for each in parts) == "Rain."
        assert response.message.reasoning == "It is autumn."


class TestCalls:
    def test_have_ids_of_their_own_in_the_conversation(self, provider, ask):
        provider.says({"role": "assistant", "content": "", "tool_calls": [CALL, CALL]})
        before = Message(
            role="assistant",
            tool_calls=(ToolCall(id="call_0", name="noop"), ToolCall(id="call_3", name="noop")),
        )

        made = ask(hello(before)).message.tool_calls

        assert len({call.id for call in made} | {"call_0", "call_3"}) == 4

    def test_have_the_same_ids_in_a_replay(self, provider, ask):
        provider.says({"role": "assistant", "content": "", "tool_calls": [CALL, CALL]})

        first = ask(hello()).message.tool_calls
        again = ask(hello()).message.tool_calls

        assert first == again

    def test_have_the_same_ids_when_they_are_streamed(self, provider, ask, stream):
        provider.says({"role": "assistant", "content": "", "tool_calls": [CALL, CALL]})

        whole = ask(hello()).message.tool_calls
        streamed = stream(hello())[0].message.tool_calls

        assert whole == streamed

    def test_that_were_cut_short_say_so(self, provider, ask):
        provider.says(
            {"role": "assistant", "content": "", "tool_calls": [CALL]}, done_reason="length"
        )

        assert ask(hello()).finish_reason == "length"

    @pytest.mark.parametrize("arguments", [b"NaN", b"-Infinity", b'"\\ud800"'])
    def test_with_arguments_that_are_no_json_are_a_bad_response(self, provider, ask, arguments):
        provider.raw(
            200,
            b'{"message": {"role": "assistant", "tool_calls": [{"function": {"name": "noop", '
            b'"arguments": {"x": ' + arguments + b'}}}]}, "done": true}',
        )

        with pytest.raises(ModelError, match="noop") as caught:
            ask(hello())

        assert caught.value.code == "bad_response"

    def test_without_a_name_are_a_bad_response(self, provider, ask):
        call = {"function": {"name": "", "arguments": {}}}
        provider.says({"role": "assistant", "content": "", "tool_calls": [call]})

        with pytest.raises(ModelError, match="no name") as caught:
            ask(hello())

        assert caught.value.code == "bad_response"


class TestStream:
    def test_tells_of_the_parts_as_they_come(self, provider, stream):
        provider.lines(part(content="It "), part(content="rains."), END)

        response, parts = stream(hello())

        assert [each.text for each in parts] == ["It ", "rains."]
        assert response.text == "It rains."

    @pytest.mark.parametrize("character", ["\u0085", "\u2028", "\u2029", "👋", "\\u2028"])
    def test_may_hold_any_character(self, provider, stream, character):
        # The HTTP client takes the first three for ends of lines.
        said = f"a{character}b"
        provider.lines(
            *(json.dumps(each, ensure_ascii=False).encode() for each in (part(content=said), END))
        )

        assert stream(hello())[0].text == said

    def test_may_have_empty_lines(self, provider, stream):
        provider.lines(b"", part(content="x"), b"", b" ", END, b"")

        assert stream(hello())[0].text == "x"

    def test_of_a_model_that_only_thinks_tells_no_text(self, provider, stream):
        provider.lines(part(content="", thinking="Hm."), END)

        response, parts = stream(hello())

        assert (response.text, [each.text for each in parts]) == ("", [""])

    def test_is_closed_when_its_reader_fails(self, provider, opened):
        provider.lines(*[part(content="x")] * 100, END)

        def fail(delta):
            raise ZeroDivisionError

        async def fail_and_ask_again():
            async with opened() as model:
                with pytest.raises(ZeroDivisionError):
                    await model.stream(hello(), fail)
                return await model.stream(hello(), lambda _: None)

        assert asyncio.run(fail_and_ask_again()).text == "x" * 100


class TestSideBySide:
    def test_more_requests_than_the_client_has_connections_share_one_model(self, provider, opened):
        # By itself it would let a hundred through and keep the others waiting.
        provider.answers.append("slow")
        waiting = 150

        async def many():
            async with opened() as model:
                tasks = [asyncio.ensure_future(model.chat(hello())) for _ in range(waiting)]
                for _ in tasks:
                    await provider.arrival()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(many())

        assert len(provider.bodies) == waiting
