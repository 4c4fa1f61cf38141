"""What the runtime relies on in every model: the standard tests of ``headrace.testing``."""

from __future__ import annotations

import json

import pytest

from headrace.errors import ModelError
from headrace.testing import ChatBackend, ChatModelSuite, EmbeddingModelSuite
from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

from .replies import Completion, Responded, called, said

FAILURES = {
    "rate_limited": (429, "Rate limit reached", "rate_limit_exceeded"),
    "overloaded": (503, "Overloaded", None),
    "timeout": (504, "Gateway timeout", None),
    "context_too_long": (400, "Too long", "context_length_exceeded"),
    "bad_request": (400, "Invalid 'temperature'", "invalid_value"),
    "unauthorised": (401, "Incorrect API key provided", "invalid_api_key"),
}


class OpenAIBackend(ChatBackend):
    """The loopback provider, as the suite wants it."""

    def __init__(self, provider):
        self.provider = provider

    def fail(self, code, retry_after=None):
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.provider.fail(*FAILURES[code], **headers)

    def cut(self):
        self.provider.answers.append("cut before")

    def requests(self):
        return self.provider.bodies


class CompletionsBackend(OpenAIBackend):
    def model(self):
        return OpenAIChatModel("gpt-test", base_url=self.provider.url)

    def answer(self, *responses):
        for response in responses:
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
                }
                for call in response.message.tool_calls
            ]
            message = {
                "content": response.text or None,
                "finish_reason": response.finish_reason,
                **({"tool_calls": calls} if calls else {}),
            }
            read, written = response.usage.input_tokens, response.usage.output_tokens
            usage = {
                "prompt_tokens": read,
                "completion_tokens": written,
                "total_tokens": read + written,
            }
            self.provider.reply(Completion(message, usage=usage))


class ResponsesBackend(OpenAIBackend):
    def model(self):
        return OpenAIResponsesModel("gpt-test", base_url=self.provider.url)

    def answer(self, *responses):
        for response in responses:
            items = [said(response.text)] if response.text else []
            items += [
                called(call.id, call.name, json.dumps(call.arguments))
                for call in response.message.tool_calls
            ]
            read, written = response.usage.input_tokens, response.usage.output_tokens
            more = {
                "usage": {
                    "input_tokens": read,
                    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                    "output_tokens": written,
                    "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": read + written,
                }
            }
            if response.finish_reason == "length":
                more |= {"status": "incomplete"}
                more |= {"incomplete_details": {"reason": "max_output_tokens"}}
            self.provider.reply(Responded(*items, **more))


class TestChatModel(ChatModelSuite):
    @pytest.fixture
    def backend(self, provider):
        return CompletionsBackend(provider)


class TestResponsesModel(ChatModelSuite):
    exceptions = {  # noqa: RUF012 - as the kit writes it
        "test_limits_and_stops_reach_the_provider": "the interface has no texts that end an answer"
    }

    @pytest.fixture
    def backend(self, provider):
        return ResponsesBackend(provider)

    def test_limits_and_stops_reach_the_provider(self, backend):
        backend.provider.reply(Responded(said("Rain.")))

        self.ask(backend, self.limited())

        sent = backend.requests()[-1]
        assert (sent["max_output_tokens"], sent["temperature"]) == (123, 0.25)

    def test_a_stop_is_refused_before_it_is_sent(self, backend):
        with pytest.raises(ModelError, match="stop") as caught:
            self.ask(backend, self.limited(stop=("END.",)))

        assert caught.value.code == "bad_request"
        assert backend.requests() == []

    def limited(self, **more):
        from headrace.testing._chat_models import request

        return request("Hello", max_tokens=123, temperature=0.25, **more)


class TestEmbeddingModel(EmbeddingModelSuite):
    @pytest.fixture
    def model(self, provider):
        return OpenAIEmbeddingModel("embed", base_url=provider.url)


class TestEmbeddingModelOfFloats(EmbeddingModelSuite):
    @pytest.fixture
    def model(self, provider):
        return OpenAIEmbeddingModel("embed", base_url=provider.url, encoding="float")
