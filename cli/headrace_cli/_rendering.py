"""A plan for people: as a tree of text, and as a flow chart."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.approvals import Approval
    from headrace.config import RuntimeConfig
    from headrace.plan import ActionSpec, AgentPlan, ResourceProvider

__all__ = ["mermaid", "tree"]

_Node = tuple[str, "list[_Node]"]
_LONG = 70


def tree(plan: AgentPlan) -> str:
    """The plan as a tree."""
    sections: list[_Node] = []
    if plan.description:
        sections.append((f"description: {_short(plan.description.splitlines()[0])}", []))
    if plan.agent_class:
        sections.append((f"class: {plan.agent_class}", []))
    if plan.parameters:
        sections.append(("parameters", _values(plan.parameters)))
    asked = {name for name in plan.resource_providers.get("agents", {}) if name in plan.members}
    team = [name for name in plan.members if name not in asked]
    if team:
        sections.append(("members", [_member(plan, name) for name in team]))
    if asked:
        sections.append(("sub-agents", [_sub_agent(plan, name) for name in sorted(asked)]))
    sections.append(("actions", [_action(spec) for spec in plan.actions.values()]))
    resources = [
        _resource(provider)
        for kind, providers in plan.resource_providers.items()
        for provider in providers.values()
        if kind != "agents"
    ]
    if resources:
        sections.append(("resources", resources))
    sections.append(_config(plan))
    distributions: list[_Node] = [
        (f"{name} {version}", []) for name, version in plan.distributions.items()
    ]
    sections.append(("distributions that a worker must have", distributions))
    sections.append((f"digest: {plan.digest}", []))
    return "\n".join([plan.name, *_lines(sections)])


def mermaid(plan: AgentPlan) -> str:
    """The plan as a Mermaid flow chart: events, the actions that they trigger, and resources.

    What an action sends is known when it runs, so the arrows go from events to actions only.
    """
    if plan.start is not None:
        return _team(plan)
    lines = ["flowchart LR"]
    own = {name: spec for name, spec in plan.actions.items() if spec.member is None}
    triggers = {trigger.event for spec in own.values() for trigger in spec.triggers}
    shown = [event for event in plan.actions_by_event if event in triggers]
    events = {event: f"e{number}" for number, event in enumerate(shown)}
    actions = {name: f"a{number}" for number, name in enumerate(own)}
    lines += [f"    {node}([{_quoted(event)}])" for event, node in events.items()]
    lines += [f"    {node}[{_quoted(name)}]" for name, node in actions.items()]
    for name, spec in own.items():
        for trigger in spec.triggers:
            label = f"|{_quoted(trigger.when)}|" if trigger.when else ""
            lines.append(f"    {events[trigger.event]} -->{label} {actions[name]}")
    for kind, providers in plan.resources_of(None).items():
        if kind == "agents" or not providers:
            continue
        lines.append(f"    subgraph {kind}")
        lines += [
            f"        {kind}_{number}[({_quoted(_named(provider))})]"
            for number, provider in enumerate(providers.values())
        ]
        lines.append("    end")
    lines += _asked(plan, "agent", None)
    return "\n".join(lines)


def _asked(plan: AgentPlan, node: str, member: str | None) -> list[str]:
    """Who may be asked by an agent, and by those in turn."""
    lines = []
    asked = plan.resources_of(member).get("agents", {})
    if asked and member is None and plan.start is None:
        lines.append(f"    {node}(({_quoted(plan.name)}))")
    for number, name in enumerate(asked):
        full = name if member is None else f"{member}.{name}"
        lines.append(f"    {node}_{number}[[{_quoted(name)}]]")
        lines.append(f"    {node} -. asks .-> {node}_{number}")
        team = [each for each in plan.members if each.rpartition(".")[0] == full]
        inside = [each for each in team if each not in plan.resource_providers.get("agents", {})]
        for each in (full, *inside):
            lines += _asked(plan, f"{node}_{number}", each)
    return lines


def _team(plan: AgentPlan) -> str:
    """A team's flow chart: its members, and the ways between them."""
    asked = plan.resource_providers.get("agents", {})
    team = [name for name in plan.members if "." not in name and name not in asked]
    nodes = {name: f"m{number}" for number, name in enumerate(team)}
    lines = ["flowchart LR", "    in([input])", "    out([output])"]
    lines += [f"    {node}[{_quoted(name)}]" for name, node in nodes.items()]
    if plan.start is not None:
        lines.append(f"    in --> {nodes[plan.start]}")
    for route in plan.routes:
        if route.source not in nodes:
            continue  # of a team that is asked by a member
        label = f"|{_quoted(route.when)}|" if route.when else ""
        to = "out" if route.to is None else nodes[route.to]
        lines.append(f"    {nodes[route.source]} -->{label} {to}")
    sources = {route.source for route in plan.routes}
    lines += [f"    {node} --> out" for name, node in nodes.items() if name not in sources]
    for name, node in nodes.items():
        lines += _asked(plan, node, name)
    return "\n".join(lines)


