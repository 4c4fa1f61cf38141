"""What goes wrong, told by code, once, and without a secret in it."""

from __future__ import annotations

import email.utils
import json
import time
import traceback

import openai
import pytest
from tests.loopback import failing
from tests.model_plugins import Connections

from headrace.chat import ChatRequest, Message, ToolSpec
from headrace.providers import Secrets
from headrace_openai._failures import model_error

HELLO = ChatRequest(
    messages=(Message(role="user", content="hello"),), tools=(ToolSpec(name="noop"),)
)


@pytest.fixture
def failure(ask):
    """The error of one request."""
    return failing(ask, HELLO)


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "message", "code", "meant", "retryable"),
        [
            (429, "Rate limit reached", "rate_limit_exceeded", "rate_limited", True),
            (500, "The server had an error", None, "overloaded", True),
            (502, "Bad gateway", None, "overloaded", True),
            (503, "Overloaded", None, "overloaded", True),
            (529, "Overloaded", None, "overloaded", True),
            (409, "Try again", None, "overloaded", True),
            (408, "Request timeout", None, "timeout", True),
            (504, "Gateway timeout", None, "timeout", True),
            (400, "Too long", "context_length_exceeded", "context_too_long", False),
            (400, "This model's maximum context length is 8", None, "context_too_long", False),
            (400, "Invalid 'temperature'", "invalid_value", "bad_request", False),
            (400, "Filtered", "content_filter", "content_filtered", False),
            (400, "Unsafe", "content_policy_violation", "content_filtered", False),
            (401, "Incorrect API key provided", "invalid_api_key", "unauthorised", False),
            (403, "Not for your country", None, "unauthorised", False),
            (404, "No such model", "model_not_found", "bad_request", False),
            (422, "Not understood", None, "bad_request", False),
        ],
    )
    def test_becomes_a_code(self, provider, failure, status, message, code, meant, retryable):
        provider.fail(status, message, code)
        error = failure()
        assert (error.code, error.retryable) == (meant, retryable)
        assert f"127.0.0.1 answered {status}" in str(error)
        assert message in str(error)
        assert len(provider.bodies) == 1, "retries are the runtime's, not the client's"

    @pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b"[]", b'{"error": "text"}'])
    def test_without_the_vendors_form_becomes_a_code_too(self, provider, failure, body):
        provider.raw(503, body)
        assert failure().code == "overloaded"

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry_after": "7"}, 7.0),
            ({"retry_after": "0.5"}, 0.5),
            ({"retry_after_ms": "250", "retry_after": "7"}, 0.25),
            ({"retry_after": "soon"}, None),
            ({"retry_after": "-3"}, None),
            ({"retry_after": "inf"}, None),
            ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
            ({}, None),
        ],
    )
    def test_says_when_to_come_back(self, provider, failure, headers, seconds):
        provider.fail(429, "slow down", **headers)
        assert failure().retry_after == seconds

    def test_says_when_to_come_back_by_a_date(self, provider, failure):
        provider.fail(
            429, "slow", retry_after=email.utils.formatdate(time.time() + 60, usegmt=True)
        )
        seconds = failure().retry_after
        assert seconds is not None
        assert 50 < seconds <= 60


class TestConnection(Connections):
    def test_time_out_of_the_client_is_a_time_out(self):
        # The plugin sets none, so this cannot come over the wire; a proxy's hook may raise it.
        error = openai.APITimeoutError(request=None)  # type: ignore[arg-type]
        assert model_error(error, "host", Secrets(())).code == "timeout"


class TestRedirect:
    def test_is_not_followed_as_it_would_take_the_secrets_elsewhere(
        self, provider, failure, monkeypatch
    ):
        monkeypatch.setenv("GATEWAY", "gateway-secret")
        elsewhere = provider.url.replace("127.0.0.1", "localhost")
        provider.raw(307, b"", location=f"{elsewhere}/chat/completions")

        error = failure(secret_headers={"X-Gateway": "GATEWAY"})

        assert error.code == "bad_request"
        assert "307" in str(error)
        assert len(provider.bodies) == 1


class TestLength:
    def test_of_an_answer_has_a_bound(self, provider, failure):
        provider.raw(200, b" " * (33 * 2**20))

        error = failure()

        assert error.code == "bad_response"
        assert "longer than" in str(error)


