"""What was said and given, as the conventions write it: only where somebody asked for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace_otel._shapes import is_retrieval

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["content_of"]


def content_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Attributes with the content of a record, as long as the event log's limits let it be."""
    data = record.get("data")
    if not isinstance(data, dict):
        return {}
    kind = record["kind"]
    if kind == "model":
        return _of_model(data)
    if kind == "tool":
        named = {"arguments": "gen_ai.tool.call.arguments", "result": "gen_ai.tool.call.result"}
    elif kind == "run":
        named = {"input": "headrace.input", "outputs": "headrace.outputs"}
    elif kind == "resource" and is_retrieval(record):
        named = {"asked": "gen_ai.retrieval.query.text", "result": "gen_ai.retrieval.documents"}
    elif kind in {"call", "memory", "resource", "approval"}:
        named = {"asked": "headrace.asked", "result": "headrace.result"}
    else:
        return {}
    return {to: _text(data[name]) for name, to in named.items() if name in data}


def _of_model(data: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    asked = _messages(data)
    if asked:
        found["gen_ai.input.messages"] = _text(asked)
    parts = _parts(data.get("answer"), data.get("calls"))
    if parts:
        found["gen_ai.output.messages"] = _text([{"role": "assistant", "parts": parts}])
    return found


def _messages(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of the request where the log has them, or the last one of them."""
    request = data.get("request")
    if isinstance(request, dict) and isinstance(request.get("messages"), list):
        return [
            {"role": one.get("role", "user"), "parts": _parts(one.get("content"), None)}
            for one in request["messages"]
            if isinstance(one, dict)
        ]
    if "asked" in data:
        return [{"role": "user", "parts": _parts(data["asked"], None)}]
    return []


def _parts(said: Any, calls: Any) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if said:
        parts.append({"type": "text", "content": said if isinstance(said, str) else _text(said)})
    return parts + [
        {
            "type": "tool_call",
            "id": call.get("id"),
            "name": call.get("name"),
            "arguments": call.get("arguments"),
        }
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
