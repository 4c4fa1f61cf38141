"""Reads a policy from a file, from a package's resource, or from a mapping."""

from __future__ import annotations

import importlib
import importlib.resources
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from headrace.errors import Fault
from headrace_scripted._errors import PolicyError
from headrace_scripted._lines import Document
from headrace_scripted._rules import ACTIONS, Place, Rule, Wrong, compile_rule, unreachable
from headrace_scripted._schema import PolicyShape, RuleShape

__all__ = ["Policy", "read_policy"]

_RESOURCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?!/)(.+)")
"""``package:path/in/it.yaml``. A file whose own name looks like this is written ``./a:b``."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that can be followed."""

    label: str
    rules: tuple[Rule, ...]
    from_file: bool


def read_policy(source: str | Mapping[str, Any]) -> Policy:
    """Reads and checks a policy.

    Args:
        source: A file's path, ``package:path`` of a file in an importable package, or the policy
            itself.

    Raises:
        PolicyError: With all that is wrong with it.
    """
    if isinstance(source, Mapping):
        rules, name, wrong = _check(dict(source))
        if wrong:
            raise PolicyError("policy", [Fault(_dotted(place), text) for place, text in wrong])
        return Policy(name or "policy", rules, from_file=False)
    text = _text(source)
    label = source if _RESOURCE.fullmatch(source) else Path(source).name
    try:
        document = Document(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{label}:{mark.line + 1}" if mark else label
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise PolicyError(source, [Fault(where, f"this is not YAML: {problem}")]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError(source, [Fault(label, f"this is not YAML: {error}")]) from None
    rules, name, wrong = _check(document.data)
    placed = [(line, place, "is there twice") for place, line in document.repeated]
    placed += [(_line(place, document), place, text) for place, text in wrong]
    if placed:
        placed.sort(key=lambda fault: fault[0])
        faults = [Fault(f"{label}:{line}: {_dotted(place)}", text) for line, place, text in placed]
        raise PolicyError(source, faults)
    return Policy(name or label, rules, from_file=True)


def _text(source: str) -> str:
    """The text of a file or a resource."""
    resource = _RESOURCE.fullmatch(source)
    try:
        if resource is None:
            return Path(source).read_text(encoding="utf-8")
        package, path = resource.groups()
        parts = path.split("/")
        if ".." in parts:
            fault = Fault(source, "a resource lies inside its package: no '..'")
            raise PolicyError(source, [fault])
        root = importlib.resources.files(importlib.import_module(package))
        return root.joinpath(*parts).read_text(encoding="utf-8")
    except ImportError as error:
        hint = f"A file that is really called so is written with its folder: ./{source}"
        fault = Fault(source, f"the package cannot be imported: {error}", hint)
        raise PolicyError(source, [fault]) from error
    except (OSError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "" if resource else _relative_hint(source)
        raise PolicyError(source, [Fault(source, f"cannot be read: {reason}", hint)]) from error
    except UnicodeDecodeError as error:
        raise PolicyError(source, [Fault(source, f"this is not UTF-8: {error}")]) from None


def _relative_hint(source: str) -> str:
    if Path(source).is_absolute():
        return ""
    return (
        f"A relative path counts from the folder that the process runs in ({Path.cwd()}). "
        "For a cluster, name a file of a package: package:policy.yaml"
    )


def _check(data: Any) -> tuple[tuple[Rule, ...], str | None, Wrong]:
    """The rules, the policy's name, and all that is wrong."""
    wrong: Wrong = []
    name = None
    try:
        name = PolicyShape.model_validate(data).name
    except ValidationError as error:
        wrong.extend((item["loc"], _message(item)) for item in error.errors())
    listed = data.get("rules") if isinstance(data, dict) else None
    items = listed if isinstance(listed, (list, tuple)) else ()
    # Each rule for itself, so that a fault in one does not hide what is wrong with the others.
    shapes = [_rule_shape(item) for item in items]
    rules = []
    for number, (item, shape) in enumerate(zip(items, shapes, strict=True)):
        if shape is None:
            continue
        found: Wrong = []
        rule = compile_rule(shape, ACTIONS.intersection(item), number + 1, found)
        wrong.extend((("rules", number, *place), text) for place, text in found)
        if rule is not None:
            rules.append(rule)
    if (always := unreachable(shapes)) is not None:
        text = f"never reached: rules[{always}] has no condition, so it always counts"
        wrong.append((("rules", always + 1), text))
    return tuple(rules), name, wrong


def _rule_shape(item: Any) -> RuleShape | None:
    """A rule without the parts whose shape is wrong; their faults are told with the policy's.

    Returns:
        ``None`` where no more can be said of it: it is no rule, or its conditions are unknown.
    """
    try:
        return RuleShape.model_validate(item)
    except ValidationError as error:
        wrong = {fault["loc"][0] for fault in error.errors() if fault["loc"]}
    if not wrong or "when" in wrong:
        return None
    return RuleShape.model_validate({key: item[key] for key in item if key not in wrong})


def _message(error: Any) -> str:
    plain = {
        "extra_forbidden": "there is no such field",
        "missing": "is missing",
        "model_type": "should be a mapping",
    }
    message: str = error["msg"]
    return plain.get(error["type"], message[:1].lower() + message[1:])


def _line(place: Place, document: Document) -> int:
    """The line of the nearest part that is in the file.

    A step that the file does not have (the number of a lone call, a missing field) is passed over.
    """
    known: Place = ()
    for step in place:
        inner: Place = (*known, step)
        if inner in document.lines:
            known = inner
    return document.lines.get(known, 1)


def _dotted(place: Place) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".") or "the policy"
