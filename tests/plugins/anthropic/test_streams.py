"""Answers that come in parts: what is told of them, and streams that break."""

from __future__ import annotations

import asyncio
import json

import pytest

from headrace.chat import ChatDelta, ChatRequest, Message, ToolSpec
from headrace.errors import ModelError

HELLO = ChatRequest(
    messages=(Message(role="user", content="hello"),), tools=(ToolSpec(name="clock"),)
)
CITED = {
    "type": "char_location",
    "cited_text": "Grüße",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 5,
    "file_id": None,
}


@pytest.fixture
def broken(stream):
    """The error of one stream."""

    def ask_and_fail() -> ModelError:
        with pytest.raises(ModelError) as caught:
            stream(HELLO)
        return caught.value

    return ask_and_fail


def without(events: list[dict], *kinds: str) -> list[dict]:
    return [event for event in events if event["type"] not in kinds]


def delta(index: int, kind: str, **what) -> dict:
    part = {"type": f"{kind}_delta", **what}
    return {"type": "content_block_delta", "index": index, "delta": part}


def start(**block) -> dict:
    return {"type": "content_block_start", "index": 0, "content_block": block}


class TestParts:
    def test_of_text_and_thinking_are_told_as_they_come(self, provider, stream):
        provider.answer(provider.thought("Hm. Rain?"), "It rains.")

        _, told = stream(HELLO)

        assert told == [
            ChatDelta(reasoning="Hm. "),
            ChatDelta(reasoning="Rain?"),
            ChatDelta(text="It r"),
            ChatDelta(text="ains."),
        ]

    def test_join_to_the_answer(self, provider, stream):
        provider.answer(
            provider.thought("One."),
            "A ",
            provider.thought("Two."),
            "B",
            provider.call("a", "clock"),
        )

        response, told = stream(HELLO)

        assert "".join(part.text for part in told) == response.text == "A B"
        assert "".join(part.reasoning for part in told) == response.message.reasoning

    def test_make_the_answer_that_would_have_come_at_once(self, provider, stream, ask):
        provider.answer(
            provider.thought("Hm."),
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
            {"type": "text", "text": "Grüße.", "citations": [CITED]},
            provider.call("a", "clock", at={"city": "Zürich", "list": [1, None, "x"]}),
            usage={"cache_read_input_tokens": 9, "output_tokens_details": {"thinking_tokens": 2}},
        )

        streamed, _ = stream(HELLO)

        assert streamed == ask(HELLO)

    def test_are_asked_for(self, provider, stream):
        provider.answer("x")

        stream(HELLO)

        assert provider.bodies[0]["stream"] is True

    def test_are_told_while_the_answer_is_being_written(self, provider, opened):
        begun = provider.parts("It rains.")[:5]
        provider.events(*begun, end="held")

        async def first_part() -> ChatDelta:
            told: asyncio.Queue[ChatDelta] = asyncio.Queue()
            async with opened() as model:
                task = asyncio.ensure_future(model.stream(HELLO, told.put_nowait))
                part = await asyncio.wait_for(told.get(), 30)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return part

        assert asyncio.run(first_part()) == ChatDelta(text="It r")

    def test_that_the_caller_fails_on_fail_with_the_callers_error(self, provider, opened):
        provider.answer("x")

        def fail(part: ChatDelta) -> None:
            raise LookupError(part.text)

        async def ask() -> None:
            async with opened() as model:
                await model.stream(HELLO, fail)

        with pytest.raises(LookupError, match="x"):
            asyncio.run(ask())

    @pytest.mark.parametrize("ending", ["\r\n", "\n"])
    def test_are_read_whatever_ends_their_lines(self, provider, stream, ending):
        written = "".join(
            f"event: {event['type']}\n: a comment\nid: 7\ndata:{json.dumps(event)}\n\n"
            for event in provider.parts("It rains.")
        )
        provider.events(written.replace("\n", ending).encode())

        assert stream(HELLO)[0].text == "It rains."

    def test_of_kinds_that_are_not_known_are_left_alone(self, provider, stream):
        events = provider.parts("It rains.")
        events.insert(3, {"type": "content_block_forecast", "index": 0})
        events.insert(4, {"type": "content_block_delta", "index": 0, "delta": {"type": "mood"}})
        provider.events(*events)

        assert stream(HELLO)[0].text == "It rains."

    def test_are_read_to_their_end_so_that_the_connection_serves_again(self, provider, opened):
        provider.answer("x")

        async def twice() -> None:
            async with opened() as model:
                for _ in range(2):
                    await model.stream(HELLO, lambda _: None)

        asyncio.run(twice())

        assert len(set(provider.clients)) == 1


