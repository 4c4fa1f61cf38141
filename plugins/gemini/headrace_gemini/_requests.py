"""From a chat request to what the vendor's ``generate_content`` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.genai import types
from pydantic import ValidationError

from headrace.errors import ModelError
from headrace_gemini._json import json_fault
from headrace_gemini._messages import conversation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.chat import ChatRequest, ToolSpec

__all__ = ["chat_parameters", "checked", "faults_of"]

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_BUILT_IN = {
    # Both would make requests of their own, which nobody counts or records.
    "automaticFunctionCalling": {"disable": True},
    "automaticContinuation": False,
}


def chat_parameters(request: ChatRequest, model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What ``generate_content`` of the vendor's client takes.

    Args:
        request: What is asked.
        model: The model.
        options: The options of model and request together, by the provider's names.

    Raises:
        ModelError: ``bad_request``: the request says something that the provider has no word for.
    """
    system, turns = conversation(request.messages, model)
    config: dict[str, Any] = {**options, **_fields(request), **_tools(request), **_BUILT_IN}
    if system:
        config["systemInstruction"] = {"parts": system}
    if fault := json_fault([turns, config]):
        raise ModelError(f"the request cannot be written as JSON: {fault}", code="bad_request")
    contents = [checked(types.Content, turn, "messages") for turn in turns]
    return {
        "model": model,
        "contents": contents,
        "config": _config(config),
    }


def checked(kind: Any, value: Any, where: str) -> Any:
    """A value of the vendor's type.

    Raises:
        ModelError: ``bad_request``: it is none; pydantic's error goes no further, for it quotes
            what it was given.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        why = faults_of(error)
    raise ModelError(f"{where}: the provider has no word for this: {why}", code="bad_request")


def faults_of(error: ValidationError) -> str:
    """What pydantic finds wrong, without what it was given."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)[:5]
    )


def _config(config: dict[str, Any]) -> Any:
    """The vendor's configuration; what it does not know goes into the body as it is."""
    fields = types.GenerateContentConfig.model_fields
    known = {*fields, *(str(field.alias) for field in fields.values())}
    beside = {name: value for name, value in config.items() if name not in known}
    typed = {name: value for name, value in config.items() if name in known}
    if beside:
        typed["httpOptions"] = {"extraBody": beside}
    return checked(types.GenerateContentConfig, typed, "options")


def _fields(request: ChatRequest) -> dict[str, Any]:
    """The request's own settings that are given."""
    fields: dict[str, Any] = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "stopSequences": list(request.stop) or None,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    if request.output is not None:
        # Straight into the body: given to the client, it would read each answer by it, too.
        given["generationConfig"] = {
            "responseMimeType": "application/json",
            "responseJsonSchema": request.output.json_schema,
        }
    return given


def _tools(request: ChatRequest) -> dict[str, Any]:
    """The tools and which of them is to be called."""
    choice = request.tool_choice
    offered = {spec.name for spec in request.tools}
    if choice not in {"auto", "none", *offered} and not (choice == "required" and offered):
        raise ModelError(
            f"tool_choice is {choice}, and no such tool is offered", code="bad_request"
        )
    if not offered:
        return {}
    calling: dict[str, Any] = {"mode": _MODES.get(choice, "ANY")}
    if choice not in _MODES:
        calling["allowedFunctionNames"] = [choice]
    return {
        "tools": [{"functionDeclarations": [_tool(spec) for spec in request.tools]}],
        **({} if choice == "auto" else {"toolConfig": {"functionCallingConfig": calling}}),
    }


def _tool(spec: ToolSpec) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description else {}
    return {"name": spec.name, **described, "parametersJsonSchema": spec.parameters}
