"""Whether arguments can be what a tool wants.

Only the first level of the schema is looked at: what is missing, unknown, or of another type. The
rest is the server's to check, because a schema that somebody else wrote can be made to take forever
(a pattern, references that multiply), and this runs on the worker's event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import ToolError
from headrace_mcp._text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_shape"]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}
_LISTED = 500


def check_shape(tool: str, schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Refuses arguments that cannot be meant.

    Raises:
        ToolError: With all that is wrong, and what the tool takes.
    """
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    faults = [
        f"{name} is missing"
        for name in (required if isinstance(required, list) else [])
        if isinstance(name, str) and name not in arguments
    ]
    for name, value in arguments.items():
        if name in known:
            if wrong := _wrong(known[name], value):
                faults.append(f"{name} {wrong}")
        elif schema.get("additionalProperties") is False and "patternProperties" not in schema:
            faults.append(f"there is no argument {name!r}")
    if faults:
        takes = ", ".join(known) or "no arguments"
        raise ToolError(
            f"the arguments of the tool {tool} do not fit: {'; '.join(faults)[:_LISTED]}"
            f" (it takes: {takes[:_LISTED]})"
        )


def _wrong(schema: Any, value: Any) -> str:
    if not isinstance(schema, dict):
        return ""
    wanted = schema.get("type")
    names: list[Any] = wanted if isinstance(wanted, list) else [wanted]
    readable = all(isinstance(name, str) and name in _TYPES for name in names)
    if readable and not any(_is(name, value) for name in names):
        return f"must be {' or '.join(names)}, not {shown(value, 50)}"
    options = schema.get("enum")
    if isinstance(options, list) and value not in options:
        return f"must be one of {shown(options, _LISTED)}"
    return ""


def _is(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])
