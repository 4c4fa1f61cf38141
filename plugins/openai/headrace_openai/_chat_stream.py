"""From the chunks of a streamed chat completion to a chat response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace.chat import ChatDelta
from headrace.errors import ModelError
from headrace_openai._bodies import read_body
from headrace_openai._chat_answers import (
    Answer,
    CompletionUsage,
    FunctionCalled,
    ToolCalled,
    answer_response,
    thought,
)
from headrace_openai._codes import told_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.chat import ChatResponse
    from headrace_openai._client import Client

__all__ = ["ChatStream"]


class _FunctionPart(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _CallPart(BaseModel):
    index: int | None = None
    id: str | None = None
    function: _FunctionPart | None = None


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_CallPart] | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class _ChunkChoice(BaseModel):
    index: int = 0
    delta: _Delta | None = None
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_ChunkChoice] | None = None
    usage: CompletionUsage | None = None
    model: str | None = None
    error: Any = None


class _Call:
    """A call of which parts have come."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class ChatStream:
    """Takes the chunks of one answer, tells of its parts, and gives the whole."""

    __slots__ = (
        "_at",
        "_calls",
        "_client",
        "_done",
        "_logprobs",
        "_model",
        "_on_delta",
        "_reason",
        "_reasoning",
        "_refusal",
        "_text",
        "_usage",
    )

    def __init__(self, model: str, client: Client, on_delta: Callable[[ChatDelta], None]) -> None:
        self._model = model
        self._client = client
        self._on_delta = on_delta
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_Call] = []
        self._at: dict[int | None, _Call] = {}
        self._reason: str | None = None
        self._usage: CompletionUsage | None = None
        self._done = False
        self._logprobs: dict[str, list[Any]] = {}

    def take(self, data: bytes) -> bool:
        """Takes the data of an event; true where it was the last.

        Raises:
            ModelError: It is no chunk, or tells of an error.
        """
        if data.startswith(b"[DONE]"):
            self._done = True
            return True
        chunk = read_body(_Chunk, data, "a chunk of a chat completion", self._client)
        if chunk.error:
            raise told_error(chunk.error, self._client.host, self._client.secrets)
        if chunk.choices is None and chunk.usage is None:
            begin = self._client.secrets.hide(data.decode("utf-8", "replace"), 200)
            raise ModelError(
                f"the answer is not a chunk of a chat completion: no choices. It begins: {begin!r}",
                code="bad_response",
            )
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._reason = choice.finish_reason or self._reason
                if choice.delta is not None:
                    self._add(choice.delta)
                for name, told in (choice.logprobs or {}).items():
                    if isinstance(told, list):
                        self._logprobs.setdefault(name, []).extend(told)
        return False

    def response(self, turn: int) -> ChatResponse:
        """The whole answer, once the stream has ended.

        Args:
            turn: A number that makes ids of calls unique, where the server gives none.

        Raises:
            ModelError: As a chat does; ``connection`` where the end is missing.
        """
        if self._reason is None and not self._done:
            raise ModelError(
                f"{self._client.host} ended its stream before the answer's end", code="connection"
            )
        calls = [
            ToolCalled.model_construct(
                id=call.id or None,
                function=FunctionCalled.model_construct(
                    name=call.name, arguments="".join(call.arguments)
                ),
            )
            for call in self._calls
        ]
        if any(not call.function.name for call in calls):
            raise ModelError("the stream has a tool call without a name", code="bad_response")
        answer = Answer(
            content="".join(self._text),
            refusal="".join(self._refusal),
            tool_calls=calls,
            reasoning="".join(self._reasoning),
        )
        return answer_response(
            answer,
            self._reason,
            self._usage,
            model=self._model,
            turn=turn,
            client=self._client,
            logprobs=self._logprobs,
        )

    def _add(self, delta: _Delta) -> None:
        text = delta.content or ""
        reasoning = thought(delta.reasoning_content, delta.reasoning)
        self._text.append(text)
        self._reasoning.append(reasoning)
        self._refusal.append(delta.refusal or "")
        for part in delta.tool_calls or ():
            self._add_call(part)
        if text or reasoning:
            self._on_delta(ChatDelta(text=text, reasoning=reasoning))

    def _add_call(self, part: _CallPart) -> None:
        function = part.function or _FunctionPart()
        call = self._at.get(part.index)
        # Some servers send each call whole, and give all of them one index, or none.
        if (
            call is None
            or (part.id and call.id and part.id != call.id)
            or (part.index is None and function.name and call.name)
        ):
            call = self._at[part.index] = _Call()
            self._calls.append(call)
        call.id = call.id or part.id or ""
        call.name = call.name or function.name or ""
        call.arguments.append(function.arguments or "")