class TestMalformed:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "body"),
            (b"not json", "body"),
            (b'data: {"choices": []}\n\n', "body"),
            (b'{"choices": [', "body"),
            (b'{"choices": "\xff"}', "body"),
            (b"[]", "body"),
            (b"{}", "choices"),
            (b'{"choices": []}', "choices"),
            (b'{"choices": [{"message": null}]}', "choices.0.message"),
            (b'{"choices": [{"message": {"content": 5}}]}', "choices.0.message.content"),
            (
                b'{"choices": [{"message": {"tool_calls": [{"id": "a"}]}}]}',
                "choices.0.message.tool_calls.0.function",
            ),
            (
                b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": -1}}',
                "usage.prompt_tokens",
            ),
            (b'{"error": {"message": "upstream died"}}', "upstream died"),
        ],
    )
    def test_answer_is_a_bad_response(self, provider, failure, body, why):
        provider.raw(200, body)
        error = failure()
        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    @pytest.mark.parametrize(
        "arguments", ["{", "[1]", '"text"', "null", '{"a": NaN}', '{"a": "\\ud800"}', "{}x"]
    )
    def test_arguments_of_a_call_are_a_bad_response(self, provider, failure, arguments):
        function = {"name": "noop", "arguments": arguments}
        provider.answer(
            {
                "tool_calls": [{"id": "a", "type": "function", "function": function}],
                "finish_reason": "length",
            }
        )
        error = failure()
        assert error.code == "bad_response"
        assert "the tool call noop" in str(error)
        assert "cut at its length limit" in str(error)


class TestRefusal:
    def test_of_the_model(self, provider, failure):
        provider.answer({"refusal": "I can't help with that."})
        error = failure()
        assert (error.code, error.retryable) == ("refused", False)
        assert "I can't help with that." in str(error)

    def test_of_the_filter(self, provider, failure):
        provider.answer({"content": "", "finish_reason": "content_filter"})
        assert failure().code == "content_filtered"


class TestUnsendable:
    @pytest.mark.parametrize(
        ("request_", "why"),
        [
            (HELLO.model_copy(update={"options": {"top_p": float("nan")}}), "ValueError"),
            (HELLO.model_copy(update={"options": {"user": object()}}), "TypeError"),
            (
                HELLO.model_copy(
                    update={"messages": (Message.model_construct(role="user", content="\ud800"),)}
                ),
                "UnicodeEncodeError",
            ),
        ],
    )
    def test_request_is_a_bad_request(self, provider, failure, request_, why):
        error = failure(request_)
        assert error.code == "bad_request"
        assert why in str(error)
        assert provider.bodies == []


class TestSecrets:
    @pytest.mark.parametrize(
        "arrange",
        [
            lambda p, key: p.fail(401, f"Incorrect API key provided: {key}.", "invalid_api_key"),
            lambda p, key: p.fail(401, f"Incorrect key: {key[:8]}********{key[-4:]}."),
            lambda p, key: p.fail(500, f"Authorization: Bearer {key}"),
            lambda p, key: p.raw(200, f"<pre>Bearer {key}</pre>".encode()),
            lambda p, key: p.raw(200, {"choices": [{"message": {"refusal": key}}]}),
            lambda p, key: p.raw(503, (f"{'x' * 490} {key}").encode()),
            lambda p, key: p.answers.append("cut before"),
        ],
    )
    def test_are_in_no_error_however_it_is_printed(self, provider, failure, key, arrange):
        arrange(provider, key)
        error = failure()
        assert provider.headers[0]["authorization"] == f"Bearer {key}"
        printed = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        for text in (str(error), repr(error), repr(vars(error)), printed):
            assert key not in text
            assert key[-4:] not in text
            assert key[:12] not in text
        assert error.__cause__ is None
        assert error.__context__ is None

    def test_of_headers_are_in_no_error_either(self, provider, failure, monkeypatch):
        monkeypatch.setenv("GATEWAY", 'pass"word')
        provider.fail(401, 'bad pass"word')
        error = failure(secret_headers={"X-Gateway": "GATEWAY"})
        assert provider.headers[0]["x-gateway"] == 'pass"word'
        assert "word" not in str(error)
        provider.raw(200, {"echo": 'pass"word'})
        provider.answers.pop(0)
        assert "word" not in str(failure(secret_headers={"X-Gateway": "GATEWAY"}))

    def test_are_hidden_in_long_texts_too(self, provider, failure, key):
        provider.fail(500, "x" * 490 + key + "x" * 2_000_000)
        error = failure()
        assert key[:4] not in str(error)
        assert len(str(error)) < 700

    def test_error_survives_the_journal(self, provider, failure):
        provider.fail(429, "slow", retry_after="3")
        assert json.dumps(vars(failure())) == '{"code": "rate_limited", "retry_after": 3.0}'
