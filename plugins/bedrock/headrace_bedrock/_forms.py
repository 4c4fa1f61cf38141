"""The form of an answer, in the part of JSON schema that the service keeps answers to.

It wants every object closed, and refuses words that it cannot keep to (AWS's guide "Get validated
JSON results from models"). The runtime checks the answer against the whole form all the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    from headrace.chat import OutputSchema

__all__ = ["text_format"]

_LEFT_OUT = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"),
        *("default", "examples"),
    }
)
"""What is not kept to by the service; it is checked here, when the answer has come."""
_PARTS = ("anyOf", "allOf")
_NAMED = ("$defs", "definitions", "properties")


def text_format(form: OutputSchema) -> dict[str, Any]:
    """The service's ``outputConfig.textFormat`` for a form.

    Raises:
        ModelError: ``bad_request``: the service cannot keep answers to it; the text says where.
    """
    schema = json.dumps(_closed(form.json_schema, "the form"), ensure_ascii=False)
    return {
        "type": "json_schema",
        "structure": {"jsonSchema": {"name": form.name, "schema": schema}},
    }


def _closed(schema: Any, where: str) -> Any:
    """A schema whose objects take no other fields than those they name."""
    if not isinstance(schema, dict):
        raise _refused(where, "may hold anything")
    made = {name: value for name, value in schema.items() if name not in _LEFT_OUT}
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
        made.pop("discriminator", None)
    for word in _NAMED:
        if isinstance(parts := made.get(word), dict):
            made[word] = {name: _closed(each, f"{where}.{name}") for name, each in parts.items()}
    for word in _PARTS:
        if isinstance(parts := made.get(word), list):
            made[word] = [_closed(each, where) for each in parts]
    if "items" in made:
        made["items"] = _closed(made["items"], f"{where}[]")
    if made.get("type") == "object":
        named = "properties" in made or made.get("additionalProperties") is False
        if not named or isinstance(made.get("additionalProperties"), dict):
            raise _refused(where, "is a map: its names are not known beforehand")
        made["additionalProperties"] = False
    return made


def _refused(where: str, why: str) -> ModelError:
    return ModelError(
        f"the service cannot keep an answer to its form: {where} {why}. With structured=False the "
        "model is told the form in words, and the answer is checked all the same",
        code="bad_request",
    )
