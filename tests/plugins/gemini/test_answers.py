"""What answers become: texts, calls, thoughts, costs, and why they ended."""

from __future__ import annotations

import asyncio

import pytest

from headrace.chat import ChatRequest, Message, ToolCall, ToolSpec, Usage
from headrace.errors import ModelError
from headrace.values import decode, encode

TOOLS = (ToolSpec(name="weather"), ToolSpec(name="clock"))
ASKED = Message(role="user", content="hello")
SIGNED = {"thoughtSignature": "c2lnbmF0dXJl"}


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(ASKED,), **more)


def thought(text: str) -> dict[str, object]:
    return {"text": text, "thought": True}


@pytest.fixture(params=["chat", "stream"])
def answered(request, ask, stream):
    """Asks once, at once or in parts, and gives the answer."""

    def once(asked: ChatRequest | None = None, **arguments):
        if request.param == "chat":
            return ask(asked or hello(), **arguments)
        return stream(asked or hello(), **arguments)[0]

    return once


@pytest.fixture
def failed(answered):
    """The error of one request, at once or in parts."""

    def once(**arguments) -> ModelError:
        with pytest.raises(ModelError) as caught:
            answered(**arguments)
        return caught.value

    return once


class TestText:
    def test_comes_back_as_it_is(self, provider, answered):
        provider.says("Grüße 👋\n\u2028\u0085 und \\n")

        assert answered().text == "Grüße 👋\n\u2028\u0085 und \\n"

    def test_in_several_parts_is_one(self, provider, answered):
        provider.says("It is ", "raining.")

        assert answered().text == "It is raining."

    def test_may_be_nothing(self, provider, answered):
        provider.says()

        response = answered()

        assert (response.text, response.finish_reason) == ("", "stop")

    def test_names_the_model_that_answered(self, provider, answered):
        provider.says("x")

        assert answered().model == "gemini-3-test-001"

    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            ("STOP", "stop"),
            ("MAX_TOKENS", "length"),
            ("SAFETY", "content_filter"),
            ("RECITATION", "content_filter"),
            ("OTHER", "stop"),
        ],
    )
    def test_says_why_it_ended(self, provider, answered, said, meant):
        provider.says("part", reason=said)

        assert answered().finish_reason == meant

    def test_of_a_terse_server_is_taken(self, provider, ask):
        provider.raw(200, {"candidates": [{"content": {"parts": [{"text": "x"}]}}]})

        response = ask(hello())

        assert (response.text, response.model, response.usage) == ("x", "gemini-3-test", Usage())

    def test_of_a_newer_server_is_taken(self, provider, ask):
        part = {"text": "x", "newThing": 1}
        told = {"content": {"parts": [part]}, "finishReason": "STOP", "newThing": {}}
        provider.raw(200, {"candidates": [told], "newThing": []})

        assert ask(hello()).text == "x"


class TestCalls:
    def test_come_with_the_text_before_them(self, provider, answered):
        provider.says("Looking.", provider.call("weather", "a", city="Zürich", days=2))

        response = answered(hello(tools=TOOLS))

        assert response.text == "Looking."
        assert response.message.tool_calls == (
            ToolCall(id="a", name="weather", arguments={"city": "Zürich", "days": 2}),
        )
        assert response.finish_reason == "tool_calls"

    def test_without_ids_are_numbered_through_the_conversation(self, provider, answered):
        provider.says(provider.call("clock"), provider.call("clock"))
        before = (
            Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="clock"),)),
            Message(role="tool", content="noon", tool_call_id="call_1"),
        )

        response = answered(ChatRequest(messages=(ASKED, *before), tools=TOOLS))

        assert [call.id for call in response.message.tool_calls] == ["call_2", "call_3"]

    def test_with_one_id_are_a_bad_response(self, provider, failed):
        provider.says(provider.call("clock", "a"), provider.call("clock", "a"))

        assert failed().code == "bad_response"

    def test_without_a_name_are_a_bad_response(self, provider, failed):
        provider.says({"functionCall": {"args": {}}})

        assert failed().code == "bad_response"


