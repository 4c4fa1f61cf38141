"""What goes wrong, told by code, once, and without a secret in it."""

from __future__ import annotations

import email.utils
import json
import time
import traceback

import httpx
import pytest
from tests.loopback import HELLO, failing
from tests.model_plugins import Connections

from headrace.errors import ModelError
from headrace.providers import Secrets
from headrace_gemini._failures import model_error

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13.5s"}


@pytest.fixture
def failure(ask):
    """The error of one request."""
    return failing(ask)


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "message", "meant"),
        [
            (400, "Invalid value at 'generation_config'", "bad_request"),
            (
                400,
                "The input token count (1048577) exceeds the maximum number of tokens allowed "
                "(1048576).",
                "context_too_long",
            ),
            (400, "API key not valid. Please pass a valid API key.", "unauthorised"),
            (400, "API key expired. Please renew the API key.", "unauthorised"),
            (401, "Request had invalid authentication credentials.", "unauthorised"),
            (403, "Your API key was reported as leaked.", "unauthorised"),
            (404, "models/gemini-0 is not found for API version v1beta", "bad_request"),
            (408, "Request timed out", "timeout"),
            (413, "Request payload size exceeds the limit", "context_too_long"),
            (429, "You exceeded your current quota.", "rate_limited"),
            (499, "The operation was cancelled.", "overloaded"),
            (500, "An internal error has occurred.", "overloaded"),
            (503, "The model is overloaded.", "overloaded"),
            (504, "Deadline expired before operation could complete.", "timeout"),
        ],
    )
    def test_becomes_a_code(self, provider, failure, status, message, meant):
        provider.error(status, message)

        error = failure()

        assert error.code == meant
        assert str(error).startswith(f"127.0.0.1 answered {status}: ")
        assert str(error).endswith(message)
        assert len(provider.bodies) == 1

    @pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b"[]", b'{"error": "text"}'])
    def test_without_the_vendors_form_becomes_a_code_too(self, provider, failure, body):
        provider.raw(503, body)

        assert failure().code in {"overloaded", "bad_response"}

    @pytest.mark.parametrize(
        ("headers", "details", "seconds"),
        [
            ({"retry_after": "7"}, [], 7.0),
            ({"retry_after": "7"}, [RETRY], 7.0),
            ({}, [RETRY], 13.5),
            ({}, [{"retryDelay": "soon"}, 5, {"retryDelay": 5}], None),
            ({"retry_after": "-3"}, [], None),
            ({}, [], None),
        ],
    )
    def test_says_when_to_come_back(self, provider, failure, headers, details, seconds):
        provider.error(429, "slow down", details, **headers)

        assert failure().retry_after == seconds

    def test_says_when_to_come_back_by_a_date(self, provider, failure):
        date = email.utils.formatdate(time.time() + 3600, usegmt=True)
        provider.error(429, "slow", retry_after=date)

        seconds = failure().retry_after

        assert seconds is not None
        assert 0 < seconds <= 3600


class TestConnection(Connections):
    def test_that_compresses_though_it_was_not_asked_to(self, provider, failure):
        provider.raw(200, b"no gzip", content_encoding="gzip")

        assert failure().code == "bad_response"
        assert provider.headers[0]["accept-encoding"] == "identity"

    def test_that_leads_elsewhere_is_not_followed_with_the_secrets(self, provider, failure):
        provider.raw(307, b"", location=f"{provider.url}/elsewhere")

        error = failure()

        assert error.code == "bad_request"
        assert len(provider.paths) == 1

    def test_that_sends_without_end_is_bounded(self, provider, failure, monkeypatch):
        monkeypatch.setattr("headrace_gemini._body.LARGEST", 1000)
        provider.says("x" * 1000)

        error = failure()

        assert error.code == "bad_response"
        assert "longer than" in str(error)

    def test_time_out_of_the_client_is_a_time_out(self):
        # The plugin sets none, so this cannot come over the wire; a project's own client may.
        error = model_error(httpx.ReadTimeout("slow"), "host", Secrets(()), sent=True)

        assert error.code == "timeout"


class TestSecrets:
    @pytest.mark.parametrize(
        "arrange",
        [
            lambda p, key: p.error(400, f"API key not valid: {key}"),
            lambda p, key: p.error(500, f"x-goog-api-key: {key}"),
            lambda p, key: p.raw(200, f"<pre>{key}</pre>".encode()),
            lambda p, key: p.raw(200, {"candidates": key}),
            lambda p, key: p.raw(
                200, {"candidates": [{"finishReason": "SAFETY", "finishMessage": key}]}
            ),
            lambda p, key: p.raw(
                200, {"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": key}}
            ),
            lambda p, key: p.raw(503, f"{'x' * 490} {key}".encode()),
            lambda p, _: p.answers.append("cut before"),
            lambda p, _: p.answers.append("cut inside"),
        ],
    )
    def test_are_in_no_error_however_it_is_printed(self, provider, failure, key, arrange):
        arrange(provider, key)

        error = failure()

        printed = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        assert provider.headers[0]["x-goog-api-key"] == key
        for text in (str(error), repr(error), repr(vars(error)), printed):
            assert key not in text
            assert key[:12] not in text
        assert error.__cause__ is None
        assert error.__context__ is None

    @pytest.mark.parametrize(
        "arrange",
        [
            lambda p, key: p.error(400, f"API key not valid: {key}"),
            lambda p, key: p.events({"error": {"code": 500, "message": key, "status": key}}),
            lambda p, key: p.events(f"data: {key}\n\n".encode()),
            lambda p, _: p.events({"candidates": []}, end="cut"),
        ],
    )
    def test_are_in_no_error_of_a_stream_either(self, provider, stream, key, arrange):
        arrange(provider, key)

        with pytest.raises(ModelError) as caught:
            stream(HELLO)

        assert key not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_error_survives_the_journal(self, provider, failure):
        provider.error(429, "slow", retry_after="3")

        assert json.dumps(vars(failure())) == '{"code": "rate_limited", "retry_after": 3.0}'
