"""What the runtime relies on in every chat model, by the kit for authors of plugins."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.testing import ChatBackend, ChatModelSuite
from headrace_anthropic import AnthropicChatModel

FAILURES = {
    "rate_limited": (429, "rate_limit_error", "This request would exceed your rate limit."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "timeout": (504, "timeout_error", "The request timed out."),
    "context_too_long": (
        400,
        "invalid_request_error",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ),
    "bad_request": (400, "invalid_request_error", "max_tokens: Field required"),
    "unauthorised": (401, "authentication_error", "invalid x-api-key"),
}
ENDS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class Backend(ChatBackend):
    """The provider, as the suite wants it; what it answers is the test's, and no model's."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def model(self) -> AnthropicChatModel:
        return AnthropicChatModel("claude-test", base_url=self.provider.url)

    def answer(self, *responses: Any) -> None:
        for response in responses:
            calls = [
                self.provider.call(call.id, call.name, **call.arguments)
                for call in response.message.tool_calls
            ]
            usage = response.usage
            self.provider.answer(
                *([response.text] if response.text else []),
                *calls,
                stop_reason=ENDS[response.finish_reason],
                usage={"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
            )

    def fail(self, code: str, retry_after: float | None = None) -> None:
        status, kind, text = FAILURES[code]
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.provider.fail(status, text, kind, **headers)

    def cut(self) -> None:
        self.provider.answers.append("cut before")

    def requests(self) -> list[dict[str, Any]]:
        return self.provider.bodies


class TestAnthropicChatModel(ChatModelSuite):
    @pytest.fixture
    def backend(self, provider):
        return Backend(provider)
