"""From the parts of an answer, one or many, to a chat response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headrace.chat import ChatDelta, ChatResponse, Message, ToolCall, Usage
from headrace.errors import ModelError
from headrace_ollama._json import json_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ollama

    from headrace.chat import ChatRequest
    from headrace.providers import Secrets

__all__ = ["Answer"]


class Answer:
    """An answer that is being put together.

    Args:
        request: What was asked.
        model: The model that was asked for, where the answer does not name one.
        secrets: What must not be in errors.
    """

    def __init__(self, request: ChatRequest, model: str, secrets: Secrets) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._ids = _new_ids(request)
        self._model = model
        self._secrets = secrets
        self._done = False
        self._length = False
        self._usage = Usage()

    def take(self, part: ollama.ChatResponse) -> ChatDelta:
        """Adds a part; says what was new in it.

        Raises:
            ModelError: ``bad_response``: it says what JSON cannot.
        """
        delta = ChatDelta(text=part.message.content or "", reasoning=part.message.thinking or "")
        self._text.append(delta.text)
        self._reasoning.append(delta.reasoning)
        self._check("the text", [delta.text, delta.reasoning])
        for call in part.message.tool_calls or ():
            name, arguments = call.function.name, dict(call.function.arguments)
            self._check(f"the tool call {name!r}", [name, arguments])
            if not name:
                raise ModelError("the answer is none: a tool call has no name", code="bad_response")
            self._calls.append(ToolCall(id=next(self._ids), name=name, arguments=arguments))
        if part.model:
            self._model = part.model
        if part.done:
            self._done = True
            self._length = part.done_reason == "length"
            self._usage = Usage(
                # Left out where all of the prompt was in the server's cache.
                input_tokens=max(0, part.prompt_eval_count or 0),
                output_tokens=max(0, part.eval_count or 0),
            )
        return delta

    def whole(self) -> ChatResponse:
        """The response.

        Raises:
            ModelError: ``connection``: the answer has no end.
        """
        if not self._done:
            raise ModelError("the answer broke off before it was done", code="connection")
        return ChatResponse(
            message=Message(
                role="assistant",
                content="".join(self._text),
                tool_calls=tuple(self._calls),
                reasoning="".join(self._reasoning),
            ),
            usage=self._usage,
            model=self._model,
            finish_reason=self._reason(),
        )

    def _reason(self) -> Literal["stop", "length", "tool_calls"]:
        if self._length:
            return "length"
        return "tool_calls" if self._calls else "stop"

    def _check(self, where: str, said: list[Any]) -> None:
        if fault := json_fault(said):
            why = self._secrets.hide(f"{where} is not JSON: {fault}")
            raise ModelError(f"the answer is none: {why}", code="bad_response")


def _new_ids(request: ChatRequest) -> Iterator[str]:
    """Ids for calls, which come without: new in this conversation, and the same in each replay."""
    taken = {call.id for message in request.messages for call in message.tool_calls}
    number = len(taken)
    while True:
        name = f"call_{number}"
        if name not in taken:
            yield name
        number += 1
