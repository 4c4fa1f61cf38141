"""What YAML makes of a text that stands without quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from headrace_skills.checking._report import Found
    from headrace_skills.checking._yaml import Node

__all__ = ["check_type"]


def check_type(name: str, node: Node, found: Found) -> None:
    """Note a value that YAML reads as a number, a date, a boolean or nothing."""
    value = node.value
    if not node.plain or not isinstance(value, str) or not value:
        return
    # The table of the library's own resolver: what other readers make of a text.
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(value[0], ()):
        kind = tag.rpartition(":")[2]
        if kind not in ("merge", "value") and pattern.match(value):
            message = f"YAML reads {name}: {value[:40]} as {kind}, not as a text"
            found.add("value-type", message, at=node.at, mend=f'write {name}: "{value[:40]}"')
            return
