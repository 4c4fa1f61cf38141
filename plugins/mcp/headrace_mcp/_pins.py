"""A pin: what a server offered when somebody looked, in JSON, to be held against what it offers.

It holds what models are told, which is the server's own words made fit: bounded, and without what
cannot be seen. A tool whose words do not fit is left out, and the pin says why.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError
from headrace.values import dumps
from headrace_mcp._text import clean, clean_json, depth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_types import Implementation, Prompt, Resource, ResourceTemplate, Tool

__all__ = [
    "Change",
    "changes",
    "checked",
    "make_pin",
    "prompt_entries",
    "resource_entries",
    "template_entries",
]

FORMAT = 1
MAX_DESCRIPTION = 4_000
"""Characters of a description."""
MAX_INSTRUCTIONS = 8_000
"""Characters of what a server says of itself."""
MAX_NAME = 200
"""Characters of a name, an address or a version."""
MAX_SCHEMA = 32_000
"""Characters of a schema, as JSON."""
MAX_DEPTH = 40
"""How deep a schema is nested."""
MAX_ENTRIES = 500
"""Tools, prompts or resources that are looked at."""
_KINDS = ("tools", "prompts", "resources", "templates")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a server offers in another way than was pinned."""

    kind: str
    """``tools``, ``prompts``, ``resources``, ``templates``, or ``server``."""
    name: str
    """The server's name for it."""
    what: str
    """``changed``, ``gone`` or ``new``."""
    old: str | None
    """The digest of what was pinned."""
    new: str | None
    """The digest of what is offered now."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name} is {self.what} ({self.old or '-'} -> {self.new or '-'})"


def make_pin(
    *,
    server: Implementation | None,
    protocol: str,
    instructions: str | None,
    tools: Iterable[Tool],
    prompts: Iterable[Prompt] | None,
    resources: Iterable[Resource] | None,
    templates: Iterable[ResourceTemplate] | None,
) -> dict[str, Any]:
    """The pin of what was listed; ``None`` for what the server does not have at all."""
    left_out: list[dict[str, str]] = []
    pin: dict[str, Any] = {
        "format": FORMAT,
        "server": {
            "name": clean(server.name, MAX_NAME) if server else "",
            "version": clean(server.version, MAX_NAME) if server else "",
        },
        "protocol": protocol,
        "instructions": clean(instructions or "", MAX_INSTRUCTIONS),
        "tools": _sorted(_tools(tools, left_out)),
        "prompts": None if prompts is None else prompt_entries(prompts),
        "resources": None if resources is None else resource_entries(resources),
        "templates": None if templates is None else template_entries(templates),
        "left_out": left_out,
    }
    return {**pin, "digest": _digest(pin)}


def prompt_entries(prompts: Iterable[Prompt]) -> list[dict[str, Any]]:
    """What a pin holds of prompts."""
    return _sorted(map(_prompt, prompts))


def resource_entries(resources: Iterable[Resource]) -> list[dict[str, Any]]:
    """What a pin holds of resources; the name is the address."""
    return _sorted(map(_resource, resources))


def template_entries(templates: Iterable[ResourceTemplate]) -> list[dict[str, Any]]:
    """What a pin holds of addresses with fields."""
    return _sorted(map(_template, templates))


def checked(pin: Any) -> dict[str, Any]:
    """A pin that is whole.

    Raises:
        ResourceError: It is none, or not as it was made.
    """
    if not isinstance(pin, dict) or pin.get("format") != FORMAT or "digest" not in pin:
        raise ResourceError(
            f"pinned: this is no pin of the form {FORMAT}: give what `await McpTools(...).pin()` "
            "returned"
        )
    found = _digest({name: value for name, value in pin.items() if name != "digest"})
    if found != pin["digest"]:
        raise ResourceError(
            f"pinned: the pin was changed after it was made (its digest is {pin['digest']}, its "
            f"content's is {found}): pin the server again"
        )
    return pin


def changes(pinned: Mapping[str, Any], found: Mapping[str, Any]) -> list[Change]:
    """What a server offers now in another way than was pinned, in a fixed order."""
    result: list[Change] = []
    for part in ("server", "protocol", "instructions"):
        if pinned[part] != found[part]:
            digests = (_digest(pinned[part]), _digest(found[part]))
            result.append(Change("server", part, "changed", *digests))
    for kind in _KINDS:
        before = {one["name"]: _digest(one) for one in pinned[kind] or ()}
        after = {one["name"]: _digest(one) for one in found[kind] or ()}
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name), after.get(name)
            if old != new:
                what = "new" if old is None else "gone" if new is None else "changed"
                result.append(Change(kind, name, what, old, new))
    return result


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(dumps(value).encode()).hexdigest()


def _sorted(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    # Of two with one name the last counts, as it does for most servers themselves.
    return [entry for _, entry in sorted({one["name"]: one for one in entries}.items())]


def _tools(tools: Iterable[Tool], left_out: list[dict[str, str]]) -> Iterable[dict[str, Any]]:
    for tool in tools:
        hints = tool.annotations
        entry = {
            "name": tool.name,
            "description": clean(tool.description or "", MAX_DESCRIPTION),
            "inputSchema": tool.input_schema,
            "outputSchema": tool.output_schema,
            "annotations": hints.model_dump(by_alias=True, exclude_none=True) if hints else {},
        }
        if why := _unfit(entry):
            left_out.append({"name": clean(tool.name, MAX_NAME), "why": why})
        else:
            yield clean_json(entry)


def _unfit(tool: Mapping[str, Any]) -> str:
    if not tool["name"] or len(tool["name"]) > MAX_NAME:
        return f"its name is empty or longer than {MAX_NAME} characters"
    if clean(tool["name"], MAX_NAME) != tool["name"]:
        return "its name has characters that cannot be seen"
    parts = [tool["inputSchema"], tool["outputSchema"], tool["annotations"]]
    if max(map(depth, parts)) > MAX_DEPTH:
        return f"its schema is nested deeper than {MAX_DEPTH}"
    if max(len(dumps(part)) for part in parts) > MAX_SCHEMA:
        return f"its schema is longer than {MAX_SCHEMA} characters"
    return ""


def _prompt(prompt: Prompt) -> dict[str, Any]:
    return {
        "name": clean(prompt.name, MAX_NAME),
        "description": clean(prompt.description or "", MAX_DESCRIPTION),
        "arguments": [
            {
                "name": clean(one.name, MAX_NAME),
                "description": clean(one.description or "", MAX_DESCRIPTION),
                "required": bool(one.required),
            }
            for one in (prompt.arguments or [])[:MAX_ENTRIES]
        ],
    }


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "name": clean(resource.uri, MAX_DESCRIPTION),
        "title": clean(resource.name, MAX_NAME),
        "description": clean(resource.description or "", MAX_DESCRIPTION),
        "mimeType": clean(resource.mime_type or "", MAX_NAME),
    }


def _template(template: ResourceTemplate) -> dict[str, Any]:
    return {
        "name": clean(template.uri_template, MAX_DESCRIPTION),
        "title": clean(template.name, MAX_NAME),
        "description": clean(template.description or "", MAX_DESCRIPTION),
        "mimeType": clean(template.mime_type or "", MAX_NAME),
    }
