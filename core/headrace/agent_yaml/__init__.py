"""Agents written in YAML: the same plan as the class or the builder gives.

::

    name: echo
    parameters: {prefix: "> "}
    resources:
      llm: {kind: chat_models, use: scripted, with: {policy: policy.yaml}}
    actions:
      - function: my_agent:echo
        on: [input]

The form is published as a JSON schema (``schema()``; ``agents schema`` prints it), generated from
the models that read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.agent_yaml._building import load_agent, load_agents, parse_agent
    from headrace.agent_yaml._form import YamlAgent, YamlFile
    from headrace.agent_yaml._reading import MAX_BYTES
    from headrace.agent_yaml._schema import schema

__all__ = [
    "MAX_BYTES",
    "YamlAgent",
    "YamlFile",
    "load_agent",
    "load_agents",
    "parse_agent",
    "schema",
]

_HOMES = {
    "_building": ("load_agent", "load_agents", "parse_agent"),
    "_form": ("YamlAgent", "YamlFile"),
    "_reading": ("MAX_BYTES",),
    "_schema": ("schema",),
}
__getattr__ = lazily(__name__, _HOMES)
