"""What goes wrong, told by code, once, and without a secret in it."""

from __future__ import annotations

import email.utils
import json
import logging
import time
import traceback

import botocore.exceptions
import pytest
from tests.loopback import HELLO, failing
from tests.model_plugins import Connections

from headrace.errors import ModelError
from headrace.providers import Secrets
from headrace_bedrock._failures import model_error


@pytest.fixture
def failure(ask):
    """The error of one request."""
    return failing(ask)


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "name", "words", "meant"),
        [
            (400, "ValidationException", "Malformed input request", "bad_request"),
            (
                400,
                "ValidationException",
                "prompt is too long: 9 tokens > 8 maximum",
                "context_too_long",
            ),
            (
                400,
                "ValidationException",
                "Too many input tokens. Max input tokens: 8",
                "context_too_long",
            ),
            (400, "ServiceQuotaExceededException", "over your quota", "rate_limited"),
            (401, "SomethingNew", "who are you?", "unauthorised"),
            (403, "AccessDeniedException", "You don't have access to the model", "unauthorised"),
            (403, "ExpiredTokenException", "The security token is expired", "unauthorised"),
            (403, "InvalidSignatureException", "The signature does not match", "unauthorised"),
            (404, "ResourceNotFoundException", "Could not resolve the model", "bad_request"),
            (408, "ModelTimeoutException", "The model timed out", "timeout"),
            (413, "RequestEntityTooLargeException", "too large", "context_too_long"),
            (424, "ModelErrorException", "The model failed", "overloaded"),
            (429, "ThrottlingException", "Too many tokens, please wait", "rate_limited"),
            (429, "ModelNotReadyException", "Model is not ready", "overloaded"),
            (500, "InternalServerException", "The system is broken", "overloaded"),
            (503, "ServiceUnavailableException", "Too many connections", "overloaded"),
            (504, "SomethingNew", "gateway", "timeout"),
        ],
    )
    def test_become_codes(self, provider, failure, status, name, words, meant):
        provider.error(status, name, words)

        error = failure()

        assert error.code == meant
        assert str(error) == f"127.0.0.1 answered {name}: {words}"
        assert error.__context__ is None
        assert len(provider.bodies) == 1

    @pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b"[]", b'{"message": 5}'])
    def test_without_the_services_form_become_codes_too(self, provider, failure, body):
        provider.raw(503, body)

        assert failure().code in {"overloaded", "bad_response"}

    @pytest.mark.parametrize(
        ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", None), ("soon", None)]
    )
    def test_say_when_to_come_back(self, provider, failure, header, seconds):
        provider.error(429, "ThrottlingException", "slow down", retry_after=header)

        assert failure().retry_after == seconds

    def test_say_when_to_come_back_by_a_date(self, provider, failure):
        date = email.utils.formatdate(time.time() + 3600, usegmt=True)
        provider.error(429, "ThrottlingException", "slow", retry_after=date)

        seconds = failure().retry_after

        assert seconds is not None
        assert 0 < seconds <= 3600

    def test_are_not_tried_again_by_the_client_whatever_the_worker_says(
        self, provider, failure, monkeypatch
    ):
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
        monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
        provider.error(503, "ServiceUnavailableException", "busy")

        failure()

        assert len(provider.bodies) == 1

    def test_survive_the_journal(self, provider, failure):
        provider.error(429, "ThrottlingException", "slow", retry_after="3")

        assert json.dumps(vars(failure())) == '{"code": "rate_limited", "retry_after": 3.0}'


class TestConnection(Connections):
    def test_that_compresses_though_it_was_not_asked_to(self, provider, failure):
        provider.raw(200, b"\x1f\x8b no gzip", content_encoding="gzip")

        assert failure().code == "bad_response"
        assert provider.headers[0]["accept-encoding"] == "identity"

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_that_leads_elsewhere_is_not_followed(self, provider, failure, status):
        provider.raw(status, b"", location=f"{provider.url}/elsewhere")

        error = failure()

        assert error.code == "bad_request"
        assert "is not followed" in str(error)
        assert len(provider.paths) == 1

    @pytest.mark.parametrize("how", ["ask", "stream", "embed"])
    def test_that_sends_without_end_is_bounded(self, request, provider, how, monkeypatch):
        monkeypatch.setattr("headrace_bedrock._http.LARGEST", 1000)
        provider.says("x" * 1000)
        call = request.getfixturevalue(how)

        with pytest.raises(ModelError, match="longer than 1000 bytes") as caught:
            call(["x"] if how == "embed" else HELLO)

        assert caught.value.code == "bad_response"

    @pytest.mark.parametrize(
        "kind", [botocore.exceptions.ReadTimeoutError, botocore.exceptions.ConnectTimeoutError]
    )
    def test_time_out_of_the_client_is_a_time_out(self, kind):
        # The plugin sets none, so this cannot come over the wire.
        error = model_error(kind(endpoint_url="http://x"), "host", Secrets(()))

        assert error.code == "timeout"


class TestSecrets:
    @pytest.mark.parametrize(
        "arrange",
        [
            lambda p, s: p.error(403, "InvalidSignatureException", f"not {s}"),
            lambda p, s: p.error(500, s, "x"),
            lambda p, s: p.raw(200, f"<pre>{s}</pre>".encode()),
            lambda p, s: p.raw(200, {"output": s}),
            lambda p, s: p.raw(200, {"output": {"message": {"content": [{"text": [s]}]}}}),
            lambda p, _: p.answers.append("cut inside"),
        ],
    )
    def test_are_in_no_error(self, provider, failure, secret, arrange):
        arrange(provider, secret)

        error = failure()

        assert secret not in "".join(traceback.format_exception(error))
        assert (error.__cause__, error.__context__) == (None, None)

    def test_are_in_no_error_of_a_stream_either(self, provider, stream, secret):
        provider.events(provider.exception("validationException", message=f"not {secret}"))

        with pytest.raises(ModelError, match=r"not \*\*\*") as caught:
            stream(HELLO)

        assert secret not in "".join(traceback.format_exception(caught.value))

    def test_that_the_client_renewed_are_known_by_their_header(self, provider, failure):
        provider.error(
            403,
            "SignatureDoesNotMatch",
            "The Canonical String should have been 'POST\nx-amz-security-token:IQoJb3JpZ2lu\n'",
        )

        error = failure()

        assert "IQoJb3JpZ2lu" not in str(error)
        assert error.code == "unauthorised"

    def test_are_in_no_log_though_the_root_logs_everything(
        self, provider, ask, secret, caplog, monkeypatch
    ):
        monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-0123456789")
        for name in ("botocore", "aiobotocore"):
            monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
        provider.says("x")

        with caplog.at_level(logging.DEBUG):
            ask(HELLO)

        assert provider.headers[0]["x-amz-security-token"] == "session-token-0123456789"
        assert "session-token-0123456789" not in caplog.text
        assert secret not in caplog.text
