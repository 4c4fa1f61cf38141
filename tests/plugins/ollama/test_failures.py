"""What goes wrong, told by code, once, and without a secret in it."""

from __future__ import annotations

import asyncio
import json
import traceback

import httpx
import pytest
from tests.loopback import HELLO, failing
from tests.model_plugins import Connections

from headrace.errors import ModelError
from headrace.providers import Secrets
from headrace_ollama._failures import client_error

PART = {"model": "m", "message": {"role": "assistant", "content": "x"}, "done": False}


@pytest.fixture
def failure(ask):
    """The error of one request."""
    return failing(ask)


@pytest.fixture
def broken_stream(stream):
    """The error of one request that is streamed."""

    def ask_and_fail() -> ModelError:
        with pytest.raises(ModelError) as caught:
            stream(HELLO)
        return caught.value

    return ask_and_fail


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "message", "meant", "retryable"),
        [
            (429, "you have reached your hourly usage limit", "rate_limited", True),
            (500, "llama runner process has terminated: exit status 2", "overloaded", True),
            (502, "upstream is gone", "overloaded", True),
            (503, "server busy, please try again.", "overloaded", True),
            (499, "request canceled", "overloaded", True),
            (408, "slow", "timeout", True),
            (504, "slow", "timeout", True),
            (400, "the input length exceeds the context length", "context_too_long", False),
            (413, "the input length exceeds the context length", "context_too_long", False),
            (500, "input length exceeds maximum context length", "context_too_long", False),
            (400, "prompt too long; exceeded max context length", "context_too_long", False),
            (400, '"m" does not support thinking', "bad_request", False),
            (400, "registry.ollama.ai/library/m does not support tools", "bad_request", False),
            (500, "this model is missing data required for image input", "bad_request", False),
            (500, "model requires more system memory (9 GiB)", "bad_request", False),
            (401, "unauthorized", "unauthorised", False),
            (403, "origin not allowed", "unauthorised", False),
            (422, "not understood", "bad_request", False),
        ],
    )
    def test_becomes_a_code(self, provider, failure, status, message, meant, retryable):
        provider.raw(status, {"error": message})

        error = failure()

        assert (error.code, error.retryable) == (meant, retryable)
        assert f"answered {status}: {message}" in str(error)
        assert str(error).startswith("127.0.0.1:")

    @pytest.mark.parametrize(
        "words", ["model 'llama-test' not found", 'model "m" not found, try pulling it first']
    )
    def test_of_a_model_that_is_not_there_says_how_to_get_it(self, provider, failure, words):
        provider.raw(404, {"error": words})

        error = failure()

        assert error.code == "bad_request"
        assert "ollama pull llama-test" in str(error)

    def test_of_a_path_that_is_not_there_does_not(self, provider, failure):
        provider.raw(404, b"404 page not found")

        error = failure()

        assert error.code == "bad_request"
        assert "pull" not in str(error)

    @pytest.mark.parametrize(
        "body", [b"<html>nginx</html>", b"", b"[]", b'"text"', b'{"error": {"message": "x"}}']
    )
    def test_without_ollamas_form_becomes_a_code_too(self, provider, failure, body):
        provider.raw(503, body)

        assert failure().code == "overloaded"

    def test_that_points_elsewhere_is_not_followed(self, provider, failure):
        # Secret headers would go along.
        provider.raw(307, b"", location=f"{provider.url}/elsewhere")

        error = failure()

        assert (error.code, len(provider.bodies)) == ("bad_request", 1)
        assert "points elsewhere" in str(error)

    def test_says_when_to_come_back(self, provider, failure):
        provider.raw(503, {"error": "busy"}, retry_after="7")

        assert failure().retry_after == 7

    def test_is_the_same_for_a_stream(self, provider, broken_stream):
        provider.raw(429, {"error": "slow down"}, retry_after="7")

        error = broken_stream()

        assert (error.code, error.retry_after) == ("rate_limited", 7)


class TestConnection(Connections):
    address = "host"

    @pytest.mark.parametrize("answer", ["cut before", "cut inside"])
    def test_that_is_cut_while_it_streams(self, provider, broken_stream, answer):
        provider.answers.append(answer)

        assert broken_stream().code == "connection"

    def test_time_out_of_the_client_is_a_time_out(self):
        # The plugin sets none, so this cannot come over the wire.
        error = client_error(httpx.ReadTimeout("slow"), "host", Secrets(()))

        assert error.code == "timeout"


