"""From the body of a chat completion to a chat response.

The body is read here and not by the vendor's client, which builds its objects without checking
them: a broken answer would be found much later, or never. What is checked is only what is used, as
compatible servers leave out much of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pydantic_core
from pydantic import BaseModel, Field, ValidationError

from headrace.chat import ChatResponse, Message, ToolCall, Usage
from headrace.errors import ModelError

if TYPE_CHECKING:
    from headrace_openai._secrets import Secrets

__all__ = ["read_answer"]

_Reason = Literal["stop", "length", "tool_calls", "content_filter"]


class _Function(BaseModel):
    name: str = Field(min_length=1)
    arguments: str


class _Call(BaseModel):
    id: str | None = None
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None
    model: str | None = None


def read_answer(body: bytes, model: str, turn: int, secrets: Secrets) -> ChatResponse:
    """The chat response of an answer's body.

    Args:
        body: What the server sent.
        model: The model that was asked for, where the answer does not name one.
        turn: A number that makes ids of calls unique, where the server gives none.
        secrets: What must not be in errors.

    Raises:
        ModelError: ``bad_response``, ``refused`` or ``content_filtered``.
    """
    completion = _completion(body)
    if isinstance(completion, str):
        begin = secrets.hide(body.decode("utf-8", "replace"), 200)
        raise ModelError(
            f"the answer is not a chat completion: {secrets.hide(completion)}. "
            f"It begins: {begin!r}",
            code="bad_response",
        )
    choice = completion.choices[0]
    message = choice.message
    if message.refusal:
        text = secrets.hide(message.refusal)
        raise ModelError(f"the model refused: {text}", code="refused")
    cut = choice.finish_reason == "length"
    calls = tuple(
        ToolCall(
            # Some servers give no ids, and the result must still find its call.
            id=call.id or f"call_{turn}_{number}",
            name=call.function.name,
            arguments=_arguments(call.function, secrets, cut=cut),
        )
        for number, call in enumerate(message.tool_calls or ())
    )
    if choice.finish_reason == "content_filter" and not message.content and not calls:
        raise ModelError("the provider's content filter left nothing", code="content_filtered")
    usage = completion.usage or _Usage()
    return ChatResponse(
        message=Message(role="assistant", content=message.content or "", tool_calls=calls),
        usage=Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens),
        model=completion.model or model,
        finish_reason=_reason(choice.finish_reason, called=bool(calls)),
    )


def _completion(body: bytes) -> _Completion | str:
    """The completion, or what is wrong with it.

    Pydantic's error goes no further, not even as a context: it quotes the body.
    """
    try:
        return _Completion.model_validate_json(body)
    except ValidationError as error:
        return "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)[:5]
        )


def _arguments(function: _Function, secrets: Secrets, *, cut: bool) -> dict[str, Any]:
    """The arguments of a call; a tool without parameters may come with an empty text."""
    if not function.arguments.strip():
        return {}
    try:
        arguments = pydantic_core.from_json(function.arguments, allow_inf_nan=False)
    except ValueError as error:
        why = f"not JSON: {error}"
    else:
        if isinstance(arguments, dict):
            return arguments
        why = f"a {type(arguments).__name__}, not an object"
    hint = " (the answer was cut at its length limit)" if cut else ""
    begin = secrets.hide(function.arguments, 200)
    raise ModelError(
        f"the arguments of the tool call {function.name} are {why}{hint}. They begin: {begin!r}",
        code="bad_response",
    )


def _reason(reason: str | None, *, called: bool) -> _Reason:
    if reason == "length":
        return "length"
    if reason == "content_filter":
        return "content_filter"
    # A call that was forced (tool_choice) ends with "stop", and older servers say "function_call".
    return "tool_calls" if called else "stop"
