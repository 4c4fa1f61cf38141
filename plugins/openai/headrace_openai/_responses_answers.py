"""From a response, whole or streamed, to a chat response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pydantic_core
from pydantic import BaseModel, Field, ValidationError

from headrace.chat import ChatDelta, ChatResponse, Message, ToolCall, Usage
from headrace.errors import ModelError
from headrace_openai._bodies import read_arguments, refused_body, validation_faults
from headrace_openai._codes import told_error
from headrace_openai._responses_items import BETWEEN, Item, native_items, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_openai._client import Client

__all__ = ["ResponseStream", "read_response"]

_WHAT = "a response"
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_TEXT = "response.output_text.delta"
_REASONING = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})


class _InputDetails(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0)
    cache_write_tokens: int | None = Field(default=None, ge=0)


class _OutputDetails(BaseModel):
    reasoning_tokens: int | None = Field(default=None, ge=0)


class _Usage(BaseModel):
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None

    def counted(self) -> Usage:
        read = self.input_tokens_details or _InputDetails()
        written = self.output_tokens_details or _OutputDetails()
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=read.cached_tokens or 0,
            cache_write_tokens=read.cache_write_tokens or 0,
            reasoning_tokens=written.reasoning_tokens or 0,
        )


class _Incomplete(BaseModel):
    reason: str | None = None


class _Response(BaseModel):
    output: list[Item]
    status: str | None = None
    error: Any = None
    incomplete_details: _Incomplete | None = None
    usage: _Usage | None = None
    model: str | None = None


def read_response(body: bytes, model: str, turn: int, client: Client) -> ChatResponse:
    """The chat response of a response's body.

    Args:
        body: What the server sent.
        model: The model that was asked for, where the answer does not name one.
        turn: A number that makes ids of calls unique, where the server gives none.
        client: What had asked.

    Raises:
        ModelError: ``bad_response``, ``refused``, ``content_filtered``, or what the server told.
    """
    return _chat_response(_json(body, client), body, model, turn, client)


class ResponseStream:
    """Takes the events of one response, tells of its parts, and gives the whole."""

    __slots__ = ("_client", "_data", "_end", "_items", "_model", "_on_delta", "_places")

    def __init__(self, model: str, client: Client, on_delta: Callable[[ChatDelta], None]) -> None:
        self._model = model
        self._client = client
        self._on_delta = on_delta
        self._items: list[Any] = []
        self._end: Any = None
        self._data = b""
        self._places: dict[str, Any] = {}

    def take(self, data: bytes) -> bool:
        """Takes the data of an event; true where it was the last.

        Raises:
            ModelError: It is no event, or tells of an error.
        """
        if data.startswith(b"[DONE]"):
            return True
        event = _json(data, self._client)
        kind = event.get("type") if isinstance(event, dict) else None
        if kind == "error" or (kind is None and isinstance(event, dict) and event.get("error")):
            # OpenAI's own event is the error; others put it inside.
            told = event.get("error") or event
            raise told_error(told, self._client.host, self._client.secrets)
        if not isinstance(kind, str):
            raise refused_body(data, "an event of a response", "no type", self._client)
        if kind in _ENDS:
            self._end, self._data = event.get("response", {}), data
            return True
        if kind == "response.output_item.done":
            self._items.append(event.get("item"))
        elif kind == _TEXT or kind in _REASONING:
            self._tell(kind, event, data)
        return False

    def response(self, turn: int) -> ChatResponse:
        """The whole answer, once the stream has ended.

        Args:
            turn: A number that makes ids of calls unique, where the server gives none.

        Raises:
            ModelError: As a chat does; ``connection`` where the end is missing.
        """
        if self._end is None:
            raise ModelError(
                f"{self._client.host} ended its stream before the answer's end", code="connection"
            )
        end = self._end
        if isinstance(end, dict) and not end.get("output") and self._items:
            end = {**end, "output": self._items}
        return _chat_response(end, self._data, self._model, turn, self._client)

    def _tell(self, kind: str, event: dict[str, Any], data: bytes) -> None:
        delta = event.get("delta")
        if not isinstance(delta, str):
            raise refused_body(data, "an event of a response", "delta: no text", self._client)
        if not delta:
            return
        if kind == _TEXT:
            self._on_delta(ChatDelta(text=self._apart("text", event.get("output_index")) + delta))
            return
        place = (kind, *(event.get(at) for at in ("output_index", "summary_index")))
        place = (*place, event.get("content_index"))
        self._on_delta(ChatDelta(reasoning=self._apart("reasoning", place) + delta))

    def _apart(self, what: str, place: Any) -> str:
        """What stands before a part, where it is in another place than the one before it."""
        before, self._places[what] = self._places.get(what, place), place
        return "" if before == place else BETWEEN


def _json(body: bytes, client: Client) -> Any:
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        why = str(error)
    raise refused_body(body, _WHAT, why, client)


def _chat_response(said: Any, body: bytes, model: str, turn: int, client: Client) -> ChatResponse:
    if isinstance(said, dict) and said.get("error"):
        raise told_error(said["error"], client.host, client.secrets)
    try:
        response = _Response.model_validate(said)
    except ValidationError as error:
        faults = validation_faults(error)
    else:
        return _read(response, said["output"], model, turn, client)
    raise refused_body(body, _WHAT, faults, client)


def _read(
    response: _Response, output: list[dict[str, Any]], model: str, turn: int, client: Client
) -> ChatResponse:
    if response.status not in {None, "completed", "incomplete"}:
        text = f"{client.host} gave a response that is {client.secrets.hide(str(response.status))}"
        raise ModelError(text, code="bad_response")
    told = tell(response.output)
    if told.refusal:
        raise ModelError(f"the model refused: {client.secrets.hide(told.refusal)}", code="refused")
    reason = response.incomplete_details.reason if response.incomplete_details else None
    cut = response.status == "incomplete" or reason is not None
    calls = tuple(
        ToolCall(
            # Some servers give no ids, and the result must still find its call.
            id=call_id or f"call_{turn}_{number}",
            name=name,
            arguments=read_arguments(name, arguments, client, cut=cut),
        )
        for number, (call_id, name, arguments) in enumerate(told.calls)
    )
    if reason == "content_filter" and not told.text and not calls:
        raise ModelError("the provider's content filter left nothing", code="content_filtered")
    finish: Literal["stop", "length", "tool_calls", "content_filter"]
    if cut:
        finish = "content_filter" if reason == "content_filter" else "length"
    else:
        finish = "tool_calls" if calls else "stop"
    return ChatResponse(
        message=Message(
            role="assistant",
            content=told.text,
            tool_calls=calls,
            reasoning=told.reasoning,
            native=native_items(output, response.output, client.host),
        ),
        usage=(response.usage or _Usage()).counted(),
        model=response.model or model,
        finish_reason=finish,
    )