class TestBrokenStream:
    def test_that_says_an_error_has_its_words(self, provider, broken_stream):
        provider.lines(PART, {"error": "model runner has unexpectedly stopped"})

        error = broken_stream()

        assert (error.code, error.retryable) == ("overloaded", True)
        assert "model runner has unexpectedly stopped" in str(error)

    def test_that_says_an_error_has_its_code(self, provider, broken_stream):
        provider.lines({"error": "prompt too long; exceeded max context length by 9 tokens"})

        assert broken_stream().code == "context_too_long"

    def test_that_ends_before_the_answer_is_a_failure_of_the_connection(
        self, provider, broken_stream
    ):
        provider.lines(PART, PART)

        error = broken_stream()

        assert error.code == "connection"
        assert "broke off" in str(error)

    def test_without_a_line_is_a_failure_of_the_connection(self, provider, broken_stream):
        provider.lines()

        assert broken_stream().code == "connection"

    @pytest.mark.parametrize(
        "line",
        [
            b"not json",
            b"[]",
            b"3",
            b"{}",
            b'{"message": {"content": "x"}}',
            b'{"message": {"role": "assistant", "content": 5}, "done": true}',
            b'{"error": {"message": "x"}}',
            b'{"error": "5"}',
            b'{"message": {"role": "assistant", "content": "\xff"}, "done": true}',
            b'{"a": ' * 20_000,
        ],
    )
    def test_with_a_line_of_another_form_is_a_bad_response(self, provider, broken_stream, line):
        provider.lines(PART, line)

        assert broken_stream().code == "bad_response"


class TestMalformed:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "JSON"),
            (b"not json", "JSON"),
            (b'{"message": ', "JSON"),
            (b'{"message": {"role": "assistant", "content": "\xff"}}', "UTF-8"),
            (b"[]", "mapping"),
            (b"null", "mapping"),
            (b"{}", "message"),
            (b'{"message": {"content": "x"}}', "message.role"),
            (b'{"message": {"role": "assistant", "content": 5}}', "message.content"),
            (
                b'{"message": {"role": "assistant", "tool_calls": [{"function": {"name": "t", '
                b'"arguments": "{}"}}]}}',
                "message.tool_calls.0.function.arguments",
            ),
            (b'{"message": {"role": "assistant", "content": "\\ud800"}, "done": true}', "the text"),
            (b"[" * 200_000, "Recursion"),
        ],
    )
    def test_answer_is_a_bad_response(self, provider, failure, body, why):
        provider.raw(200, body)

        error = failure()

        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    def test_answer_that_is_compressed_unasked_is_a_bad_response(self, provider, failure):
        provider.raw(200, b"\x1f\x8b", content_encoding="gzip")

        error = failure()

        assert error.code == "bad_response"
        assert "compressed" in str(error)

    @pytest.mark.parametrize("status", [200, 500])
    def test_answer_without_end_is_a_bad_response(self, provider, failure, monkeypatch, status):
        monkeypatch.setattr("headrace_ollama._body.LARGEST", 1000)
        provider.raw(status, b"x" * 1001)

        error = failure()

        assert error.code == "bad_response"
        assert "more than 1000 bytes" in str(error)


class TestSecrets:
    @pytest.mark.parametrize(
        "arrange",
        [
            lambda p, key: p.raw(401, {"error": f"bad key {key}"}),
            lambda p, key: p.raw(500, {"error": f"Authorization: Bearer {key}"}),
            lambda p, key: p.raw(200, f"<pre>Bearer {key}</pre>".encode()),
            lambda p, key: p.raw(200, {"message": {"role": "assistant", key: 1, "content": 5}}),
            lambda p, key: p.raw(503, f"{'x' * 490} {key}".encode()),
            lambda p, key: p.answers.append("cut before"),
        ],
    )
    def test_are_in_no_error_however_it_is_printed(
        self, provider, failure, key, arrange, monkeypatch
    ):
        monkeypatch.setenv("PROXY_KEY", key)
        arrange(provider, key)

        error = failure(api_key_env="PROXY_KEY")

        assert provider.headers[0]["authorization"] == f"Bearer {key}"
        printed = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        for text in (str(error), repr(error), repr(vars(error)), printed):
            assert key not in text
        assert error.__cause__ is None
        assert error.__context__ is None

    def test_are_in_no_error_of_a_stream(self, provider, broken_stream, key, opened, monkeypatch):
        monkeypatch.setenv("PROXY_KEY", key)
        provider.lines(PART, {"error": f"no more with {key}"})

        async def ask():
            async with opened(api_key_env="PROXY_KEY") as model:
                await model.stream(HELLO, lambda _: None)

        with pytest.raises(ModelError, match="no more with") as caught:
            asyncio.run(ask())

        printed = "".join(traceback.format_exception(caught.value))
        assert key not in printed
        assert caught.value.__context__ is None

    def test_error_survives_the_journal(self, provider, failure):
        provider.raw(429, {"error": "slow"}, retry_after="3")

        assert json.dumps(vars(failure())) == '{"code": "rate_limited", "retry_after": 3.0}'
