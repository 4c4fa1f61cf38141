"""What answers become, whole and in events: texts, calls, reasoning, costs, and why they ended."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib

import pytest

from headrace.chat import ChatRequest, Message, ToolSpec, Usage
from headrace.errors import ModelError

from .framing import event, frame

WEATHER = ToolSpec(name="weather")


def hello(**more):
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


@pytest.fixture(params=["whole", "streamed"])
def answered(request, ask, stream):
    """Asks once, in one of the two ways."""
    return ask if request.param == "whole" else lambda *a, **m: stream(*a, **m)[0]


@pytest.fixture
def failed(answered):
    """The error of one request, in one of the two ways."""

    def fail(asked=None):
        with pytest.raises(ModelError) as caught:
            answered(asked or hello())
        return caught.value

    return fail


class TestAnswer:
    def test_has_texts_calls_and_reasoning(self, provider, answered):
        provider.says(
            provider.thought("It is autumn."),
            "I look. ",
            provider.call("a", "weather", city="Zürich"),
            provider.call("b", "weather"),
        )

        response = answered(hello(tools=(WEATHER,)))

        assert response.text == "I look. "
        assert response.message.reasoning == "It is autumn."
        assert [(call.id, call.arguments) for call in response.message.tool_calls] == [
            ("a", {"city": "Zürich"}),
            ("b", {}),
        ]
        assert response.finish_reason == "tool_calls"

    def test_keeps_what_is_sealed(self, provider, answered):
        sealed = base64.b64encode(b"sealed").decode()
        provider.says({"reasoningContent": {"redactedContent": sealed}}, "Rain.")

        message = answered(hello()).message

        kept = {"reasoningContent": {"redactedContent": sealed}}
        assert message.native == {"bedrock": {"blocks": [kept, {"text": "Rain."}]}}
        assert (message.content, message.reasoning) == ("Rain.", "")

    def test_of_text_only_keeps_nothing_besides(self, provider, answered):
        provider.says("Rain.")

        assert answered(hello()).message.native == {}

    def test_keeps_what_the_model_answers_of_its_own(self, provider, answered):
        provider.says("Rain.", additionalModelResponseFields={"stop_sequence": "END"})
        asked = hello(options={"additionalModelResponseFieldPaths": ["/stop_sequence"]})

        message = answered(asked).message

        assert message.native == {"bedrock": {"fields": {"stop_sequence": "END"}}}

    def test_costs_all_that_was_read_and_says_what_was_cached(self, provider, answered):
        read = {"inputTokens": 5, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 20}
        provider.says("Rain.", usage={**read, "outputTokens": 3})

        assert answered(hello()).usage == Usage(
            input_tokens=125, output_tokens=3, cached_tokens=100, cache_write_tokens=20
        )

    def test_names_the_model_that_was_asked(self, provider, answered):
        provider.says("Rain.")

        assert answered(hello()).model == "eu.amazon.nova-lite-v1:0"
        assert answered(hello(options={"model": "other.model-v1"})).model == "other.model-v1"

    def test_names_the_model_that_a_router_chose(self, provider, answered):
        chosen = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0"
        provider.says("Rain.", trace={"promptRouter": {"invokedModelId": chosen}})

        assert answered(hello()).model == chosen

    def test_with_the_services_own_tools_has_no_call_of_ours(self, provider, ask):
        used = provider.call("s", "search", q="rain")
        used["toolUse"]["type"] = "server_tool_use"
        provider.says(used, "Rain.", reason="end_turn")

        response = ask(hello())

        assert (response.text, response.message.tool_calls) == ("Rain.", ())

    @pytest.mark.parametrize(
        ("reason", "meant"),
        [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("guardrail_intervened", "content_filter"),
            ("content_filtered", "content_filter"),
        ],
    )
    def test_says_why_it_ended(self, provider, answered, reason, meant):
        provider.says("It is r", reason=reason)

        assert answered(hello()).finish_reason == meant


class TestNone:
    @pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered"])
    def test_of_what_a_filter_left_is_told(self, provider, failed, reason):
        provider.says(reason=reason)

        error = failed()

        assert (error.code, error.retryable) == ("content_filtered", False)
        assert reason in str(error)

    @pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
    def test_of_the_models_is_a_bad_response(self, provider, failed, reason):
        provider.says("x", reason=reason)

        error = failed()

        assert (error.code, error.retryable) == ("bad_response", True)
        assert reason in str(error)

    def test_with_two_calls_of_one_id_is_a_bad_response(self, provider, failed):
        provider.says(provider.call("a", "weather"), provider.call("a", "weather"))

        assert "one id" in str(failed(hello(tools=(WEATHER,))))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"[]",
            b"5",
            b"<html>",
            b'{"output": 5}',
            b'{"output": {"message": {"content": 5}}, "stopReason": "end_turn"}',
            b'{"output": {"message": {"content": [5]}}, "stopReason": "end_turn"}',
            b'{"output": {"message": {"content": [{"text": 5}]}}, "stopReason": "end_turn"}',
            b'{"output": {"message": {"content": [{"text": "x"}]}}}',
            b'{"output": {"message": {"content": [{"toolUse": {"toolUseId": "a", "name": "t", '
            b'"input": 5}}]}}, "stopReason": "tool_use"}',
            b'{"output": {"message": {"content": [{"toolUse": {"toolUseId": "a", "name": "t", '
            b'"input": {"x": NaN}}}]}}, "stopReason": "tool_use"}',
            b'{"output": {"message": {"content": [{"reasoningContent": {"redactedContent": "A"}}]}}'
            b', "stopReason": "end_turn"}',
            b'{"output": {"message": {"content": []}}, "stopReason": "end_turn", "usage": '
            b'{"inputTokens": -1, "outputTokens": 1}}',
            b'{"output": ' + b"[" * 3000,
            b"\xff\xfe",
        ],
    )
    def test_of_the_interfaces_is_a_bad_response(self, provider, ask, body):
        provider.raw(200, body)

        with pytest.raises(ModelError) as caught:
            ask(hello())

        assert caught.value.code == "bad_response"
        assert caught.value.__context__ is None


class TestStreams:
    def begun(self):
        return [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "It is r"}}},
        ]

    def ended(self):
        usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
        return [
            {"contentBlockStop": {"contentBlockIndex": 0}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": usage, "metrics": {"latencyMs": 5}}},
        ]

    @pytest.fixture
    def broken(self, stream):
        """The error of a stream, and the parts that came before it."""

        def fail():
            with pytest.raises(ModelError) as caught:
                stream(hello())
            assert caught.value.__context__ is None
            return caught.value

        return fail

    def test_tell_text_and_reasoning_as_they_come(self, provider, stream):
        provider.says(provider.thought("It is autumn."), "It is raining.")

        response, told = stream(hello())

        assert len(told) > 4
        assert "".join(part.text for part in told) == response.text
        assert "".join(part.reasoning for part in told) == response.message.reasoning

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_are_read_wherever_the_network_cuts_them(self, provider, stream, size):
        provider.events(*self.begun(), *self.ended(), size=size)

        response, _ = stream(hello())

        assert (response.text, response.usage.tokens) == ("It is r", 3)

    def test_pass_over_events_that_nobody_knows(self, provider, stream):
        provider.events(*self.begun(), event("somethingNew", {"x": 1}), *self.ended())

        assert stream(hello())[0].text == "It is r"

    def test_that_are_held_open_after_all_was_said_are_whole(self, provider, stream):
        provider.events(*self.begun(), *self.ended(), end="held")

        assert stream(hello())[0].text == "It is r"

    def test_that_say_no_costs_are_whole(self, provider, stream):
        provider.events(*self.begun(), *self.ended()[:-1])

        response, _ = stream(hello())

        assert (response.text, response.usage) == ("It is r", Usage())

    @pytest.mark.parametrize("end", ["", "cut"])
    def test_that_end_too_early_are_a_broken_connection(self, provider, broken, end):
        provider.events(*self.begun(), end=end)

        error = broken()

        assert (error.code, error.retryable) == ("connection", True)

    def test_that_end_inside_of_an_event_are_a_broken_connection(self, provider, broken):
        whole = event("messageStop", {"stopReason": "end_turn"})
        provider.events(*self.begun(), whole[:-3])

        assert broken().code == "connection"

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("throttlingException", "rate_limited"),
            ("internalServerException", "overloaded"),
            ("serviceUnavailableException", "overloaded"),
            ("modelStreamErrorException", "overloaded"),
            ("validationException", "bad_request"),
        ],
    )
    def test_that_tell_an_error_have_its_code(self, provider, broken, name, meant):
        provider.events(*self.begun(), provider.exception(name, message="It went wrong."))

        error = broken()

        assert error.code == meant
        assert "It went wrong." in str(error)

    def test_that_tell_an_error_that_nobody_knows_say_so(self, provider, broken):
        provider.events(*self.begun(), provider.exception("somethingNew", message="x"))

        error = broken()

        assert error.code == "unknown"
        assert "an error that its client does not know" in str(error)

    def test_that_tell_of_a_conversation_that_is_too_long_have_its_code(self, provider, broken):
        words = "Input is too long for requested model."
        provider.events(provider.exception("validationException", message=words))

        assert broken().code == "context_too_long"

    @pytest.mark.parametrize(
        "data",
        [
            b"no frames at all, but a text",
            b"\x00\x00\x00\x10\x00\x00\x00\x00" + bytes(8),  # a checksum that is wrong
            b"\xff\xff\xff\xff\x00\x00\x00\x00"
            + zlib.crc32(b"\xff" * 4 + bytes(4)).to_bytes(4, "big"),
            event("contentBlockDelta", 5),
            event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 5}}),
            event("contentBlockDelta", {"contentBlockIndex": "x", "delta": {"text": "y"}}),
            event(
                "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{"}}}
            ),
            event("messageStop", {"stopReason": 5}),
            frame({":event-type": "messageStop", ":message-type": "event"}, b"<html>"),
        ],
        ids=range(9),
    )
    def test_of_what_is_no_event_are_a_bad_response(self, provider, broken, data):
        provider.events(data)

        assert broken().code == "bad_response"

    def test_with_a_block_of_two_kinds_are_a_bad_response(self, provider, broken):
        use = {"toolUseId": "a", "name": "weather"}
        call = {"contentBlockStart": {"start": {"toolUse": use}, "contentBlockIndex": 0}}
        provider.events(call, self.begun()[1], *self.ended())

        assert "two kinds" in str(broken())

    def test_with_arguments_that_are_no_json_are_a_bad_response(self, provider, broken):
        use = {"toolUseId": "a", "name": "weather"}
        where = {"contentBlockIndex": 0}
        provider.events(
            {"contentBlockStart": {"start": {"toolUse": use}, **where}},
            {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"city": '}}, **where}},
            *self.ended(),
        )

        assert "arguments" in str(broken())

    def test_that_are_given_up_leave_the_model_usable(self, provider, opened):
        provider.events(*self.begun(), end="held")
        provider.says("here")
        told = []

        async def give_up_and_ask_again():
            async with opened() as model:
                came = asyncio.Event()

                def listen(part):
                    told.append(part.text)
                    came.set()

                slow = asyncio.ensure_future(model.stream(hello(), listen))
                await asyncio.wait_for(came.wait(), 60)
                slow.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await slow
                return await model.chat(hello())

        assert asyncio.run(give_up_and_ask_again()).text == "here"
        assert told == ["It is r"]

    def test_end_with_the_error_of_a_listener(self, provider, opened):
        provider.says("It is raining.")

        async def listen():
            def raises(_):
                raise LookupError("the listener's own")

            async with opened() as model:
                await model.stream(hello(), raises)

        with pytest.raises(LookupError, match="the listener's own"):
            asyncio.run(listen())

    def test_share_their_connection_with_what_follows(self, provider, opened):
        provider.says("It is raining.")

        async def twice():
            async with opened() as model:
                await model.stream(hello(), lambda _: None)
                await model.stream(hello(), lambda _: None)

        asyncio.run(twice())

        assert len(set(provider.clients)) == 1


def test_more_requests_than_the_client_has_connections_share_one_model(provider, opened):
    # By itself it would let ten through and keep the others waiting.
    provider.answers.append("slow")
    waiting = 60

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


def test_answers_survive_the_journal(provider, answered):
    provider.says(provider.thought("Hm."), "Rain.", provider.call("a", "weather", x=[1, None]))

    response = answered(hello(tools=(WEATHER,)))

    assert type(response).model_validate(json.loads(response.model_dump_json())) == response