class TestBroken:
    @pytest.mark.parametrize("count", [1, 3, 5, 7])
    @pytest.mark.parametrize("end", ["cut", ""], ids=["cut", "ended"])
    def test_stream_before_its_end_is_a_failure_of_the_connection(
        self, provider, broken, count, end
    ):
        provider.events(*provider.parts("It rains.")[:count], end=end)

        error = broken()

        assert (error.code, error.retryable) == ("connection", True)

    def test_connection_after_the_end_does_no_harm(self, provider, stream):
        provider.events(*provider.parts("It rains."), end="cut")

        assert stream(HELLO)[0].text == "It rains."

    @pytest.mark.parametrize(
        ("kind", "text", "code"),
        [
            ("overloaded_error", "Overloaded", "overloaded"),
            ("api_error", "Internal server error", "overloaded"),
            ("rate_limit_error", "Slow down", "rate_limited"),
            ("timeout_error", "Too slow", "timeout"),
            ("invalid_request_error", "prompt is too long: 9 > 8", "context_too_long"),
            (
                "invalid_request_error",
                "Output blocked by content filtering policy",
                "content_filtered",
            ),
            ("invalid_request_error", "messages: Field required", "bad_request"),
            ("authentication_error", "invalid x-api-key", "unauthorised"),
            ("permission_error", "no", "unauthorised"),
            ("not_found_error", "model: claude-test", "bad_request"),
            ("request_too_large", "too large", "context_too_long"),
            ("something_new", "what?", "unknown"),
        ],
    )
    def test_stream_says_what_broke_it(self, provider, broken, kind, text, code):
        begun = provider.parts("It rains.")[:4]
        provider.events(*begun, {"type": "error", "error": {"type": kind, "message": text}})

        error = broken()

        assert error.code == code
        assert f"127.0.0.1 broke off with {kind}: {text}" in str(error)

    def test_stream_of_an_answer_that_is_not_one_is_a_bad_response(self, provider, broken):
        provider.raw(200, b"<html>Welcome</html>", content_type="text/html")

        assert broken().code == "bad_response"

    def test_stream_that_is_too_long_is_a_bad_response(self, provider, broken, monkeypatch):
        monkeypatch.setattr("headrace_anthropic._client._LARGEST", 1000)
        provider.answer("x" * 1001)

        assert broken().code == "bad_response"

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda e: [b"data: {\n\n", *e], "not JSON"),
            (lambda e: [b"data: \xff\n\n", *e], "not JSON"),
            (lambda e: [b"data: []\n\n", *e], "no object"),
            (lambda e: [b'data: {"message": {}}\n\n', *e], "type: Field required"),
            (lambda e: e[1:], "before message_start"),
            (lambda e: [e[0], *e], "second message_start"),
            (lambda e: [{"type": "message_start"}, *e], "message: Field required"),
            (lambda e: [{"type": "message_start", "message": {"usage": []}}, *e], "usage"),
            (lambda e: without(e, "content_block_start"), "has not started"),
            (lambda e: [*e[:3], *e[2:]], "block 0 starts where block 1 is due"),
            (lambda e: [*e[:3], delta(-1, "text", text="x")], "index"),
            (lambda e: [*e[:3], delta(0, "text", text=5)], "delta.text"),
            (lambda e: [*e[:3], delta(0, "thinking", thinking="x")], "which is of text"),
            (lambda e: [*e[:3], delta(0, "signature", signature="x")], "which is of text"),
            (lambda e: [*e[:3], delta(0, "input_json", partial_json="{}")], "which is of text"),
            (lambda e: [*e[:2], start(text="x")], "content_block.other.type"),
            (lambda e: [*e[:2], start(type="text", text=5)], "text.text"),
            (lambda e: [*e[:2], start(type="tool_use", id="", name="t", input={})], "tool_use.id"),
            (
                lambda e: [*e[:2], start(type="thinking", thinking="", signature=5)],
                "thinking.signature",
            ),
            (
                lambda e: [*e[:-2], {**e[-2], "usage": {"output_tokens": "many"}}, e[-1]],
                "usage.output_tokens",
            ),
        ],
    )
    def test_stream_of_malformed_events_is_a_bad_response_that_says_where(
        self, provider, broken, spoil, why
    ):
        provider.events(*spoil(provider.parts("It rains.")))

        error = broken()

        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    @pytest.mark.parametrize("arguments", ["{", "[1]", '"text"', "null", '{"a": NaN}', "{}x"])
    def test_arguments_of_a_call_are_a_bad_response_that_names_it(
        self, provider, broken, arguments
    ):
        events = provider.parts(provider.call("a", "clock", at=1))
        for event in events:
            if event["type"] == "content_block_delta":
                event["delta"]["partial_json"] = ""
        events[3]["delta"]["partial_json"] = arguments
        provider.events(*events)

        error = broken()

        assert error.code == "bad_response"
        assert "clock" in str(error) or "tool_use.input" in str(error)

    def test_arguments_that_the_length_limit_cut_say_so(self, provider, broken):
        events = provider.parts(provider.call("a", "clock", at=1), stop_reason="max_tokens")
        whole = [event for event in events if event["type"] == "content_block_delta"]
        events.remove(whole[-1])
        provider.events(*events)

        assert "cut at its length limit" in str(broken())
