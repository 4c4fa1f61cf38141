"""What a response becomes, and what goes wrong with one."""

from __future__ import annotations

import traceback

import pytest

from headrace.chat import ChatRequest, Message, ToolCall, ToolSpec, Usage
from headrace.errors import ModelError

from .replies import Responded, called, refused, said, thought

HELLO = ChatRequest(
    messages=(Message(role="user", content="hello"),), tools=(ToolSpec(name="weather"),)
)


@pytest.fixture
def failure(respond):
    """The error of one request."""

    def ask_and_fail(**arguments) -> ModelError:
        with pytest.raises(ModelError) as caught:
            respond(HELLO, **arguments)
        assert caught.value.__context__ is None
        return caught.value

    return ask_and_fail


class TestAnswer:
    def test_has_text_and_model_and_usage(self, provider, respond):
        usage = {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 16},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 30},
            "total_tokens": 150,
        }
        provider.reply(Responded(said("Grüße"), usage=usage))

        response = respond(HELLO)

        assert (response.text, response.model) == ("Grüße", "gpt-test-2026")
        assert response.finish_reason == "stop"
        assert response.usage == Usage(
            input_tokens=100,
            output_tokens=50,
            cached_tokens=64,
            cache_write_tokens=16,
            reasoning_tokens=30,
        )

    def test_of_several_messages_has_them_one_after_the_other(self, provider, respond):
        provider.reply(Responded(said("Looking.", id="msg_0"), said("Rain.")))

        assert respond(HELLO).text == "Looking.\n\nRain."

    def test_has_calls_in_order(self, provider, respond):
        provider.reply(
            Responded(
                said("Looking."),
                called("a", "weather", '{"city": "Zürich"}'),
                called("b", "weather", ""),
            )
        )

        response = respond(HELLO)

        assert response.message.tool_calls == (
            ToolCall(id="a", name="weather", arguments={"city": "Zürich"}),
            ToolCall(id="b", name="weather"),
        )
        assert (response.text, response.finish_reason) == ("Looking.", "tool_calls")

    def test_has_the_reasoning_that_is_told(self, provider, respond):
        told = thought("Clouds.", "So rain.", content=[{"type": "reasoning_text", "text": "Hm."}])
        provider.reply(Responded(told, said("Rain.")))

        assert respond(HELLO).message.reasoning == "Clouds.\n\nSo rain.\n\nHm."

    def test_of_a_terse_compatible_server_is_taken(self, provider, respond):
        text = {"type": "message", "content": [{"type": "output_text", "text": "x"}]}
        call = {"type": "function_call", "name": "weather", "arguments": "{}"}
        provider.raw(200, {"output": [text, call, call]})

        response = respond(HELLO)

        assert (response.text, response.model) == ("x", "gpt-test")
        first, second = response.message.tool_calls
        assert first.id
        assert first.id != second.id

    @pytest.mark.parametrize(
        ("reason", "meant"),
        [
            ("max_output_tokens", "length"),
            ("content_filter", "content_filter"),
        ],
    )
    def test_that_is_not_whole_says_why(self, provider, respond, reason, meant):
        incomplete = {"status": "incomplete", "incomplete_details": {"reason": reason}}
        provider.reply(Responded(said("It is r", status="incomplete"), **incomplete))

        response = respond(HELLO)

        assert (response.text, response.finish_reason) == ("It is r", meant)

    def test_that_is_not_whole_for_another_reason_is_cut(self, provider, respond):
        body = Responded(said("It is r"), status="incomplete").body({})
        provider.raw(200, {**body, "incomplete_details": {"reason": "of tomorrow"}})

        assert respond(HELLO).finish_reason == "length"


