"""Streamed chat completions: parts as they come, and the same answer at the end."""

from __future__ import annotations

import asyncio

import pytest

from headrace.chat import ChatDelta, ChatRequest, Message, ToolCall, ToolSpec
from headrace.errors import ModelError

from .replies import Completion, event

HELLO = ChatRequest(
    messages=(Message(role="user", content="hello"),), tools=(ToolSpec(name="weather"),)
)
DONE = b"data: [DONE]\n\n"


def call(call_id: str, name: str, arguments: str) -> dict[str, object]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chunk(delta=None, finish_reason=None, **more) -> bytes:
    """A terse server's chunk."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return event({"choices": [choice], **more})


@pytest.fixture
def failure(provider, stream):
    """The error of a stream of just these pieces, and the parts that came before it."""

    def stream_and_fail(*pieces: bytes, cut: bool = False) -> ModelError:
        provider.stream(*pieces, cut=cut)
        with pytest.raises(ModelError) as caught:
            stream(HELLO)
        assert caught.value.__context__ is None
        return caught.value

    return stream_and_fail


class TestAnswer:
    @pytest.mark.parametrize(
        "choice",
        [
            {"content": "Grüße aus Zürich 👋"},
            {"content": ""},
            {"content": "It is r", "finish_reason": "length"},
            {"content": "It is", "finish_reason": "content_filter"},
            {"content": "Rain.", "reasoning_content": "Clouds, so rain."},
            {"content": "Rain.", "reasoning": "Clouds, so rain."},
            {
                "content": "Looking.",
                "tool_calls": [
                    call("a", "weather", '{"city": "Zürich", "days": 2}'),
                    call("b", "weather", "{}"),
                    call("c", "weather", ""),
                ],
                "finish_reason": "tool_calls",
            },
        ],
    )
    def test_is_the_one_that_chat_gives(self, provider, ask, stream, choice):
        usage = {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 30},
        }
        provider.reply(Completion(choice, usage=usage))

        whole = ask(HELLO)
        streamed, parts = stream(HELLO)

        assert streamed == whole
        assert "".join(part.text for part in parts) == whole.text
        assert "".join(part.reasoning for part in parts) == whole.message.reasoning

    def test_comes_in_parts_while_it_is_written(self, provider, opened):
        provider.stream(chunk({"content": "One "}), chunk({"content": "two."}), chunk({}, "stop"))
        parts = []

        async def run():
            async with opened() as model:
                await model.stream(HELLO, parts.append)

        asyncio.run(run())

        assert parts == [ChatDelta(text="One "), ChatDelta(text="two.")]

    def test_asks_for_the_usage(self, provider, stream):
        provider.answer({"content": "x"})

        response, _ = stream(HELLO)

        assert provider.bodies[-1]["stream_options"] == {"include_usage": True}
        assert (response.usage.input_tokens, response.usage.output_tokens) == (11, 7)

    def test_of_a_server_that_does_not_stream_is_one_part(self, provider, stream):
        provider.raw(200, {"choices": [{"message": {"content": "x"}}]})

        response, parts = stream(HELLO)

        assert response.text == "x"
        assert parts == [ChatDelta(text="x")]

    def test_ends_by_its_reason_though_the_mark_of_the_end_is_missing(self, provider, stream):
        provider.stream(chunk({"content": "x"}, "stop"))

        assert stream(HELLO)[0].text == "x"

    def test_ends_by_the_mark_of_the_end_though_its_reason_is_missing(self, provider, stream):
        provider.stream(chunk({"content": "x"}), DONE)

        assert stream(HELLO)[0].finish_reason == "stop"

    def test_is_whole_though_the_connection_is_cut_after_its_end(self, provider, stream):
        provider.stream(chunk({"content": "x"}, "stop"), DONE, cut=True)

        assert stream(HELLO)[0].text == "x"

    def test_is_whole_though_the_server_does_not_hang_up(self, provider, stream):
        provider.stream(chunk({"content": "x"}, "stop"), DONE, held=True)

        assert stream(HELLO)[0].text == "x"

    def test_takes_no_part_of_another_choice_or_of_what_follows_the_end(self, provider, stream):
        other = {"index": 1, "delta": {"content": "no"}}
        provider.stream(
            event({"choices": [other, {"index": 0, "delta": {"content": "yes"}}]}),
            chunk({}, "stop"),
            DONE + b"data: nonsense\n\n",
        )

        assert stream(HELLO)[0].text == "yes"

    def test_passes_over_comments_and_the_filters_first_chunk(self, provider, stream):
        filtered = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "model": ""}
        provider.stream(b": working\n\n", event(filtered), chunk({"content": "x"}, "stop"), DONE)

        response, _ = stream(HELLO)

        assert (response.text, response.model) == ("x", "gpt-test")


class TestCalls:
    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param(
                [
                    {"index": 0, **call("a", "weather", '{"n"')},
                    {"index": 1, **call("b", "weather", '{"n"')},
                    {"index": 1, "function": {"arguments": ": 2}"}},
                    {"index": 0, "function": {"arguments": ": 1}"}},
                ],
                id="side by side",
            ),
            pytest.param(
                [
                    {"index": 0, **call("a", "weather", '{"n": 1}')},
                    {"index": 0, **call("b", "weather", '{"n"')},
                    {"index": 0, "function": {"arguments": ": 2}"}},
                ],
                id="all of one index",
            ),
            pytest.param(
                [call("a", "weather", '{"n": 1}'), call("b", "weather", '{"n": 2}')],
                id="without an index",
            ),
            pytest.param(
                [
                    {"index": 10**9, **call("a", "weather", '{"n": 1}')},
                    {"index": -1, **call("b", "weather", '{"n": 2}')},
                ],
                id="of any index",
            ),
            pytest.param(
                [
                    {"index": 0, "id": "a", "function": {"name": "weather", "arguments": None}},
                    {"index": 0, "id": "a", "function": {"arguments": '{"n": 1}'}},
                    {"index": 1, "id": "b", "function": {"name": "weather"}},
                    {"index": 1, "id": "b", "function": {"arguments": '{"n": 2}'}},
                ],
                id="with the id in each part",
            ),
        ],
    )
    def test_are_put_together_whatever_the_servers_manner(self, provider, stream, parts):
        provider.stream(*(chunk({"tool_calls": [part]}) for part in parts), DONE)

        response, _ = stream(HELLO)

        assert response.message.tool_calls == (
            ToolCall(id="a", name="weather", arguments={"n": 1}),
            ToolCall(id="b", name="weather", arguments={"n": 2}),
        )
        assert response.finish_reason == "tool_calls"

    def test_without_ids_are_given_some(self, provider, stream):
        nameless = {"function": {"name": "weather", "arguments": "{}"}}
        provider.stream(chunk({"tool_calls": [nameless, nameless]}, "stop"))

        first, second = stream(HELLO)[0].message.tool_calls

        assert first.id
        assert first.id != second.id

    def test_whose_arguments_are_cut_are_a_bad_response(self, failure):
        error = failure(chunk({"tool_calls": [call("a", "weather", '{"ci')]}, "length"), DONE)

        assert error.code == "bad_response"
        assert "cut at its length limit" in str(error)

    def test_without_a_name_are_a_bad_response(self, failure):
        error = failure(chunk({"tool_calls": [{"index": 0, "id": "a"}]}, "stop"))

        assert error.code == "bad_response"


class TestBroken:
    @pytest.mark.parametrize(
        ("pieces", "cut"),
        [
            pytest.param((), True, id="at once"),
            pytest.param((chunk({"content": "It is r"}),), True, id="inside the answer"),
            pytest.param((chunk({"content": "It"}), b'data: {"ch'), True, id="inside a chunk"),
            pytest.param((chunk({"content": "It is r"}),), False, id="without a cut"),
            pytest.param((chunk({"content": "It"}), b'data: {"ch'), False, id="inside, uncut"),
        ],
    )
    def test_off_before_the_end_is_a_failure_of_the_connection(self, failure, pieces, cut):
        error = failure(*pieces, cut=cut)

        assert (error.code, error.retryable) == ("connection", True)

    @pytest.mark.parametrize(
        "data",
        [
            b"not json",
            b'{"choices": [',
            b"[]",
            b"5",
            b"{}",
            b'{"choices": {}}',
            b'{"choices": [{"index": 0, "delta": {"content": 5}}]}',
            b'{"choices": [{"index": 0, "delta": {"tool_calls": [{"index": "x"}]}}]}',
            b'{"choices": [], "usage": {"prompt_tokens": -1}}',
            b'{"choices": "\xff"}',
        ],
    )
    def test_chunk_is_a_bad_response(self, failure, data):
        error = failure(chunk({"content": "x"}), b"data: " + data + b"\n\n", DONE)

        assert (error.code, error.retryable) == ("bad_response", True)
        assert "chunk" in str(error)

    @pytest.mark.parametrize("body", [b"", b"<html>Welcome</html>\n\n"])
    def test_stream_that_is_none_is_a_bad_response(self, provider, stream, body):
        provider.raw(200, body, content_type="text/html")

        with pytest.raises(ModelError, match="no stream of events") as caught:
            stream(HELLO)

        assert caught.value.code == "bad_response"


class TestErrorInside:
    @pytest.mark.parametrize(
        ("told", "code"),
        [
            ({"message": "slow down", "code": "rate_limit_exceeded"}, "rate_limited"),
            ({"message": "sorry", "type": "server_error", "code": None}, "overloaded"),
            ({"message": "too many", "type": "BadRequestError", "code": 400}, "bad_request"),
            ({"message": "gone", "code": 502}, "overloaded"),
            ({"message": "no", "code": 401}, "unauthorised"),
            ({"message": "context length is 8", "code": 400}, "context_too_long"),
            ({"message": "filtered", "code": "content_filter"}, "content_filtered"),
            ({"message": "what?", "type": "invalid_request_error"}, "bad_request"),
            ({"message": "who knows"}, "bad_response"),
            ("died", "bad_response"),
        ],
    )
    def test_has_its_code_and_its_words(self, failure, told, code):
        error = failure(chunk({"content": "x"}), event({"error": told}))

        assert error.code == code
        assert (told if isinstance(told, str) else told["message"]) in str(error)

    def test_shows_no_secret(self, failure, key):
        error = failure(event({"error": {"message": f"Bearer {key} is wrong"}}))

        assert key not in str(error)


class TestRefusal:
    def test_of_the_model(self, provider, stream):
        provider.answer({"refusal": "I can't help with that."})

        with pytest.raises(ModelError, match="I can't help with that") as caught:
            stream(HELLO)

        assert caught.value.code == "refused"

    def test_of_the_filter(self, provider, stream):
        provider.answer({"content": "", "finish_reason": "content_filter"})

        with pytest.raises(ModelError) as caught:
            stream(HELLO)

        assert caught.value.code == "content_filtered"


class TestListener:
    def test_that_raises_ends_the_stream_with_its_own_error(self, provider, opened):
        provider.answer({"content": "Rain."})

        def refuse(delta):
            raise RuntimeError("enough")

        async def run():
            async with opened() as model:
                with pytest.raises(RuntimeError, match="enough"):
                    await model.stream(HELLO, refuse)
                return await model.chat(HELLO)

        assert asyncio.run(run()).text == "Rain."

    def test_many_streams_share_one_model(self, provider, opened):
        provider.answer({"content": "Rain at noon."})

        async def run():
            async with opened() as model:
                return await asyncio.gather(
                    *(model.stream(HELLO, lambda _: None) for _ in range(30))
                )

        assert {response.text for response in asyncio.run(run())} == {"Rain at noon."}

    def test_a_stream_that_is_given_up_leaves_the_model_usable(self, provider, opened):
        provider.answers.append("slow")
        provider.answer({"content": "here"})

        async def run():
            async with opened() as model:
                first = asyncio.ensure_future(model.stream(HELLO, lambda _: None))
                await provider.arrival()
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                return await model.stream(HELLO, lambda _: None)

        assert asyncio.run(run()).text == "here"


class TestLong:
    def test_answer_is_cut_off_at_a_bound(self, provider, stream, monkeypatch):
        monkeypatch.setattr("headrace_openai._client._LIMIT", 10_000)
        provider.stream(*(chunk({"content": "x" * 1000}) for _ in range(20)), DONE)

        with pytest.raises(ModelError, match="longer than 10000 bytes") as caught:
            stream(HELLO)

        assert caught.value.code == "bad_response"

    def test_answer_below_the_bound_is_taken(self, provider, stream):
        provider.answer({"content": "x" * 200_000})

        response, parts = stream(HELLO)

        assert len(response.text) == 200_000
        assert response.text == "".join(part.text for part in parts)
