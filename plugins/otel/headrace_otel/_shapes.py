"""What is made of a record: a span, an event of another span, or nothing. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ROOT", "Mark", "Owner", "Shape", "is_retrieval", "provider_of", "shape_of"]

Owner = tuple[str, int]
"""Names a span within its run: the record's id, and the attempt."""
ROOT: Owner = ("", 1)
"""The run's own span."""

_SPANS = {"run", "action", "agent", "model", "tool", "call", "approval", "memory", "resource"}
_OVER = {"finished", "failed", "skipped", "dead_letter"}
_AGENT_CALL = "/agent:"
_ACTION = re.compile(r".*(?:\A|/)\d+\.\d+(?=/)", re.DOTALL)
_PROVIDERS = {
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "ollama": "ollama",
    "openai": "openai",
    "openai-responses": "openai",
}
"""The conventions' names of providers, by plugin."""
_TOKENS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "cost": "headrace.cost",
    "currency": "headrace.cost.currency",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A span."""

    own: Owner
    parent: Owner | None
    """``None``: what came with the input, or nothing."""
    name: str
    kind: Literal["internal", "client"]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """An event of a span."""

    owner: Owner
    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    of: Owner | None = None
    """The span that was made when it happened, where this tells that it counts again."""


def shape_of(
    record: Mapping[str, Any], models: Mapping[str, Mapping[str, str]]
) -> Shape | Mark | None:
    """What is made of a record.

    Args:
        record: The record, as in its line.
        models: Of chat models, the plugin and the model asked for.
    """
    kind, what, id_ = record["kind"], record["what"], record.get("id", "")
    if what in {"started", "handed_back"} or kind == "log":
        return None  # what has begun is told when it ends; what is handed back goes on elsewhere
    if kind == "run":
        return _run(record)
    if kind == "call" and _AGENT_CALL in id_[id_.rfind("/") :]:
        # The call of a sub-agent: its own record makes the span.
        return None if what != "reused" else _mark(record)
    if kind == "skill":
        return _shape(record, f"skill {_name(record)}", {"headrace.skill.use": what})
    if kind not in _SPANS or what not in _OVER or not id_ or record.get("duration") is None:
        return _mark(record)
    if kind == "model":
        return _model(record, models)
    if kind == "tool":
        name = _name(record)
        of_tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        return _shape(record, f"execute_tool {name}", of_tool)
    if kind == "agent":
        name = _name(record)
        of_agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        return _shape(record, f"invoke_agent {name}", of_agent)
    if is_retrieval(record):
        name = _name(record)
        return _shape(record, f"retrieval {name}", {"gen_ai.operation.name": "retrieval"})
    return _shape(record, f"{kind} {_name(record)}", {})


def provider_of(model: Mapping[str, str]) -> str:
    """The conventions' name of who provides a chat model: of a project's own one ``custom``."""
    plugin = model.get("plugin") or "custom"
    return _PROVIDERS.get(plugin, plugin)


def is_retrieval(record: Mapping[str, Any]) -> bool:
    """Whether a record of a resource is about a search for texts."""
    return record["kind"] == "resource" and "/retrieval:" in record.get("id", "")


def _run(record: Mapping[str, Any]) -> Shape:
    agent = str(record.get("agent", ""))
    return Shape(
        ROOT,
        None,
        f"invoke_agent {agent}",
        "internal",
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent,
            "headrace.run.outcome": record["what"],
            **_common(record),
        },
    )


def _model(record: Mapping[str, Any], models: Mapping[str, Mapping[str, str]]) -> Shape:
    known = models.get(_name(record), {})
    data = record.get("data") or {}
    answered = data.get("model")
    asked = known.get("model") or answered or _name(record)
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(known),
        "gen_ai.request.model": asked,
    }
    if isinstance(answered, str) and answered:
        attributes["gen_ai.response.model"] = answered
    usage = record.get("usage") or {}
    attributes |= {_TOKENS[name]: count for name, count in usage.items() if name in _TOKENS}
    return _shape(record, f"chat {asked}", attributes, "client")


def _shape(
    record: Mapping[str, Any],
    name: str,
    attributes: Mapping[str, Any],
    kind: Literal["internal", "client"] = "internal",
) -> Shape:
    common = _common(record)
    return Shape(_own(record), _parent(record), name, kind, {**attributes, **common})


def _common(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "headrace.run.id": record.get("run", ""),
        "headrace.kind": record["kind"],
        "headrace.name": _name(record),
    }
    if record["kind"] == "run":
        key = record.get("key")
        found["headrace.key"] = key if isinstance(key, str) else repr(key)
    if record.get("attempt", 1) > 1:
        found["headrace.attempt"] = record["attempt"]
    if record.get("replayed"):
        found["headrace.replayed"] = True
    if record.get("fault"):
        found["headrace.fault"] = record["fault"]
    if error := record.get("error"):
        found["error.type"] = _type_of(error)
    return found


def _mark(record: Mapping[str, Any]) -> Mark:
    kind, what = record["kind"], record["what"]
    attributes: dict[str, Any] = {"headrace.kind": kind, "headrace.name": _name(record)}
    data = record.get("data")
    for name in ("of", "try", "wait", "code", "seconds"):
        if isinstance(data, dict) and isinstance(data.get(name), (str, int, float)):
            attributes[f"headrace.{name}"] = data[name]
    if record.get("attempt", 1) > 1:
        attributes["headrace.attempt"] = record["attempt"]
    if error := record.get("error"):
        attributes["error.type"] = _type_of(error)
    name = f"headrace.{kind}" if kind in {"retry", "parse"} else f"headrace.{kind}.{what}"
    owner = _cause(record)
    if what == "reused":
        made_in = data.get("made_in") if isinstance(data, dict) else None
        of = (record.get("id", ""), made_in) if isinstance(made_in, int) else _own(record)
        return Mark(owner, "headrace.reused", attributes, of)
    if _after(record):  # the attempt that it is about has ended, and its span left
        owner = _around(owner[0])
    return Mark(owner, name, attributes)


def _after(record: Mapping[str, Any]) -> bool:
    """Whether a record of an action is told when that has ended."""
    id_, cause = record.get("id", ""), record.get("cause", "")
    return bool(cause) and id_ in {f"{cause}/retry", f"{cause}/memory"}


def _own(record: Mapping[str, Any]) -> Owner:
    attempt = 1 if record["kind"] == "agent" else record.get("attempt", 1)
    return record.get("id", ""), attempt


def _parent(record: Mapping[str, Any]) -> Owner:
    return _around(record["id"]) if record["kind"] == "action" else _cause(record)


def _around(action: str) -> Owner:
    """What an action is in: a sub-agent, or the run."""
    prefix = action.rpartition("/")[0]
    return (prefix, 1) if prefix else ROOT


def _cause(record: Mapping[str, Any]) -> Owner:
    cause, id_ = record.get("cause", ""), record.get("id", "")
    if _AGENT_CALL in cause[cause.rfind("/") :] and (found := _ACTION.match(id_)):
        cause = found[0]  # the action of the sub-agent, not the call of that
    return (cause, record.get("attempt", 1)) if cause else ROOT


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("name") or "")


def _type_of(error: str) -> str:
    return error.partition(":")[0][:200]
