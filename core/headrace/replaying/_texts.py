"""Calls as texts that people compare, and what differs between two of them."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from headrace.calls import kind_of
from headrace.recording import answer_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.recording import CallRecord

__all__ = ["asked_text", "json_text", "nearest", "outcome_text", "unified"]

_MOST_LINES = 3_000
"""Lines that are compared, once what is equal at both ends is left out: the time is a square."""
_MOST_CHARACTERS = 2_000
"""Of a line of a difference."""
_COMPARED = 20
"""Recorded calls among which the nearest is looked for."""
_BEGINNING = 5_000


def asked_text(call: CallRecord) -> str:
    """What was asked, a line for each thing that may differ; ids of tool calls are left out."""
    if kind_of(call.name) == "chat" and type(call.asked) is dict:
        return "\n".join(_request(call.asked))
    return json_text(plain(call.asked))


def outcome_text(call: CallRecord) -> str:
    """What came of it; of a model's answer not what it has cost."""
    if call.state == "unfinished":
        return "(it did not end)"
    if call.state == "failed":
        error = call.outcome if type(call.outcome) is dict else {}
        return f"failed: {error.get('type')}: {error.get('text')}"
    if kind_of(call.name) == "chat" and type(call.asked) is dict:
        return "\n".join(_message(answer_of(call.outcome).get("message")))
    return json_text(plain(call.outcome))


def json_text(value: Any) -> str:
    """JSON, a line for each value."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)


def unified(before: str, after: str, context: int = 3) -> str:
    """A unified diff of two texts; empty where they are the same."""
    if before == after:
        return ""
    old, new = before.splitlines(), after.splitlines()
    head = _equal(old, new)
    tail = _equal(old[head:][::-1], new[head:][::-1])
    # What is equal at both ends costs nothing, but for the lines that are shown around.
    begin, end = max(0, head - context), max(0, tail - context)
    old_part, new_part = old[begin : len(old) - end], new[begin : len(new) - end]
    if max(len(old_part), len(new_part)) > _MOST_LINES:
        return f"(too long to be compared: {len(old):,} and {len(new):,} lines)"
    lines = difflib.unified_diff(old_part, new_part, "recorded", "now", n=context, lineterm="")
    return "\n".join(_short(line) for line in lines)


def nearest(text: str, candidates: Sequence[tuple[CallRecord, str]]) -> CallRecord | None:
    """The call whose text is most like another."""
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(text[:_BEGINNING])
    best, found = -1.0, None
    for call, other in candidates[:_COMPARED]:
        matcher.set_seq1(other[:_BEGINNING])
        if (ratio := matcher.quick_ratio()) > best:
            best, found = ratio, call
    return found


# ---------------------------------------------------------------- requests
def _request(asked: dict[str, Any]) -> Iterable[str]:
    """A model's request. A recording's may have any form: what is not as it should be is shown."""
    for message in _list(asked.get("messages")):
        yield from _message(message)
    for tool in _list(asked.get("tools")):
        name = tool.get("name") if type(tool) is dict else None
        yield f"[tool offered: {name}]"
        yield from json_text(tool).splitlines()
    for name in sorted(asked.keys() - {"messages", "tools"}):
        if asked[name] not in (None, [], {}) and (name, asked[name]) != ("tool_choice", "auto"):
            yield f"[{name}] {json.dumps(asked[name], ensure_ascii=False, sort_keys=True)}"


def _message(message: Any) -> Iterable[str]:
    if type(message) is not dict:
        yield json_text(message)
        return
    yield f"[{message.get('role')}]"
    if message.get("reasoning"):
        yield f"(thinks) {message['reasoning']}"
    if message.get("content"):
        yield str(message["content"])
    for image in _list(message.get("images")):
        yield _image(image)
    for call in _list(message.get("tool_calls")):
        name = call.get("name") if type(call) is dict else None
        arguments = call.get("arguments") if type(call) is dict else call
        yield f"calls {name} {json.dumps(arguments, ensure_ascii=False, sort_keys=True)}"


def _image(image: Any) -> str:
    if type(image) is not dict:
        return json_text(image)
    if image.get("url"):
        return f"(image {image['url']})"
    data = str(image.get("data"))
    return f"(image {image.get('media_type')}, {len(data)} characters, ends in {data[-12:]})"


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _equal(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines are equal at the beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _short(line: str) -> str:
    if len(line) <= _MOST_CHARACTERS:
        return line
    return f"{line[:_MOST_CHARACTERS]}... ({len(line):,} characters)"
