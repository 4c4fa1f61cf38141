"""What the service takes and gives: AWS's own model of it, strictly, and what that cannot say.

The model is the one that AWS's client is made of. It is held to here by hand, for the client's own
check lets pass what the service refuses (choices, patterns, lengths), and knows nothing of answers.
The rules beside it are of the guides to Converse, to tool use and to prompt caching.
"""

from __future__ import annotations

import base64
import itertools
import re
from typing import Any
from urllib.parse import unquote

import botocore.session

SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")
OPERATIONS = {
    "converse": SERVICE.operation_model("Converse"),
    "converse-stream": SERVICE.operation_model("ConverseStream"),
    "invoke": SERVICE.operation_model("InvokeModel"),
}
PATH = re.compile(r"(?:https?://[^/]+)?(?:/gateway)?/model/([^/]+)/([a-z-]+)")
EVENTS = OPERATIONS["converse-stream"].output_shape.members["stream"]
NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}


def asked(path: str) -> tuple[str, str]:
    """The model and what is asked of it."""
    found = PATH.fullmatch(path)
    assert found, path
    return unquote(found[1]), found[2]


def shape_faults(shape: Any, value: Any, where: str = "") -> list[str]:
    """What AWS's model of the service refuses in a value that came, or is to go, as JSON."""
    if getattr(shape, "is_document_type", False):
        return []  # anything that is JSON
    kind = shape.type_name
    if kind == "structure":
        return structure_faults(shape, value, where)
    if kind == "list":
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        inside = (shape_faults(shape.member, v, f"{where}[{n}]") for n, v in enumerate(value))
        return size_faults(shape, len(value), where) + [one for each in inside for one in each]
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{where}: not a map"]
        inside = (shape_faults(shape.value, v, f"{where}.{n}") for n, v in value.items())
        return [one for each in inside for one in each]
    return scalar_faults(shape, value, where)


def structure_faults(shape: Any, value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: not an object"]
    faults = [f"{where}: unknown {name}" for name in value.keys() - shape.members.keys()]
    faults += [f"{where}: {name} is missing" for name in {*shape.required_members} - value.keys()]
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        faults.append(f"{where}: one of {sorted(shape.members)}")
    for name in value.keys() & shape.members.keys():
        faults += shape_faults(shape.members[name], value[name], f"{where}.{name}")
    return faults


def scalar_faults(shape: Any, value: Any, where: str) -> list[str]:
    if shape.type_name == "boolean":
        return [] if isinstance(value, bool) else [f"{where}: not a boolean"]
    if kinds := NUMBERS.get(shape.type_name):
        if isinstance(value, bool) or not isinstance(value, kinds):
            return [f"{where}: not a number"]
        return size_faults(shape, value, where)
    if not isinstance(value, str):
        return [f"{where}: not a text"]
    if shape.type_name == "blob":
        return size_faults(shape, len(base64.b64decode(value, validate=True)), where)
    faults = size_faults(shape, len(value), where)
    if shape.enum and value not in shape.enum:
        faults.append(f"{where}: {value!r} is none of {shape.enum}")
    if (pattern := shape.metadata.get("pattern")) and not re.fullmatch(pattern, value):
        faults.append(f"{where}: {value!r} does not match")
    return faults


def size_faults(shape: Any, size: Any, where: str) -> list[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    small = least is not None and size < least
    large = most is not None and size > most
    return [f"{where}: {size} is not from {least} to {most}"] if small or large else []


def faults_of(path: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a request."""
    model, what = asked(path)
    if what == "invoke":
        return invoke_faults(model, body)
    shape = OPERATIONS[what].input_shape
    return shape_faults(shape, {"modelId": model, **body}) or broken_rules(body)


def broken_rules(body: dict[str, Any]) -> list[str]:
    """What the service refuses beyond its model."""
    turns = body.get("messages", [])
    if not turns or turns[0]["role"] != "user":
        return ["A conversation must start with a user message."]
    faults = [
        "A conversation must alternate between user and assistant roles."
        for one, next_one in itertools.pairwise(turns)
        if one["role"] == next_one["role"]
    ]
    blocks = [block for turn in turns for block in turn["content"]]
    for block in [*blocks, *body.get("system", [])]:
        if "text" in block and not block["text"].strip():
            faults.append("The text field in the ContentBlock object is blank.")
        if len(block) != 1:
            faults.append("a block is of one kind")
    faults += ["a turn is empty" for turn in turns if not turn["content"]]
    tools = [tool["toolSpec"]["name"] for tool in body.get("toolConfig", {}).get("tools", [])]
    spoken = [block for block in blocks if {"toolUse", "toolResult"} & block.keys()]
    if spoken and not tools:
        faults.append("The toolConfig field must be defined when using toolUse and toolResult")
    chosen = body.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name")
    if chosen is not None and chosen not in tools:
        faults.append("the tool that is chosen is not offered")
    marks = [block for block in [*blocks, *body.get("system", [])] if "cachePoint" in block]
    if len(marks) > 4:
        faults.append("more than four cache points")
    return faults + unanswered(turns)


def unanswered(turns: list[dict[str, Any]]) -> list[str]:
    """Calls without a result in the turn that follows, and results without a call."""
    due: list[str] = []
    faults = []
    for turn in turns:
        given = [b["toolResult"]["toolUseId"] for b in turn["content"] if "toolResult" in b]
        if sorted(given) != sorted(due):
            faults.append(f"tool_use ids {due} are answered by {given}")
        due = [b["toolUse"]["toolUseId"] for b in turn["content"] if "toolUse" in b]
    return faults + ([f"tool_use ids {due} are not answered"] if due else [])


TITAN = {"inputText": str, "dimensions": int, "normalize": bool}
COHERE = {
    "texts": list,
    "input_type": str,
    "embedding_types": list,
    "output_dimension": int,
    "truncate": str,
}


def invoke_faults(model: str, body: dict[str, Any]) -> list[str]:
    """What the models of embeddings refuse (AWS's reference of their parameters)."""
    known = TITAN if "titan" in model else COHERE
    faults = [f"extraneous key [{name}] is not permitted" for name in body.keys() - known.keys()]
    faults += [
        f"{name}: not a {known[name].__name__}"
        for name in body.keys() & known.keys()
        if type(body[name]) is not known[name]
    ]
    if known is TITAN:
        return faults + ([] if body.get("inputText") else ["inputText: expected minLength: 1"])
    texts = body.get("texts", [])
    if not 1 <= len(texts) <= 96 or not all(isinstance(text, str) and text for text in texts):
        faults.append("texts: 1 to 96, none of them empty")
    if body.get("input_type") not in {"search_document", "search_query"}:
        faults.append("input_type: valid input type must be specified")
    return faults
