"""What the provider takes: the vendor's own types, as strictly as can be, and what they cannot say.

The types are those of the vendor's client, by the names that they have on the wire. The rules
beside them are of the guides "Function calling" and "Thought signatures" and of the reference.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from google.genai import types

CHAT = {
    "contents": list[types.Content],
    "systemInstruction": types.Content,
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
    "safetySettings": list[types.SafetySetting],
    "cachedContent": str,
    "serviceTier": str,
}
FREE = {"args", "response", "parametersJsonSchema", "responseJsonSchema"}
"""Where anything may stand that is JSON."""
CONTENT = {
    *("text", "inlineData", "fileData", "functionCall", "functionResponse"),
    *("executableCode", "codeExecutionResult"),
}


def faults_of(path: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a request."""
    if path.endswith(":batchEmbedContents"):
        return embedding_faults(path, body)
    if "contents" not in body:
        return ["contents is not specified"]
    faults = [f"Unknown name {name!r}: Cannot find field." for name in body.keys() - CHAT.keys()]
    for name in body.keys() & CHAT.keys():
        faults += type_faults(CHAT[name], body[name])
    return faults or broken_rules(path, body)


def type_faults(kind: Any, value: Any) -> list[str]:
    """What the vendor's type refuses."""
    if kind is str:
        return [] if isinstance(value, str) else ["not a string"]
    if getattr(kind, "__origin__", None) is list:
        if not isinstance(value, list):
            return ["not a list"]
        return [fault for each in value for fault in type_faults(kind.__args__[0], each)]
    try:
        kind.model_validate_json(json.dumps(value), strict=True)
    except ValueError as error:
        return [str(error)]
    return []


def camel(value: Any) -> Any:
    """A body by its names in the reference; the provider takes them with underscores, too, and the
    vendor's client sends both.
    """
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub("_([a-z])", lambda m: m[1].upper(), name): name for name in value}
    return {
        name: value[given] if name in FREE else camel(value[given]) for name, given in named.items()
    }


def broken_rules(path: str, body: dict[str, Any]) -> list[str]:
    """What the provider refuses though the types allow it."""
    turns = body["contents"]
    faults = []
    if not turns or turns[0].get("role") != "user":
        faults.append("contents must begin with the user's")
    if any(turn.get("role") not in {"user", "model"} or not turn.get("parts") for turn in turns):
        return [*faults, "each content needs a role (user, model) and parts"]
    if any(one["role"] == other["role"] for one, other in itertools.pairwise(turns)):
        faults.append("roles must alternate")
    parts = [part for turn in turns for part in turn["parts"]]
    parts += body.get("systemInstruction", {}).get("parts", [])
    for part in parts:
        if len(CONTENT & part.keys()) != 1:
            faults.append("each part must have one kind of data")
        elif part.get("text") == "" and "thoughtSignature" not in part:
            faults.append("a text parameter must not be empty")
    return faults + call_faults(path, turns) + tool_faults(body)


def call_faults(path: str, turns: list[dict[str, Any]]) -> list[str]:
    """Results follow their calls, one for each, in order; calls of this turn are signed."""
    faults = []
    asked = max(
        (
            at
            for at, turn in enumerate(turns)
            if turn["role"] == "user"
            and not any("functionResponse" in part for part in turn["parts"])
        ),
        default=0,
    )
    calls: list[dict[str, Any]] = []
    for at, turn in enumerate(turns):
        results = [part["functionResponse"] for part in turn["parts"] if "functionResponse" in part]
        wanted = [(call.get("id"), call["name"]) for call in calls]
        if [(result.get("id"), result["name"]) for result in results] != wanted:
            faults.append(
                "the number of function response parts must equal that of function call parts, "
                "each by its id and name"
            )
        called = [part for part in turn["parts"] if "functionCall" in part]
        calls = [part["functionCall"] for part in called]
        signs = "gemini-3" in path and at > asked
        if called and signs and "thoughtSignature" not in called[0]:
            faults.append(
                f"Function call {calls[0]['name']} in the {at}. content block is missing a "
                "thought_signature"
            )
    return faults


def tool_faults(body: dict[str, Any]) -> list[str]:
    tools = [one for tool in body.get("tools", ()) for one in tool.get("functionDeclarations", ())]
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    faults = []
    if not all(tool.get("name") for tool in tools):
        faults.append("a function declaration needs a name")
    if not set(calling.get("allowedFunctionNames", ())) <= {tool.get("name") for tool in tools}:
        faults.append("allowed_function_names should be a subset of the declared functions")
    if calling and not tools:
        faults.append("Function calling config is set without function_declarations")
    if "allowedFunctionNames" in calling and calling["mode"] != "ANY":
        faults.append("allowed_function_names is for the mode ANY")
    form = body.get("generationConfig", {})
    if "responseJsonSchema" in form and form.get("responseMimeType") != "application/json":
        faults.append("response_json_schema needs the mime type application/json")
    return faults


def embedding_faults(path: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a request of vectors."""
    if body.keys() != {"requests"} or not 1 <= len(body["requests"]) <= 100:
        return ["requests: 1 to 100 must be given"]
    faults = []
    model = path.rpartition("/v1beta/")[2].partition(":")[0]
    for request in body["requests"]:
        unknown = request.keys() - {"model", "content", "taskType", "outputDimensionality"}
        faults += [f"Unknown name {name!r}" for name in unknown]
        faults += type_faults(types.Content, request.get("content"))
        if request.get("model") != model:
            faults.append("model must be that of the path")
        settings = {
            name: request[name] for name in ("taskType", "outputDimensionality") if name in request
        }
        faults += type_faults(types.EmbedContentConfig, settings)
    return faults
