"""Answers that come in parts: server-sent events, put together to what ``chat`` would have given.

The events are Anthropic's ("Streaming messages"): ``message_start``, for each block its start, its
parts and its stop, ``message_delta`` with what is known at the end, ``message_stop``; ``ping`` and
``error`` anywhere. Kinds that are not known are left alone, as the provider asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from headrace.chat import ChatDelta
from headrace.errors import ModelError
from headrace_anthropic._answers import AnswerBlock, bad_response, faults_of, read_json
from headrace_anthropic._failures import told_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from headrace.providers import Secrets
    from headrace_anthropic._blocks import Block

__all__ = ["Assembly", "events"]

_PARAGRAPH = "\n\n"


async def events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event; their names are in the data once more."""
    buffer = bytearray()
    data: list[bytes] = []
    async for chunk in chunks:
        seen = len(buffer)
        buffer += chunk
        while (end := buffer.find(b"\n", seen)) >= 0:
            line = bytes(buffer[:end]).removesuffix(b"\r")
            del buffer[: end + 1]
            seen = 0
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Started(_Strict):
    usage: dict[str, Any] | None = None


class _Begin(_Strict):
    message: _Started


class _BlockStart(_Strict):
    index: int = Field(ge=0)
    content_block: AnswerBlock


class _Part(_Strict):
    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: dict[str, Any] | None = None


class _BlockDelta(_Strict):
    index: int = Field(ge=0)
    delta: _Part


class _Outcome(_Strict):
    stop_reason: str | None = None
    stop_details: dict[str, Any] | None = None


class _MessageDelta(_Strict):
    delta: _Outcome
    usage: dict[str, Any] | None = None


class _Stop(_Strict):
    pass


class _Error(_Strict):
    error: dict[str, Any]


class _Other(_Strict):
    type: str


_KINDS = {
    "message_start": "begin",
    "content_block_start": "block_start",
    "content_block_delta": "block_delta",
    "message_delta": "message_delta",
    "message_stop": "stop",
    "error": "error",
}


def _kind(event: Any) -> str:
    kind = event.get("type") if isinstance(event, dict) else None
    return _KINDS.get(kind, "other") if isinstance(kind, str) else "other"


_PARTS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "thinking"),
    "input_json_delta": ("partial_json", ""),
}
"""For each kind of part: where its text is, and the kind of block that it may be of."""

_EVENTS: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        Annotated[_Begin, Tag("begin")]
        | Annotated[_BlockStart, Tag("block_start")]
        | Annotated[_BlockDelta, Tag("block_delta")]
        | Annotated[_MessageDelta, Tag("message_delta")]
        | Annotated[_Stop, Tag("stop")]
        | Annotated[_Error, Tag("error")]
        | Annotated[_Other, Tag("other")],
        Discriminator(_kind),
    ]
)


