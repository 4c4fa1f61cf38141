"""What the provider takes: the vendor's own types, as strictly as can be, and what they cannot say.

The types are those of the vendor's client. The rules beside them are of the reference of the
Messages API and of its errors.
"""

from __future__ import annotations

import itertools
import json
import string
from typing import Any

from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

NEWER = "2026-10-21"
SAMPLING = {"temperature", "top_p", "top_k"}
IDS = {*string.ascii_letters, *string.digits, "_", "-"}


def faults_of(body: dict[str, Any], version: str) -> list[str]:
    """What is wrong with a request, for the version of the interface that it asks for."""
    # The types are those of the newer version; the older one differs in its sampling.
    typed = {name: body[name] for name in body if version == NEWER or name not in SAMPLING}
    try:
        (IN_PARTS if body.get("stream") else AT_ONCE).validate_json(json.dumps(typed), strict=True)
    except ValueError as error:
        return [str(error)]
    return broken_rules(body)


def strict_validator(kind: Any) -> SchemaValidator:
    """A validator of the vendor's type that refuses unknown keys and reads iterables to the end."""

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {key: value if key == "metadata" else strict(value) for key, value in node.items()}
        kind = node.get("type") if isinstance(node.get("type"), str) else ""
        if kind in {"typed-dict", "model-fields"}:  # the types of content take both
            node["extra_behavior"] = "forbid"
        elif kind == "generator":
            node["type"] = "list"
        return node

    return SchemaValidator(strict(TypeAdapter(kind).core_schema))


AT_ONCE = strict_validator(MessageCreateParamsNonStreaming)
IN_PARTS = strict_validator(MessageCreateParamsStreaming)


def broken_rules(body: dict[str, Any]) -> list[str]:
    """What the provider refuses though the types allow it."""
    faults = []
    system = body.get("system", [])
    turns = body["messages"]
    blocks = [block for turn in turns for block in turn["content"]]
    faults += [
        "text content blocks must contain non-whitespace text"
        for block in (*system, *blocks)
        if block["type"] == "text" and not block["text"].strip()
    ]
    if not turns or not all(turn["content"] for turn in turns) or turns[0]["role"] != "user":
        faults.append("messages must have content and begin with the user's")
    if any(one["role"] == other["role"] for one, other in itertools.pairwise(turns)):
        faults.append("roles must alternate")
    marks = [block for block in (*system, *blocks) if "cache_control" in block]
    if len(marks) + ("cache_control" in body) > 4:
        faults.append("a maximum of 4 blocks with cache_control may be provided")
    calls: list[str] = []
    for turn in turns:
        results = [b["tool_use_id"] for b in turn["content"] if b["type"] == "tool_result"]
        kinds = [block["type"] for block in turn["content"]]
        if results != calls or "tool_result" in kinds[len(results) :]:
            faults.append("each tool_use must have its tool_result first in the next message")
        calls = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        if not all(set(call) <= IDS for call in calls):
            faults.append("tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if any(block["type"] == "tool_use" for block in blocks) and not body.get("tools"):
        faults.append("requests with tool_use blocks must define tools")
    if "tool_choice" in body and not body.get("tools"):
        faults.append("tool_choice may only be specified while providing tools")
    budget = body.get("thinking", {}).get("budget_tokens", 0)
    if budget >= body["max_tokens"]:
        faults.append("max_tokens must be greater than thinking.budget_tokens")
    return faults
