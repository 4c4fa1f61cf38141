"""From the parts of an answer, one or many, to a chat response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headrace.chat import ChatDelta, ChatResponse, Message, ToolCall, Usage
from headrace.errors import ModelError
from headrace_gemini._json import json_fault
from headrace_gemini._parts import added, native_of, reasoning_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.genai import types

    from headrace.chat import ChatRequest
    from headrace.providers import Secrets
    from headrace_gemini._parts import Part

__all__ = ["Answer"]

_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})
_FILTERS = frozenset(
    {
        *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"),
        *("ESCALATION", "PUP_LIMITED_DISABLED"),
    }
)
_BROKEN = frozenset(
    {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}
)
"""The model wrote something that is no answer; asked again, it may do better."""


class Answer:
    """An answer that is being put together.

    Args:
        request: What was asked.
        model: The model that was asked for, where the answer does not name one.
        secrets: What must not be in errors.
    """

    def __init__(self, request: ChatRequest, model: str, secrets: Secrets) -> None:
        self._parts: list[Part] = []
        self._calls: list[ToolCall] = []
        self._ids = _new_ids(request)
        self._model = model
        self._secrets = secrets
        self._reason = ""
        self._said = ""
        self._usage: types.GenerateContentResponseUsageMetadata | None = None
        self._logprobs: list[dict[str, Any]] = []

    def take(self, answer: types.GenerateContentResponse) -> ChatDelta:
        """Adds a part of the answer, or all of it; says what was new in it.

        Raises:
            ModelError: ``content_filtered``: nothing is answered. ``bad_response``: it says what
                JSON cannot.
        """
        feedback = answer.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            said = feedback.block_reason_message or ""
            why = self._secrets.hide(f"{_name(feedback.block_reason)} {said}".strip())
            raise ModelError(f"the provider refused the prompt: {why}", code="content_filtered")
        self._model = answer.model_version or self._model
        self._usage = answer.usage_metadata or self._usage
        if not answer.candidates:
            return ChatDelta()
        candidate = answer.candidates[0]
        if candidate.finish_reason is not None:
            self._reason = _name(candidate.finish_reason)
            self._said = candidate.finish_message or ""
        if candidate.logprobs_result is not None:
            self._logprobs.append(_plain(candidate.logprobs_result))
        parts = candidate.content.parts if candidate.content else None
        # Looked at before they are written: numbers that are none would become null.
        arguments = [part.function_call.args for part in parts or () if part.function_call]
        new = [_plain(part) for part in parts or ()]
        if fault := json_fault([arguments, new, self._logprobs]):
            raise self._bad(f"it is not JSON: {fault}")
        for part in new:
            added(self._parts, part)
            if "functionCall" in part:
                self._calls.append(self._call(part["functionCall"]))
        return ChatDelta(text=text_of(new), reasoning=reasoning_of(new))

    def whole(self, *, streamed: bool = False) -> ChatResponse:
        """The response.

        Args:
            streamed: Whether it came in parts, of which the last says why the answer ended.

        Raises:
            ModelError: ``connection``: the stream has no end. ``content_filtered``: a filter left
                nothing. ``bad_request`` and ``bad_response``: it is none.
        """
        if streamed and not self._reason:
            raise ModelError("the answer broke off before it was done", code="connection")
        if self._reason in _BROKEN:
            raise self._bad(f"the model wrote none ({self._reason}). {self._said}".strip())
        if self._reason == "MISSING_THOUGHT_SIGNATURE":
            raise ModelError("the provider misses the signature of a call", code="bad_request")
        if self._reason in _FILTERS and not (text_of(self._parts) or self._calls):
            why = self._secrets.hide(f"{self._reason} {self._said}".strip())
            text = f"a filter of the provider left nothing: {why}"
            raise ModelError(text, code="content_filtered")
        if not self._parts and not self._reason:
            raise self._bad("it has no candidate")
        if len({call.id for call in self._calls}) < len(self._calls):
            raise self._bad("two tool calls have one id")
        return ChatResponse(
            message=Message(
                role="assistant",
                content=text_of(self._parts),
                tool_calls=tuple(self._calls),
                reasoning=reasoning_of(self._parts),
                native=native_of(self._parts, _joined(self._logprobs)),
            ),
            usage=_usage(self._usage),
            model=self._model,
            finish_reason=self._finish(),
        )

    def _call(self, made: dict[str, Any]) -> ToolCall:
        name, arguments = made.get("name"), made.get("args") or {}
        if not name:
            raise self._bad("a tool call has no name")
        return ToolCall(id=made.get("id") or next(self._ids), name=name, arguments=arguments)

    def _finish(self) -> Literal["stop", "length", "tool_calls", "content_filter"]:
        if self._reason in _CUT:
            return "length"
        if self._reason in _FILTERS:
            return "content_filter"
        return "tool_calls" if self._calls else "stop"

    def _bad(self, why: str) -> ModelError:
        text = f"the answer is not one of generateContent: {self._secrets.hide(why)}"
        return ModelError(text, code="bad_response")


def _plain(value: Any) -> dict[str, Any]:
    """A vendor's object as the JSON that it came from."""
    plain: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return plain


def _name(value: Any) -> str:
    """The name of an enumeration's value; of one that the client does not know, too."""
    return str(getattr(value, "value", value)).upper()


def _usage(told: types.GenerateContentResponseUsageMetadata | None) -> Usage:
    """The cost; thoughts are counted beside the answer, what built-in tools read beside the input.

    A server may leave any of them out, or tell a number below zero when it cannot count.
    """
    counts = {} if told is None else told.model_dump(exclude_none=True)

    def count(name: str) -> int:
        return max(0, int(counts.get(f"{name}_token_count", 0)))

    return Usage(
        input_tokens=count("prompt") + count("tool_use_prompt"),
        output_tokens=count("candidates") + count("thoughts"),
        cached_tokens=count("cached_content"),
        reasoning_tokens=count("thoughts"),
    )


def _joined(logprobs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The probabilities of all parts; ``None`` where none were told."""
    if not logprobs:
        return None
    names = ("chosenCandidates", "topCandidates")
    return {name: [each for part in logprobs for each in part.get(name, ())] for name in names}


def _new_ids(request: ChatRequest) -> Iterator[str]:
    """Ids for calls that come without: new in this conversation, and the same in each replay."""
    taken = {call.id for message in request.messages for call in message.tool_calls}
    number = len(taken)
    while True:
        name = f"call_{number}"
        if name not in taken:
            yield name
        number += 1