class TestFailure:
    def test_of_a_refusal(self, provider, failure):
        provider.reply(Responded(refused("I can't help with that.")))

        error = failure()

        assert (error.code, error.retryable) == ("refused", False)
        assert "I can't help with that." in str(error)

    def test_of_a_filter_that_left_nothing(self, provider, failure):
        details = {"reason": "content_filter"}
        provider.reply(Responded(status="incomplete", incomplete_details=details))

        assert failure().code == "content_filtered"

    @pytest.mark.parametrize(
        ("told", "code"),
        [
            ("server_error", "overloaded"),
            ("rate_limit_exceeded", "rate_limited"),
            ("vector_store_timeout", "timeout"),
            ("invalid_prompt", "content_filtered"),
            ("image_content_policy_violation", "content_filtered"),
            ("invalid_image_url", "bad_request"),
            ("image_too_large", "bad_request"),
        ],
    )
    def test_that_the_response_tells_of_has_its_code(self, provider, failure, told, code):
        error = {"code": told, "message": "no luck"}
        provider.reply(Responded(status="failed", error=error))

        found = failure()

        assert found.code == code
        assert "no luck" in str(found)

    @pytest.mark.parametrize(
        ("told", "code"),
        [("bio_policy", "content_filtered"), ("of_tomorrow", "bad_response")],
    )
    def test_that_older_clients_do_not_know_has_its_code_too(self, provider, failure, told, code):
        provider.raw(200, {"output": [], "error": {"code": told, "message": "no luck"}})

        assert failure().code == code

    @pytest.mark.parametrize("status", ["cancelled", "queued", "in_progress", "failed"])
    def test_of_a_response_that_is_no_answer(self, provider, failure, status):
        provider.reply(Responded(status=status))

        error = failure()

        assert error.code == "bad_response"
        assert status in str(error)

    @pytest.mark.parametrize(
        ("status", "code", "meant"),
        [
            (429, "rate_limit_exceeded", "rate_limited"),
            (500, None, "overloaded"),
            (400, "context_length_exceeded", "context_too_long"),
            (400, "invalid_encrypted_content", "bad_request"),
            (401, "invalid_api_key", "unauthorised"),
        ],
    )
    def test_that_http_tells_of_has_its_code(self, provider, failure, status, code, meant):
        provider.fail(status, "no luck", code)

        assert failure().code == meant

    @pytest.mark.parametrize("cut", ["cut before", "cut inside"])
    def test_of_the_connection(self, provider, failure, cut):
        provider.answers.append(cut)

        assert failure().code == "connection"

    @pytest.mark.parametrize("arguments", ["{", "[1]", "null", '{"a": NaN}'])
    def test_of_arguments_that_are_none(self, provider, failure, arguments):
        details = {"reason": "max_output_tokens"}
        call = called("a", "weather", arguments, status="incomplete")
        provider.reply(Responded(call, status="incomplete", incomplete_details=details))

        error = failure()

        assert error.code == "bad_response"
        assert "the tool call weather" in str(error)
        assert "cut at its length limit" in str(error)

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "EOF"),
            (b"not json", "expected"),
            (b"[]", "dictionary"),
            (b"{}", "output"),
            (b'{"output": null}', "output"),
            (b'{"output": [5]}', "output.0"),
            (b'{"output": [{"id": "x"}]}', "output.0.type"),
            (b'{"output": [{"type": "message", "content": "x"}]}', "output.0.content"),
            (b'{"output": [{"type": "function_call", "name": "t"}]}', "arguments"),
            (b'{"output": [], "usage": {"input_tokens": -1}}', "usage.input_tokens"),
            (b'{"output": [], "x": NaN}', "expected"),
            (b'{"error": {"message": "upstream died"}}', "upstream died"),
            (b'{"object": "response", "output": "\xff"}', "unicode"),
        ],
    )
    def test_of_a_body_that_is_no_response(self, provider, failure, body, why):
        provider.raw(200, body)

        error = failure()

        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    def test_shows_no_secret(self, provider, failure, key):
        provider.raw(200, {"output": [], "status": key})

        error = failure()

        printed = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        assert key not in printed
