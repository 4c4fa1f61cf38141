"""Where an agent's code says its settings: file and line, for people."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

from headrace_cli._files import shown_path

__all__ = ["code_places"]

_SAID = ("config", "values")


def code_places(agent: Any, target: str) -> dict[str, str]:
    """The places of ``config`` and ``values``, by the names of what they say; as far as known.

    Args:
        agent: What the author wrote.
        target: What was typed to name it.
    """
    from headrace.agent import Agent
    from headrace.agent_builder import AgentBuilder

    if target.endswith((".yaml", ".yml")):
        return _in_yaml(Path(target))
    if isinstance(agent, AgentBuilder):
        agent = agent.definition().agent
    if not isinstance(agent, Agent):
        return {}
    return _by_name(_in_class(type(agent)))


def _in_class(kind: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in kind.__mro__:
        if base.__module__ == "headrace.agent":
            break
        try:
            lines, first = inspect.getsourcelines(base)
            file = inspect.getsourcefile(base)
            tree = ast.parse(inspect.cleandoc("\n" + "".join(lines)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for one in body:
            targets = one.targets if isinstance(one, ast.Assign) else [getattr(one, "target", None)]
            for name in targets:
                if isinstance(name, ast.Name) and name.id in _SAID:
                    found.setdefault(
                        name.id, f"{shown_path(Path(str(file)))}:{first + one.lineno - 1}"
                    )
    return found


def _in_yaml(path: Path) -> dict[str, str]:
    from headrace.agent_yaml._reading import plain, tree

    places: dict[tuple[Any, ...], str] = {}
    try:
        plain(tree(path.read_bytes(), str(path)), (), str(path), places, [])
    except Exception:  # noqa: BLE001 - it was compiled already, and this is for people only
        return {}
    found = {}
    for one, place in places.items():
        if len(one) > 1 and one[0] in _SAID and "?" not in one:
            prefix = "values." if one[0] == "values" else ""
            found[prefix + ".".join(map(str, one[1:]))] = place
    return found


def _by_name(found: dict[str, str]) -> dict[str, str]:
    from headrace.config import RuntimeConfig

    places: dict[str, str] = {}
    if "config" in found:
        places |= dict.fromkeys(RuntimeConfig.model_fields, found["config"])
    if "values" in found:
        places["values"] = found["values"]
    return places
