"""What goes wrong, told by code, once, and without a secret in it."""

from __future__ import annotations

import email.utils
import json
import time
import traceback

import anthropic
import httpx2
import pytest
from tests.loopback import failing
from tests.model_plugins import Connections

from headrace.chat import ChatRequest, Message, ToolSpec
from headrace.errors import ModelError
from headrace.providers import Secrets
from headrace_anthropic._failures import model_error

HELLO = ChatRequest(
    messages=(Message(role="user", content="hello"),), tools=(ToolSpec(name="noop"),)
)


@pytest.fixture
def failure(ask):
    """The error of one request."""
    return failing(ask, HELLO)


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "kind", "message", "meant", "retryable"),
        [
            (400, "invalid_request_error", "max_tokens: Required", "bad_request", False),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 210000 tokens > 200000 maximum",
                "context_too_long",
                False,
            ),
            (
                400,
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
                "context_too_long",
                False,
            ),
            (
                400,
                "invalid_request_error",
                "max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens",
                "bad_request",
                False,
            ),
            (
                400,
                "invalid_request_error",
                "Output blocked by content filtering policy",
                "content_filtered",
                False,
            ),
            (401, "authentication_error", "invalid x-api-key", "unauthorised", False),
            (402, "billing_error", "Your account is not paid", "unauthorised", False),
            (403, "permission_error", "Not for your workspace", "unauthorised", False),
            (404, "not_found_error", "model: claude-0", "bad_request", False),
            (408, "timeout_error", "Request timed out", "timeout", True),
            (409, "conflict_error", "Try again", "overloaded", True),
            (413, "request_too_large", "Request exceeds the size", "context_too_long", False),
            (422, "invalid_request_error", "Not understood", "bad_request", False),
            (429, "rate_limit_error", "Rate limit reached", "rate_limited", True),
            (500, "api_error", "Internal server error", "overloaded", True),
            (502, "api_error", "Bad gateway", "overloaded", True),
            (503, "api_error", "Unavailable", "overloaded", True),
            (504, "timeout_error", "Gateway timed out", "timeout", True),
            (529, "overloaded_error", "Overloaded", "overloaded", True),
        ],
    )
    def test_becomes_a_code(self, provider, failure, status, kind, message, meant, retryable):
        provider.fail(status, message, kind)

        error = failure()

        assert (error.code, error.retryable) == (meant, retryable)
        assert str(error) == f"127.0.0.1 answered {status}: {message}"

    def test_is_asked_for_once(self, provider, failure):
        provider.fail(529, "Overloaded", "overloaded_error", x_should_retry="true")

        failure()

        assert len(provider.bodies) == 1

    def test_names_the_request_for_the_providers_support(self, provider, failure):
        provider.fail(500, "Internal server error", request_id="req_011C")

        assert "(request req_011C)" in str(failure())

    @pytest.mark.parametrize(
        "body",
        [b"<html>nginx</html>", b"", b"[]", b'{"error": "text"}', b'{"error": {"message": 5}}'],
    )
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
        provider.fail(429, "slow down", "rate_limit_error", **headers)

        assert failure().retry_after == seconds

    def test_says_when_to_come_back_by_a_date(self, provider, failure):
        date = email.utils.formatdate(time.time() + 3600, usegmt=True)
        provider.fail(429, "slow", "rate_limit_error", retry_after=date)

        seconds = failure().retry_after

        assert seconds is not None
        assert 0 < seconds <= 3600


class TestConnection(Connections):
    def test_that_packs_its_answer_wrongly(self, provider, failure):
        provider.raw(200, b"no gzip", content_encoding="gzip")

        assert failure().code == "connection"

    def test_that_leads_elsewhere_is_not_followed_with_the_secrets(self, provider, failure):
        provider.raw(307, b"", location=f"{provider.url}/elsewhere")

        error = failure()

        assert error.code == "bad_request"
        assert provider.paths == ["/v1/messages"]

    @pytest.mark.parametrize(
        "error",
        [
            anthropic.APITimeoutError(request=None),  # type: ignore[arg-type]
            httpx2.ReadTimeout("slow"),
        ],
    )
    def test_time_out_of_the_client_is_a_time_out(self, error):
        # The plugin sets none, so this cannot come over the wire; a proxy's hook may raise it.
        assert model_error(error, "host", Secrets(())).code == "timeout"


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
            lambda p, key: p.fail(401, f"invalid x-api-key: {key}", "authentication_error"),
            lambda p, key: p.fail(401, f"invalid key: {key[:8]}********{key[-4:]}"),
            lambda p, key: p.fail(500, f"Authorization: Bearer {key}"),
            lambda p, key: p.fail(500, "no", request_id=key),
            lambda p, key: p.raw(200, f"<pre>Bearer {key}</pre>".encode()),
            lambda p, key: p.raw(200, {"content": [], "stop_reason": key * 2, "usage": key}),
            lambda p, key: p.answer(
                stop_reason="refusal",
                stop_details={"type": "refusal", "category": None, "explanation": key},
            ),
            lambda p, key: p.raw(503, (f"{'x' * 490} {key}").encode()),
            lambda p, key: p.answers.append("cut before"),
            lambda p, key: p.answers.append("cut inside"),
        ],
    )
    def test_are_in_no_error_however_it_is_printed(self, provider, failure, key, arrange):
        arrange(provider, key)

        error = failure()

        printed = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        assert provider.headers[0]["authorization"] == f"Bearer {key}"
        for text in (str(error), repr(error), repr(vars(error)), printed):
            assert key not in text
            assert key[-4:] not in text
            assert key[:12] not in text
        assert error.__cause__ is None
        assert error.__context__ is None

    @pytest.mark.parametrize(
        "arrange",
        [
            lambda p, key: p.fail(401, f"invalid x-api-key: {key}", "authentication_error"),
            lambda p, key: p.events({"type": "error", "error": {"type": key, "message": key}}),
            lambda p, key: p.events(f"data: {key}\n\n".encode()),
            lambda p, key: p.events(*p.parts("x")[:3], end="cut"),
        ],
    )
    def test_are_in_no_error_of_a_stream_either(self, provider, stream, key, arrange):
        arrange(provider, key)

        with pytest.raises(ModelError) as caught:
            stream(HELLO)

        printed = "".join(traceback.format_exception(caught.value))
        assert key not in printed
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_of_headers_are_in_no_error_either(self, provider, failure, monkeypatch):
        monkeypatch.setenv("GATEWAY", 'pass"word')
        provider.raw(200, {"echo": 'pass"word'})

        error = failure(secret_headers={"X-Gateway": "GATEWAY"})

        assert provider.headers[0]["x-gateway"] == 'pass"word'
        assert "word" not in str(error)

    def test_error_survives_the_journal(self, provider, failure):
        provider.fail(429, "slow", "rate_limit_error", retry_after="3")

        assert json.dumps(vars(failure())) == '{"code": "rate_limited", "retry_after": 3.0}'
