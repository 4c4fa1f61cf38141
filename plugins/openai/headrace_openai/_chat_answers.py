"""From the body of a chat completion to a chat response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from headrace.chat import ChatResponse, Message, ToolCall, Usage
from headrace.errors import ModelError
from headrace_openai._bodies import read_arguments, read_body

if TYPE_CHECKING:
    from headrace_openai._client import Client

__all__ = [
    "Answer",
    "CompletionUsage",
    "FunctionCalled",
    "ToolCalled",
    "answer_response",
    "read_answer",
    "thought",
]

_Reason = Literal["stop", "length", "tool_calls", "content_filter"]


class FunctionCalled(BaseModel):
    """The function of a call."""

    name: str = Field(min_length=1)
    arguments: str


class ToolCalled(BaseModel):
    """A call of an answer."""

    id: str | None = None
    function: FunctionCalled


class Answer(BaseModel):
    """An answer's message."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCalled] | None = None
    # What models think, in the words of compatible servers; OpenAI's own does not tell.
    reasoning_content: Any = None
    reasoning: Any = None


class _Choice(BaseModel):
    message: Answer
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None


class _InputDetails(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0)
    cache_write_tokens: int | None = Field(default=None, ge=0)


class _OutputDetails(BaseModel):
    reasoning_tokens: int | None = Field(default=None, ge=0)


class CompletionUsage(BaseModel):
    """What a completion cost."""

    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None

    def counted(self) -> Usage:
        """The same in headrace's words."""
        read = self.prompt_tokens_details or _InputDetails()
        written = self.completion_tokens_details or _OutputDetails()
        return Usage(
            input_tokens=self.prompt_tokens,
            output_tokens=self.completion_tokens,
            cached_tokens=read.cached_tokens or 0,
            cache_write_tokens=read.cache_write_tokens or 0,
            reasoning_tokens=written.reasoning_tokens or 0,
        )


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: CompletionUsage | None = None
    model: str | None = None


def read_answer(body: bytes, model: str, turn: int, client: Client) -> ChatResponse:
    """The chat response of an answer's body.

    Args:
        body: What the server sent.
        model: The model that was asked for, where the answer does not name one.
        turn: A number that makes ids of calls unique, where the server gives none.
        client: What had asked.

    Raises:
        ModelError: ``bad_response``, ``refused``, ``content_filtered``, or what the server told.
    """
    completion = read_body(_Completion, body, "a chat completion", client)
    choice = completion.choices[0]
    return answer_response(
        choice.message,
        choice.finish_reason,
        completion.usage,
        model=completion.model or model,
        turn=turn,
        client=client,
        logprobs=choice.logprobs,
    )


def answer_response(
    answer: Answer,
    finish_reason: str | None,
    usage: CompletionUsage | None,
    *,
    model: str,
    turn: int,
    client: Client,
    logprobs: dict[str, Any] | None = None,
) -> ChatResponse:
    """The chat response of an answer that is whole, however it came.

    Raises:
        ModelError: ``bad_response``, ``refused`` or ``content_filtered``.
    """
    if answer.refusal:
        text = client.secrets.hide(answer.refusal)
        raise ModelError(f"the model refused: {text}", code="refused")
    cut = finish_reason == "length"
    calls = tuple(
        ToolCall(
            # Some servers give no ids, and the result must still find its call.
            id=call.id or f"call_{turn}_{number}",
            name=call.function.name,
            arguments=read_arguments(call.function.name, call.function.arguments, client, cut=cut),
        )
        for number, call in enumerate(answer.tool_calls or ())
    )
    if finish_reason == "content_filter" and not answer.content and not calls:
        raise ModelError("the provider's content filter left nothing", code="content_filtered")
    return ChatResponse(
        message=Message(
            role="assistant",
            content=answer.content or "",
            tool_calls=calls,
            reasoning=thought(answer.reasoning_content, answer.reasoning),
            native={"openai": {"logprobs": logprobs}} if logprobs else {},
        ),
        usage=(usage or CompletionUsage()).counted(),
        model=model,
        finish_reason=_reason(finish_reason, called=bool(calls)),
    )


def thought(*told: Any) -> str:
    """The first text among what a server may have told of the model's reasoning."""
    return next((text for text in told if isinstance(text, str) and text), "")


def _reason(reason: str | None, *, called: bool) -> _Reason:
    if reason == "length":
        return "length"
    if reason == "content_filter":
        return "content_filter"
    # A call that was forced (tool_choice) ends with "stop", and older servers say "function_call".
    return "tool_calls" if called else "stop"