# ---------------------------------------------------------------- parts
def _action(spec: ActionSpec) -> _Node:
    details: list[_Node] = [
        (f"on {trigger.event}" + (f" when {trigger.when}" if trigger.when else ""), [])
        for trigger in spec.triggers
    ]
    details.append((f"runs {spec.function}", []))
    if spec.policy is not None:
        policy = spec.policy
        details.append((f"on failure: {policy.attempts} attempts, then {policy.then}", []))
    if spec.timeout is not None:
        details.append((f"timeout: {spec.timeout:g} s", []))
    return f"{spec.name} ({spec.mode})", details


def _resource(provider: ResourceProvider) -> _Node:
    title = f"{provider.name} ({provider.kind}): {_source(provider)}"
    details: list[_Node] = []
    if provider.connection is not None:
        details.append((f"connection: {provider.connection}", []))
    if provider.policy is not None:
        data = provider.policy.model_dump(mode="json", exclude_defaults=True)
        details.append(("policy", _values(data)))
    if provider.prompt is not None:
        details.append((f"begins with the prompt {provider.prompt}", []))
    if provider.approval is not None:
        details.append((f"waits for approval: {_rule(provider.approval)}", []))
    if provider.pinned is not None:
        details.append((f"pinned: {provider.pinned.get('digest', 'yes')}", []))
    if provider.kind != "prompts" and "parameters" not in provider.arguments:
        details = [*_values(provider.arguments), *details]
    return title, details


def _rule(approval: Approval) -> str:
    tools = "" if approval.tools == ("*",) else f" of {', '.join(approval.tools)}"
    when = f" when {approval.when}" if approval.when else ""
    limit = approval.timeout
    time = "" if limit is None else f", within {limit:g} s (else {approval.on_timeout})"
    return f"calls{tools}{when}{time}"


def _member(plan: AgentPlan, name: str) -> _Node:
    """A member of a team, with the ways that its outputs go."""
    member = plan.members[name]
    title = f"{name}: {member.agent}" + (" (gets the inputs)" if plan.start == name else "")
    routes = [route for route in plan.routes if route.source == name]
    ways: list[_Node] = [
        (f"to {route.to or 'the stream'}" + (f" when {route.when}" if route.when else ""), [])
        for route in routes
    ]
    return title, ways or [("to the stream", [])]


def _sub_agent(plan: AgentPlan, name: str) -> _Node:
    """A sub-agent, with its limits and what models are told of it."""
    member, arguments = plan.members[name], plan.resource_providers["agents"][name].arguments
    details: list[_Node] = []
    if told := arguments["spec"]["description"]:
        details.append((f"models are told: {_short(told.splitlines()[0])}", []))
    said = {each: value for each, value in arguments.items() if each not in {"spec", "whole"}}
    details += _values(said)
    if member.config is not None:
        details += _changed(member.config)
    return f"{name}: {member.agent}", details


def _source(provider: ResourceProvider) -> str:
    if provider.distribution is not None:
        plugin = f"{provider.plugin}, " if provider.plugin else ""
        return f"{plugin}{provider.distribution} {provider.version or ''}".rstrip()
    return provider.target or "part of the plan"


def _named(provider: ResourceProvider) -> str:
    return f"{provider.name}: {provider.plugin}" if provider.plugin else provider.name


def _config(plan: AgentPlan) -> _Node:
    """Settings that are not the default; all others would only be in the way."""
    changed = _changed(plan.config)
    return ("config" if changed else "config: all as by default"), changed


def _changed(config: RuntimeConfig) -> list[_Node]:
    data = config.model_dump(mode="json")
    default = type(config)().model_dump(mode="json")
    return _values({name: value for name, value in data.items() if value != default[name]})


def _values(values: dict[str, Any]) -> list[_Node]:
    return [
        (f"{name} = {_short(json.dumps(value, ensure_ascii=False))}", [])
        for name, value in values.items()
    ]


def _lines(nodes: Iterable[_Node]) -> list[str]:
    nodes = list(nodes)
    lines: list[str] = []
    for number, (text, below) in enumerate(nodes, 1):
        last = number == len(nodes)
        lines.append(("└─ " if last else "├─ ") + text)
        lines += [("   " if last else "│  ") + line for line in _lines(below)]
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


def _quoted(text: str) -> str:
    """A label: Mermaid reads entities in quotes, and nothing else of what is in them."""
    escaped = re.sub(r'[#&"<>|\\`\n]', lambda match: f"#{ord(match[0])};", text)
    return f'"{escaped}"'