class TestThoughts:
    def test_are_told_apart_from_the_text(self, provider, answered):
        provider.says(thought("It is "), thought("autumn."), "Rain.")

        response = answered()

        assert (response.message.reasoning, response.text) == ("It is autumn.", "Rain.")

    def test_of_a_plain_answer_keep_nothing(self, provider, answered):
        provider.says("Looking.", provider.call("clock"))

        assert answered().message.native == {}

    @pytest.mark.parametrize("call_id", [None, "fc-1"])
    def test_go_back_with_their_signatures_as_they_came(self, provider, opened, call_id):
        parts = [
            thought("It is autumn."),
            {"text": "Looking."},
            {**provider.call("clock", call_id), **SIGNED},
            provider.call("weather", city="Bern"),
        ]
        provider.says(*parts)
        provider.says("Rain.")

        assert self.went_on(provider, opened) == parts

    def test_go_back_in_the_parts_that_were_signed(self, provider, opened):
        provider.says("Noon", {"text": "!", **SIGNED})
        provider.says("Bye.")

        assert self.went_on(provider, opened) == [{"text": "Noon"}, {"text": "!", **SIGNED}]

    @pytest.mark.parametrize(
        "update",
        [
            {"content": "Looking about."},
            {"tool_calls": (ToolCall(id="call_0", name="clock", arguments={"a": 1}),)},
            {"tool_calls": ()},
        ],
        ids=["text", "arguments", "calls"],
    )
    def test_do_not_go_back_when_the_message_says_something_else(self, provider, opened, update):
        provider.says(thought("Hm."), "Looking.", {**provider.call("clock"), **SIGNED})
        provider.says("Rain.")

        sent = self.went_on(provider, opened, lambda message: message.model_copy(update=update))

        assert thought("Hm.") not in sent
        assert SIGNED["thoughtSignature"] not in str(sent)

    @pytest.mark.parametrize(
        "native", [{"parts": "x"}, {"parts": [1]}, [], {"parts": [{"text": 1}]}]
    )
    def test_made_by_hand_are_left_alone(self, provider, opened, native):
        provider.says("Noon.")
        provider.says("Bye.")

        sent = self.went_on(
            provider, opened, lambda m: m.model_copy(update={"native": {"gemini": native}})
        )

        assert sent == [{"text": "Noon."}]

    def went_on(self, provider, opened, change=lambda message: message) -> list[dict]:
        """Asks, goes on with the answer, and gives what of it was sent back."""

        async def run() -> None:
            async with opened() as model:
                first = await model.stream(hello(tools=TOOLS), lambda _: None)
                message = change(decode(encode(first.message)))  # as a journal gives it back
                results = [
                    Message(role="tool", content="noon", tool_call_id=call.id)
                    for call in message.tool_calls
                ]
                last = results or [Message(role="user", content="Go on.")]
                await model.chat(ChatRequest(messages=(ASKED, message, *last), tools=TOOLS))

        asyncio.run(run())
        sent: list[dict] = provider.bodies[1]["contents"][1]["parts"]
        return sent


class TestCosts:
    def test_are_told_with_thoughts_and_what_was_cached(self, provider, answered):
        provider.says(
            "x",
            usage={
                "promptTokenCount": 100,
                "cachedContentTokenCount": 60,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 20,
                "toolUsePromptTokenCount": 7,
            },
        )

        assert answered().usage == Usage(
            input_tokens=107, output_tokens=25, cached_tokens=60, reasoning_tokens=20
        )

    def test_below_zero_are_none(self, provider, ask):
        told = {"promptTokenCount": -1, "candidatesTokenCount": 2}
        content = {"parts": [{"text": "x"}]}
        provider.raw(200, {"candidates": [{"content": content}], "usageMetadata": told})

        assert ask(hello()).usage == Usage(output_tokens=2)


class TestProbabilities:
    def test_are_kept_and_not_sent_back(self, provider, opened):
        chosen = [{"token": "x", "tokenId": 5, "logProbability": -0.25}]
        provider.says("x", logprobsResult={"chosenCandidates": chosen})
        provider.says("Bye.")

        async def run():
            async with opened(options={"responseLogprobs": True}) as model:
                first = await model.stream(hello(), lambda _: None)
                await model.chat(ChatRequest(messages=(ASKED, first.message, ASKED)))
                return first.message.native["gemini"]

        assert asyncio.run(run()) == {"logprobs": {"chosenCandidates": chosen, "topCandidates": []}}
        assert provider.bodies[0]["generationConfig"] == {"responseLogprobs": True}
        assert "logProbability" not in str(provider.bodies[1])


