"""What answers become: texts, calls, costs, and why they ended."""

from __future__ import annotations

import asyncio

import pytest

from headrace.chat import ChatRequest, Message, ToolCall, ToolSpec, Usage
from headrace.errors import ModelError

TOOLS = (ToolSpec(name="weather"), ToolSpec(name="clock"))


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


@pytest.fixture(params=["chat", "stream"])
def answered(request, ask, stream):
    """Asks once, at once or in parts, and gives the answer."""

    def once(asked: ChatRequest | None = None, **arguments):
        if request.param == "chat":
            return ask(asked or hello(), **arguments)
        return stream(asked or hello(), **arguments)[0]

    return once


class TestText:
    def test_comes_back_as_it_is(self, provider, answered):
        provider.answer("Grüße 👋\n\u2028 und \\n")

        assert answered().text == "Grüße 👋\n\u2028 und \\n"

    def test_in_several_blocks_is_one(self, provider, answered):
        provider.answer("It is ", "raining.")

        assert answered().text == "It is raining."

    def test_may_be_nothing(self, provider, answered):
        provider.answer()

        response = answered()

        assert (response.text, response.finish_reason) == ("", "stop")

    def test_names_the_model_that_answered(self, provider, answered):
        provider.answer("x")

        assert answered().model == "claude-test-2026"

    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("pause_turn", "length"),
        ],
    )
    def test_says_why_it_ended(self, provider, answered, said, meant):
        provider.answer("part", stop_reason=said)

        assert answered().finish_reason == meant

    def test_of_a_terse_compatible_server_is_taken(self, provider, ask):
        provider.raw(200, {"content": [{"type": "text", "text": "x"}]})

        response = ask(hello())

        assert (response.text, response.model, response.usage) == ("x", "claude-test", Usage())

    def test_is_taken_whatever_the_content_type(self, provider, ask):
        provider.raw(200, {"content": [{"type": "text", "text": "x"}]}, content_type="text/plain")

        assert ask(hello()).text == "x"


class TestCalls:
    def test_come_with_the_text_before_them(self, provider, answered):
        provider.answer("Looking.", provider.call("a", "weather", city="Zürich", days=2))

        response = answered(hello(tools=TOOLS))

        assert response.text == "Looking."
        assert response.message.tool_calls == (
            ToolCall(id="a", name="weather", arguments={"city": "Zürich", "days": 2}),
        )
        assert response.finish_reason == "tool_calls"

    def test_without_arguments_have_none(self, provider, answered):
        provider.answer(provider.call("a", "clock"))

        [call] = answered(hello(tools=TOOLS)).message.tool_calls

        assert call.arguments == {}

    def test_that_are_whole_in_an_answer_that_is_cut_are_kept(self, provider, answered):
        provider.answer(provider.call("a", "clock"), stop_reason="max_tokens")

        response = answered(hello(tools=TOOLS))

        assert [call.id for call in response.message.tool_calls] == ["a"]
        assert response.finish_reason == "length"

    def test_that_were_forced_and_end_the_turn_are_still_calls(self, provider, answered):
        provider.answer(provider.call("a", "clock"), stop_reason="end_turn")

        assert answered(hello(tools=TOOLS)).finish_reason == "tool_calls"

    def test_of_one_id_are_a_bad_response(self, provider, answered):
        provider.answer(provider.call("a", "clock"), provider.call("a", "weather"))

        with pytest.raises(ModelError, match="two tool calls have one id") as caught:
            answered(hello(tools=TOOLS))

        assert caught.value.code == "bad_response"

    def test_of_the_providers_own_tools_are_none(self, provider, answered):
        search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
        provider.answer("Searching.", search, stop_reason="pause_turn")

        assert answered().message.tool_calls == ()