class Assembly:
    """An answer that is being put together.

    Args:
        on_delta: Told of each part.
        host: The server, for errors.
        secrets: What must not be in errors.

    Attributes:
        done: Whether the answer is whole.
    """

    __slots__ = (
        "_begun",
        "_blocks",
        "_host",
        "_message",
        "_on_delta",
        "_pieces",
        "_secrets",
        "done",
    )

    def __init__(self, on_delta: Callable[[ChatDelta], None], host: str, secrets: Secrets) -> None:
        self._on_delta = on_delta
        self._host = host
        self._secrets = secrets
        self._message: dict[str, Any] | None = None
        self._blocks: list[Block] = []
        self._pieces: list[dict[str, list[str]]] = []
        self._begun = False
        self.done = False

    def take(self, data: bytes) -> None:
        """Takes one event.

        Raises:
            ModelError: It tells of an error, or is none (``bad_response``).
        """
        if self.done:
            return
        self._begun = True
        value, why = read_json(data)
        event = None if why else _checked(value)
        if event is None or isinstance(event, str):
            raise bad_response(why or str(event), data, self._secrets)
        if isinstance(event, _Error):
            raise told_error(event.error, self._host, self._secrets)
        if isinstance(event, _Other):
            return
        if wrong := self._out_of_place(event):
            raise bad_response(wrong, data, self._secrets)
        if isinstance(event, _Begin):
            self._message = {**value["message"], "content": self._blocks}
        elif isinstance(event, _BlockStart):
            self._start(value["content_block"])
        elif isinstance(event, _BlockDelta):
            self._add(event.index, event.delta)
        elif isinstance(event, _MessageDelta):
            self._end(event)
        else:
            self.done = True

    def answer(self) -> dict[str, Any]:
        """The whole answer, as the body of one that came at once.

        Raises:
            ModelError: ``connection``: it broke off. ``bad_response``: no event came at all, or
                the arguments of a call are none.
        """
        if not self._begun:
            raise ModelError(f"{self._host} sent no event of a stream", code="bad_response")
        if self._message is None or not self.done:
            raise ModelError(
                f"{self._host} broke off in the middle of an answer", code="connection"
            )
        for block, pieces in zip(self._blocks, self._pieces, strict=True):
            for name, found in pieces.items():
                text = "".join(found)
                if name != "partial_json":
                    block[name] = block.get(name, "") + text
                elif text:
                    block["input"] = self._input(block, text)
        return self._message

    def _out_of_place(self, event: Any) -> str:
        """Why an event cannot come now; empty where it can."""
        if isinstance(event, _Begin):
            return "a second message_start" if self._message is not None else ""
        if self._message is None:
            return "an event before message_start"
        if isinstance(event, _BlockStart) and event.index != len(self._blocks):
            return f"block {event.index} starts where block {len(self._blocks)} is due"
        if isinstance(event, _BlockDelta) and event.index >= len(self._blocks):
            return f"a part of block {event.index}, which has not started"
        if isinstance(event, _BlockDelta) and event.delta.type in _PARTS:
            block, kind = self._blocks[event.index], event.delta.type
            _, wanted = _PARTS[kind]
            if block["type"] != wanted if wanted else "input" not in block:
                return f"a {kind} of block {event.index}, which is of {block['type']}"
        return ""

    def _start(self, block: Block) -> None:
        if block["type"] == "thinking" and any(b["type"] == "thinking" for b in self._blocks):
            self._tell(reasoning=_PARAGRAPH)
        self._blocks.append(block)
        self._pieces.append({})
        if block["type"] == "text":
            self._tell(text=block.get("text", ""))
        elif block["type"] == "thinking":
            self._tell(reasoning=block.get("thinking", ""))

    def _add(self, index: int, part: _Part) -> None:
        if part.type == "citations_delta":
            block = self._blocks[index]
            block["citations"] = [*(block.get("citations") or ()), part.citation]
        elif part.type in _PARTS:
            name, _ = _PARTS[part.type]
            piece = getattr(part, name)
            self._pieces[index].setdefault(name, []).append(piece)
            if name in {"text", "thinking"}:
                self._tell(**{"reasoning" if name == "thinking" else name: piece})

    def _end(self, event: _MessageDelta) -> None:
        assert self._message is not None  # noqa: S101 - looked at before
        self._message |= event.delta.model_dump(exclude_none=True)
        # The counts are of the whole answer so far; what is not told again stays.
        known = {name: count for name, count in (event.usage or {}).items() if count is not None}
        self._message["usage"] = {**(self._message.get("usage") or {}), **known}

    def _input(self, block: Block, text: str) -> Any:
        value, why = read_json(text.encode("utf-8", "surrogatepass"))
        if why:
            cut = self._message is not None and self._message.get("stop_reason") == "max_tokens"
            hint = " (the answer was cut at its length limit)" if cut else ""
            why = f"the arguments of the tool call {block.get('name')} are not JSON{hint}"
            raise bad_response(why, text.encode("utf-8", "replace"), self._secrets)
        return value

    def _tell(self, text: str = "", reasoning: str = "") -> None:
        if text or reasoning:
            self._on_delta(ChatDelta(text=text, reasoning=reasoning))


def _checked(value: Any) -> Any:
    """The event, or what is wrong with it."""
    if not isinstance(value, dict):
        return "an event that is no object"
    try:
        return _EVENTS.validate_python(value)
    except ValidationError as error:
        return faults_of(error)
