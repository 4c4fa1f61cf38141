"""Resources: what an agent uses by name, and what provides it on a worker."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from headrace import prompt_files
from headrace.action_stores._checking import check_action_stores
from headrace.compiling._connections import Connections
from headrace.compiling._prompts import check_prompts
from headrace.compiling._tools import compile_tool
from headrace.errors import MemoryValueError, PluginError, ResourceError
from headrace.models._checking import check_models, read_policy
from headrace.plan import ResourceProvider
from headrace.plugins import Kind
from headrace.prompts import Prompt, is_source, made_prompt
from headrace.references import find, unimportable
from headrace.sub_agents import SubAgent, compile_sub_agent
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.compiling._work import Work
    from headrace.declarations import Use

__all__ = ["compile_resources"]

Provided = dict[str, dict[str, ResourceProvider]]


def compile_resources(work: Work) -> Provided:
    """The agent's resources by kind and name, both sorted."""
    definition = work.definition
    connections = Connections(definition.name, definition.connections, lambda: work.plugins)
    found: Provided = {}
    for provider, where in _each(work, connections):
        if provider is None:
            continue
        if provider.name in found.setdefault(provider.kind, {}):
            work.fault(where, f"two {provider.kind} are called {provider.name!r}")
        found[provider.kind][provider.name] = provider
    work.faults += connections.faults
    work.faults += check_models(definition.name, found)
    work.faults += check_action_stores(definition.name, found, work.sub_agents)
    _check_names_of_sub_agents(work, found)
    work.faults += check_prompts(definition.name, definition.actions, found)
    for check in definition.checks:
        work.faults += check(found)
    if "vector_stores" in found or "tools" in found:
        from headrace.retrieval._checking import check_retrieval

        work.faults += check_retrieval(definition.name, found)
    return {kind: dict(sorted(found[kind].items())) for kind in sorted(found)}


def _each(work: Work, connections: Connections) -> Iterator[tuple[ResourceProvider | None, str]]:
    """All that is declared, with its place: resources, then prompts of methods, then tools."""
    definition = work.definition
    for name, declared in definition.resources.items():
        where = f"{definition.name}.{name}"
        if isinstance(declared, Prompt):
            yield _prompt(name, declared), where
        elif isinstance(declared, SubAgent):
            yield _sub_agent(work, name, declared, where), where
        else:
            yield _used(work, name, declared, where, connections), where
    for name, function in definition.prompts.items():
        where = f"{definition.name}.{name}"
        try:
            made = function(definition.agent)
            yield _prompt(name, made if isinstance(made, Prompt) else Prompt(made)), where
        except Exception as error:  # noqa: BLE001 - the author's code may raise anything
            work.fault(where, f"the prompt cannot be made: {type(error).__name__}: {error}")
    for name, tool, place in definition.tools:
        where = f"{name} ({place})"
        yield compile_tool(work, name, tool, where), where


def _check_names_of_sub_agents(work: Work, found: Provided) -> None:
    """A sub-agent's resources are called ``name.resource`` in the plan, and models call it too."""
    for kind, some in found.items():
        for name in some:
            owner, dot, _ = name.partition(".")
            if dot and owner in work.sub_agents:
                why = f"these {kind} have a name that is a sub-agent's"
            elif kind == "tools" and name in work.sub_agents:
                why = "a tool and a sub-agent have one name, and models call both by it"
            else:
                continue
            work.fault(f"{work.definition.name}.{name}", why, "give one of them another name")


def _sub_agent(work: Work, name: str, declared: SubAgent, where: str) -> ResourceProvider | None:
    plan, provider, faults = compile_sub_agent(name, declared, work.given_plugins, where)
    work.faults += faults
    if plan is not None:
        work.sub_agents[name] = plan
    return provider


def _prompt(name: str, prompt: Prompt) -> ResourceProvider:
    return ResourceProvider(kind="prompts", name=name, arguments=prompt.model_dump(mode="json"))


def _used(
    work: Work, name: str, declared: Use, where: str, connections: Connections
) -> ResourceProvider | None:
    """A ``use(...)``: of a plugin, or of a class of the project."""
    if not _known_kind(work, declared.kind, where):
        return None
    declared, connection = connections.joined(declared, where)
    try:
        arguments = encode(dict(sorted(declared.arguments.items())))
    except MemoryValueError as error:
        work.fault(
            where,
            f"its arguments cannot be part of a plan: {error}",
            "give data; the plugin makes the live object on the worker",
        )
        return None
    policy, faults = read_policy(declared, where)
    work.faults += faults
    if not _tools_policy_fits(work, declared, where):
        return None
    if declared.kind == "prompts":
        try:
            prompt = _read_prompt(name, declared)
        except ResourceError as error:
            work.fault(where, str(error))
            return None
        if prompt is not None:
            return prompt
    provided = _provided(work, declared, where)
    if provided is None:
        return None
    connections.check(connection, declared, provided.get("distribution"), where)
    return ResourceProvider(
        kind=declared.kind,
        name=name,
        arguments=arguments,
        connection=connection.name if connection is not None else None,
        policy=policy,
        approval=declared.approval,
        on_error=declared.on_error,
        prompt=declared.prompt,
        **provided,
    )


def _known_kind(work: Work, kind: str, where: str) -> bool:
    kinds = sorted(kind.value for kind in Kind)
    if kind in kinds:
        return True
    near = difflib.get_close_matches(kind, kinds, 1)
    known = f"did you mean {near[0]!r}?" if near else f"kinds: {', '.join(kinds)}"
    work.fault(where, f"there is no kind of plugin called {kind!r}", known)
    return False


def _tools_policy_fits(work: Work, declared: Use, where: str) -> bool:
    """Whether what is said of calls is said of tools, and can be."""
    if declared.approval is not None and declared.kind != "tools":
        work.fault(where, "only tools have calls to approve: leave out with_approval(...)")
    if declared.on_error is not None and declared.kind != "tools":
        work.fault(where, "only tools have calls that fail: leave out with_on_error(...)")
    elif declared.on_error not in {None, "tell", "fail"}:
        work.fault(where, f"on_error is 'tell' or 'fail', got {declared.on_error!r}")
        return False
    return True


def _read_prompt(name: str, declared: Use) -> ResourceProvider | None:
    """The prompt that a file or the project's code has; ``None`` where a worker asks for it."""
    if declared.target == prompt_files.TARGET:
        return _prompt(name, prompt_files.read_prompt(declared.arguments))
    if ":" not in declared.target:
        return None
    found = find(declared.target)
    return None if is_source(found) else _prompt(name, made_prompt(found, declared.arguments, name))


def _provided(work: Work, declared: Use, where: str) -> dict[str, Any] | None:
    """What provides a resource; ``None`` where there is no such plugin."""
    if ":" in declared.target:
        try:
            if why := unimportable(find(declared.target)):
                work.fault(where, why)
        except ResourceError as error:
            work.fault(where, str(error))
        return {"target": declared.target}
    try:
        plugin = work.plugins.get(declared.kind, declared.target)
    except PluginError as error:
        work.fault(where, str(error))
        return None
    return {
        "plugin": declared.target,
        "target": plugin.value,
        "distribution": plugin.distribution,
        "version": plugin.version,
    }