class TestStreams:
    def test_tell_text_and_thoughts_as_they_come(self, provider, stream):
        provider.says(thought("It is autumn."), "It is raining.")

        response, told = stream(hello())

        assert len(told) > 4
        assert "".join(part.text for part in told) == response.text
        assert "".join(part.reasoning for part in told) == response.message.reasoning

    def test_that_end_too_early_are_a_broken_connection(self, provider, stream):
        provider.events({"candidates": [{"content": {"parts": [{"text": "It is r"}]}}]})

        with pytest.raises(ModelError) as caught:
            stream(hello())

        assert caught.value.code == "connection"

    def test_that_are_cut_are_a_broken_connection(self, provider, stream):
        provider.events({"candidates": [{"content": {"parts": [{"text": "It"}]}}]}, end="cut")

        with pytest.raises(ModelError) as caught:
            stream(hello())

        assert caught.value.code == "connection"

    def test_that_tell_an_error_have_its_code(self, provider, stream):
        provider.events(
            {"candidates": [{"content": {"parts": [{"text": "It"}]}}]},
            {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}},
        )

        with pytest.raises(ModelError) as caught:
            stream(hello())

        assert caught.value.code == "overloaded"

    def test_that_are_given_up_leave_the_model_usable(self, provider, opened):
        provider.answers.append("slow")
        provider.says("here")

        async def give_up_and_ask_again():
            async with opened() as model:
                slow = asyncio.ensure_future(model.stream(hello(), lambda _: None))
                await provider.arrival()
                slow.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await slow
                return await model.chat(hello())

        assert asyncio.run(give_up_and_ask_again()).text == "here"


class TestFilters:
    @pytest.mark.parametrize("streamed", [False, True])
    def test_that_block_the_prompt_are_told(self, provider, ask, stream, streamed):
        body = {"promptFeedback": {"blockReason": "SAFETY"}}
        provider.events(body) if streamed else provider.raw(200, body)

        with pytest.raises(ModelError) as caught:
            (stream if streamed else ask)(hello())

        assert (caught.value.code, caught.value.retryable) == ("content_filtered", False)
        assert "SAFETY" in str(caught.value)

    def test_that_leave_nothing_are_told(self, provider, failed):
        provider.says(reason="PROHIBITED_CONTENT", finishMessage="Not this.")

        error = failed()

        assert (error.code, error.retryable) == ("content_filtered", False)
        assert "PROHIBITED_CONTENT" in str(error)


class TestBroken:
    @pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
    def test_calls_of_the_model_are_a_bad_response(self, provider, failed, reason):
        provider.says("x", reason=reason, finishMessage="print(weather(")

        error = failed()

        assert (error.code, error.retryable) == ("bad_response", True)
        assert reason in str(error)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"[]",
            b"<html>",
            b'{"candidates": []}',
            b'{"candidates": 5}',
            b'{"candidates": [{"content": {"parts": [{"text": 5}]}}]}',
            b'{"candidates": [{"content": "x"}]}',
            b'{"candidates": [{"content": {"parts": '
            b'[{"functionCall": {"name": "a", "args": 5}}]}}]}',
            b'{"candidates": [{"content": {"parts": '
            b'[{"functionCall": {"name": "a", "args": {"x": NaN}}}]}}]}',
            b'{"candidates": ' + b"[" * 3000,
            b"\xff\xfe",
        ],
    )
    def test_bodies_are_a_bad_response(self, provider, ask, body):
        provider.raw(200, body)

        with pytest.raises(ModelError) as caught:
            ask(hello())

        assert caught.value.code == "bad_response"

    @pytest.mark.parametrize("body", [b"data: x\n\n", b'data: {"candidates": 5}\n\n'])
    def test_events_are_a_bad_response(self, provider, stream, body):
        provider.events(body)

        with pytest.raises(ModelError) as caught:
            stream(hello())

        assert caught.value.code == "bad_response"
