"""Streamed responses: parts as they come, and the same answer at the end."""

from __future__ import annotations

import asyncio

import pytest

from headrace.chat import ChatDelta, ChatRequest, Message, ToolSpec
from headrace.errors import ModelError

from .replies import Responded, called, event, refused, said, thought

HELLO = ChatRequest(
    messages=(Message(role="user", content="hello"),), tools=(ToolSpec(name="weather"),)
)
CUT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
BEGIN = {"type": "response.output_text.delta", "output_index": 0, "delta": "It is r"}


@pytest.fixture
def failure(provider, respond_streamed):
    """The error of a stream."""

    def stream_and_fail() -> ModelError:
        with pytest.raises(ModelError) as caught:
            respond_streamed(HELLO)
        assert caught.value.__context__ is None
        return caught.value

    return stream_and_fail


class TestAnswer:
    @pytest.mark.parametrize(
        "reply",
        [
            Responded(said("Grüße aus Zürich 👋")),
            Responded(said("")),
            Responded(said("It is r"), **CUT),
            Responded(thought("Clouds.", "So rain."), said("Rain.")),
            Responded(thought(content=[{"type": "reasoning_text", "text": "Hm."}]), said("Rain.")),
            Responded(said("Looking.", id="msg_0"), said("Rain.")),
            Responded(
                said("Looking."),
                called("a", "weather", '{"city": "Zürich"}'),
                called("b", "weather", "{}"),
            ),
        ],
    )
    def test_is_the_one_that_chat_gives(self, provider, respond, respond_streamed, reply):
        provider.reply(reply)

        whole = respond(HELLO)
        streamed, parts = respond_streamed(HELLO)

        assert streamed == whole
        assert "".join(part.text for part in parts) == whole.text
        assert "".join(part.reasoning for part in parts) == whole.message.reasoning

    def test_comes_in_parts_while_it_is_written(self, provider, respond_streamed):
        provider.reply(Responded(said("It is raining.")))

        _, parts = respond_streamed(HELLO)

        assert len(parts) > 1
        assert parts[0] == ChatDelta(text="It i")

    def test_of_a_server_that_does_not_stream_is_one_part(self, provider, respond_streamed):
        text = {"type": "message", "content": [{"type": "output_text", "text": "x"}]}
        provider.raw(200, {"output": [text]})

        response, parts = respond_streamed(HELLO)

        assert response.text == "x"
        assert parts == [ChatDelta(text="x")]

    def test_is_taken_from_its_items_where_the_end_holds_none(self, provider, respond_streamed):
        end = {"type": "response.completed", "response": {"output": [], "status": "completed"}}
        done = {"type": "response.output_item.done", "output_index": 0, "item": said("x")}
        provider.stream(event(BEGIN), event(done), event(end))

        assert respond_streamed(HELLO)[0].text == "x"

    def test_passes_over_events_that_it_does_not_know(self, provider, respond_streamed):
        end = {"type": "response.completed", "response": {"output": [said("x")]}}
        provider.stream(event({"type": "keepalive"}), b": ping\n\n", event(end), cut=True)

        assert respond_streamed(HELLO)[0].text == "x"


class TestBroken:
    @pytest.mark.parametrize("cut", [True, False], ids=["cut", "ended"])
    @pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"], ids=["silent", "marked"])
    def test_off_before_the_end_is_a_failure_of_the_connection(self, provider, failure, cut, end):
        provider.stream(event(BEGIN), *([end] if end else []), cut=cut)

        assert failure().code == "connection"

    @pytest.mark.parametrize(
        "data",
        [
            b"not json",
            b"[]",
            b"5",
            b"{}",
            b'{"type": 5}',
            b'{"type": "response.output_text.delta", "delta": 5}',
            b'{"type": "response.reasoning_text.delta"}',
            b'{"type": "response.completed"}',
            b'{"type": "response.completed", "response": {"output": [5]}}',
            b'{"type": "response.output_text.delta", "delta": "\xff"}',
        ],
    )
    def test_event_is_a_bad_response(self, provider, failure, data):
        provider.stream(event(BEGIN), b"data: " + data + b"\n\n")

        assert failure().code == "bad_response"


class TestFailure:
    @pytest.mark.parametrize(
        ("told", "code"),
        [
            ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, "rate_limited"),
            ({"type": "error", "code": "server_error", "message": "slow"}, "overloaded"),
            ({"type": "error", "error": {"code": 503, "message": "slow"}}, "overloaded"),
            ({"error": {"code": "content_filter", "message": "slow"}}, "content_filtered"),
            ({"type": "error", "code": None, "message": "slow"}, "bad_response"),
        ],
    )
    def test_that_an_event_tells_of_has_its_code(self, provider, failure, told, code):
        provider.stream(event(BEGIN), event(told))

        error = failure()

        assert error.code == code
        assert "slow" in str(error)

    def test_that_the_end_tells_of_has_its_code(self, provider, failure):
        told = {"code": "server_error", "message": "no luck"}
        provider.reply(Responded(status="failed", error=told))

        assert failure().code == "overloaded"

    def test_of_a_refusal(self, provider, failure):
        provider.reply(Responded(refused("I can't help with that.")))

        error = failure()

        assert error.code == "refused"
        assert "I can't help with that." in str(error)

    def test_of_a_filter_that_left_nothing(self, provider, failure):
        details = {"reason": "content_filter"}
        provider.reply(Responded(status="incomplete", incomplete_details=details))

        assert failure().code == "content_filtered"


def test_a_listener_that_raises_ends_the_stream_with_its_own_error(provider, opened_responses):
    provider.reply(Responded(said("Rain.")))

    def refuse(delta):
        raise RuntimeError("enough")

    async def run():
        async with opened_responses() as model:
            with pytest.raises(RuntimeError, match="enough"):
                await model.stream(HELLO, refuse)
            return await model.chat(HELLO)

    assert asyncio.run(run()).text == "Rain."