class TestUsage:
    def test_counts_what_the_cache_was_asked_for_as_input(self, provider, answered):
        usage = {
            "input_tokens": 5,
            "output_tokens": 30,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 200,
            "output_tokens_details": {"thinking_tokens": 12},
        }
        provider.answer("x", usage=usage)

        assert answered().usage == Usage(
            input_tokens=1205,
            output_tokens=30,
            cached_tokens=1000,
            cache_write_tokens=200,
            reasoning_tokens=12,
        )

    def test_may_have_no_counts_of_the_cache(self, provider, answered):
        usage = {"cache_read_input_tokens": None, "cache_creation_input_tokens": None}
        provider.answer("x", usage=usage)

        assert answered().usage == Usage(input_tokens=11, output_tokens=7)


class TestRefusal:
    def test_of_the_model_is_an_error_that_says_why(self, provider, answered):
        details = {"type": "refusal", "category": "bio", "explanation": "Not that."}
        provider.answer("I", stop_reason="refusal", stop_details=details)

        with pytest.raises(ModelError, match="bio: Not that") as caught:
            answered()

        assert (caught.value.code, caught.value.retryable) == ("refused", False)

    def test_may_say_nothing_of_why(self, provider, answered):
        provider.answer(stop_reason="refusal")

        with pytest.raises(ModelError, match="does not say why") as caught:
            answered()

        assert caught.value.code == "refused"


class TestMalformed:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "body"),
            (b"not json", "body"),
            (b"data: {}\n\n", "body"),
            (b'{"content": [', "body"),
            (b'{"content": "\xff"}', "body"),
            (b'{"content": [{"type": "text", "text": "\\ud800"}]}', "body"),
            (b"[" * 100_000, "body"),
            (b"[]", "body"),
            (b"{}", "content"),
            (b'{"content": null}', "content"),
            (b'{"content": ["x"]}', "content.0"),
            (b'{"content": [{"text": "x"}]}', "content.0"),
            (b'{"content": [{"type": "text", "text": 5}]}', "content.0.text.text"),
            (b'{"content": [{"type": "thinking"}]}', "content.0.thinking.thinking"),
            (b'{"content": [{"type": "tool_use", "id": "a"}]}', "content.0.tool_use.name"),
            (
                b'{"content": [{"type": "tool_use", "id": "", "name": "t", "input": {}}]}',
                "content.0.tool_use.id",
            ),
            (
                b'{"content": [{"type": "tool_use", "id": "a", "name": "t", "input": "{}"}]}',
                "content.0.tool_use.input",
            ),
            (
                b'{"content": [{"type": "tool_use", "id": "a", "name": "t", "input": {"x": NaN}}]}',
                "body",
            ),
            (b'{"content": [], "usage": {"input_tokens": -1}}', "usage.input_tokens"),
            (b'{"content": [], "usage": {"input_tokens": "5"}}', "usage.input_tokens"),
            (b'{"type": "error", "error": {"message": "upstream died"}}', "upstream died"),
        ],
    )
    def test_answer_is_a_bad_response_that_says_where(self, provider, ask, body, why):
        provider.raw(200, body)

        with pytest.raises(ModelError) as caught:
            ask(hello())

        assert (caught.value.code, caught.value.retryable) == ("bad_response", True)
        assert why in str(caught.value)

    def test_answer_that_is_too_long_is_a_bad_response(self, provider, ask, monkeypatch):
        monkeypatch.setattr("headrace_anthropic._client._LARGEST", 1000)
        provider.answer("x" * 1001)

        with pytest.raises(ModelError, match="longer than 1000 bytes") as caught:
            ask(hello())

        assert caught.value.code == "bad_response"


class TestSideBySide:
    def test_many_requests_share_one_model_and_get_their_own_answers(self, provider, opened):
        for number in range(20):
            provider.answer(str(number))

        async def many():
            async with opened() as model:
                return await asyncio.gather(*(model.chat(hello()) for _ in range(20)))

        texts = [response.text for response in asyncio.run(many())]

        assert sorted(texts, key=int) == [str(number) for number in range(20)]
