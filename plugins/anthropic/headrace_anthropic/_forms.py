"""The form of an answer, in the part of JSON schema that the provider keeps answers to.

The vendor's client knows that part: it closes objects, and moves what cannot be enforced (a
``minimum``, a ``pattern``) into descriptions; the runtime checks the answer against the whole form.
Here stands what that would get wrong without a word: maps, whose answer would always be empty, and
places that may hold anything.
"""

from __future__ import annotations

from typing import Any

import anthropic

from headrace.errors import ModelError

__all__ = ["output_format"]

_SAYS_ALL = ("$ref", "anyOf", "oneOf", "allOf", "enum", "const")


def output_format(schema: dict[str, Any]) -> dict[str, Any]:
    """The provider's ``output_config.format`` for a JSON schema.

    Raises:
        ModelError: ``bad_request``: the provider cannot keep answers to it; the text says where.
    """
    fitted = _fitted(schema, "the form")
    try:
        return {"type": "json_schema", "schema": anthropic.transform_schema(fitted)}
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
    raise _refused("the form", f"is not understood ({why})")


def _fitted(schema: Any, where: str) -> dict[str, Any]:
    """A schema whose parts all say what they hold, each by one type."""
    if not isinstance(schema, dict):
        raise _refused(where, "may hold anything")
    fitted = dict(schema)
    for word in ("$defs", "properties"):
        if isinstance(parts := fitted.get(word), dict):
            fitted[word] = {name: _fitted(each, f"{where}.{name}") for name, each in parts.items()}
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(parts := fitted.get(word), list):
            fitted[word] = [_fitted(each, where) for each in parts]
    if "items" in fitted:
        fitted["items"] = _fitted(fitted["items"], f"{where}[]")
    if any(word in fitted for word in _SAYS_ALL):
        return fitted
    types = fitted.pop("type", None)
    if isinstance(types, list):
        return {"anyOf": [_fitted({**fitted, "type": each}, where) for each in types]}
    if types is None:
        raise _refused(where, "may hold anything")
    if types == "object" and _is_map(fitted):
        raise _refused(where, "is a map: its names are not known beforehand")
    return {**fitted, "type": types}


def _is_map(schema: dict[str, Any]) -> bool:
    more = schema.get("additionalProperties")
    named = "properties" in schema or more is False
    return not named or isinstance(more, dict) or "patternProperties" in schema


def _refused(where: str, why: str) -> ModelError:
    return ModelError(
        f"the provider cannot keep an answer to its form: {where} {why}. With structured=False "
        "the model is told the form in words, and the answer is checked all the same",
        code="bad_request",
    )
