"""What a server answers, as what a model is told."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mcp_types as types

from headrace.chat import Image, Message, ToolResult
from headrace.errors import ToolError
from headrace.values import MAX_DEPTH, dumps
from headrace_mcp._text import clean, cut, depth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_types import CallToolResult, ContentBlock, GetPromptResult, ReadResourceResult

__all__ = ["bounded", "prompt_messages", "prompt_text", "resource_text", "tool_result"]

MAX_PICTURES = 10
"""Pictures of one result that are given."""
MAX_MESSAGES = 100
"""Messages of a prompt."""
MAX_PICTURE = 4 * 1024 * 1024
"""Characters of a picture, in base64."""
_SPARE = 10
"""Levels of nesting that are left for those who put a result into something."""
_NAME = 500


def tool_result(result: CallToolResult, *, has_form: bool, limit: int, images: bool) -> Any:
    """The result of a call: JSON where the tool has a form for it, else text.

    Args:
        result: What the server answered.
        has_form: Whether the tool says what its results look like.
        limit: Characters that it may have, as text.
        images: Whether its pictures are given too.

    Raises:
        ToolError: It is a failure, by the server's own word.
    """
    if result.is_error:
        said = clean(_joined(result.content), limit).strip()
        raise ToolError(said or "the tool failed and did not say why")
    pictures = _pictures(result.content) if images else {}
    value: Any
    if result.structured_content is not None and (has_form or not result.content):
        value = bounded(result.structured_content, limit)
    else:
        value = cut(_joined(result.content, pictures), limit)
    if not pictures:
        return value
    text = value if isinstance(value, str) else dumps(value)
    return ToolResult(text=text, images=tuple(pictures.values()))


def bounded(value: Any, limit: int) -> Any:
    """A JSON value; where it is longer than ``limit`` characters, the beginning of its text.

    Raises:
        ToolError: It is nested too deep to be kept.
    """
    # First the depth: what is too deep cannot be written either.
    if depth(value) > MAX_DEPTH - _SPARE:
        raise ToolError("the tool's result is nested too deep")
    text = dumps(value)
    return value if len(text) <= limit else cut(text, limit)


def resource_text(result: ReadResourceResult, limit: int) -> str:
    """The contents of a resource."""
    return cut("\n".join(_contents(one) for one in result.contents), limit)


def prompt_text(result: GetPromptResult, limit: int) -> str:
    """The messages of a prompt, each with who says it."""
    return cut("\n\n".join(f"{m.role}: {_block(m.content)}" for m in result.messages), limit)


def prompt_messages(result: GetPromptResult, limit: int) -> tuple[Message, ...]:
    """The messages of a prompt, with the pictures that models can be shown.

    Args:
        result: What the server answered.
        limit: Characters that all of them may have.

    Raises:
        ToolError: There are too many.
    """
    if len(result.messages) > MAX_MESSAGES:
        raise ToolError(f"the prompt has more than {MAX_MESSAGES} messages")
    messages, pictures = [], 0
    for one in result.messages:
        shown = _pictures([one.content]) if pictures < MAX_PICTURES else {}
        pictures += len(shown)
        block = _block(one.content)
        text = "" if shown else cut(clean(block, len(block)), limit)
        limit = max(0, limit - len(text))
        messages.append(Message(role=one.role, content=text, images=tuple(shown.values())))
    return tuple(messages)


def _joined(content: Iterable[ContentBlock], pictures: Mapping[int, Image] | None = None) -> str:
    given = pictures or {}
    return "\n".join(_block(one, given=number in given) for number, one in enumerate(content))


def _pictures(content: Iterable[ContentBlock]) -> dict[int, Image]:
    """The pictures that models can be shown, by their place."""
    found: dict[int, Image] = {}
    for number, block in enumerate(content):
        data = _picture(block)
        if data is not None and len(data) <= MAX_PICTURE and len(found) < MAX_PICTURES:
            with suppress(ValueError):  # it is no picture: then it is described
                found[number] = Image.from_bytes(b64decode(data, validate=True))
    return found


def _picture(block: ContentBlock) -> str | None:
    """What may be a picture, in base64: a block of its own, or an embedded resource."""
    if isinstance(block, types.ImageContent):
        return block.data
    if not isinstance(block, types.EmbeddedResource):
        return None
    resource = block.resource
    if not isinstance(resource, types.BlobResourceContents):
        return None
    return resource.blob if (resource.mime_type or "").startswith("image/") else None


def _block(block: ContentBlock, *, given: bool = False) -> str:
    if isinstance(block, types.TextContent):
        return block.text
    if isinstance(block, types.EmbeddedResource):
        return _contents(block.resource, given=given)
    if isinstance(block, types.ResourceLink):
        size = "" if block.size is None else f", {block.size} bytes"
        about = f": {clean(block.description, _NAME)}" if block.description else ""
        name, uri = clean(block.name, _NAME), clean(block.uri, _NAME)
        return f"[resource {name} at {uri}{_kind(block.mime_type)}{size}{about}]"
    where = "below" if given else "not shown"
    return f"[{block.type}{_kind(block.mime_type)}, {_bytes(block.data)} bytes: {where}]"


def _contents(
    resource: types.TextResourceContents | types.BlobResourceContents, *, given: bool = False
) -> str:
    if isinstance(resource, types.TextResourceContents):
        return resource.text
    uri = clean(resource.uri, _NAME)
    where = "below" if given else "not shown"
    return f"[{uri}{_kind(resource.mime_type)}, {_bytes(resource.blob)} bytes: {where}]"


def _kind(mime_type: str | None) -> str:
    return f", {clean(mime_type, _NAME)}" if mime_type else ""


def _bytes(base64: str) -> int:
    return len(base64) * 3 // 4 - base64[-2:].count("=")
