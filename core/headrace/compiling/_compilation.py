"""The order of a compilation: settings, actions, resources, and what holds between them."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

from headrace.agent import Agent
from headrace.agent_builder import AgentBuilder
from headrace.compiling._actions import compile_actions
from headrace.compiling._resources import compile_resources
from headrace.compiling._sends import check_sends
from headrace.compiling._settings import compile_config, compile_parameters, compile_values
from headrace.compiling._work import Work
from headrace.errors import Fault, PlanError, placed
from headrace.plan import AgentPlan
from headrace.references import reference
from headrace.settings import said_in_code
from headrace.settings._values import plain
from headrace.sub_agents import differing_values, grafted
from headrace.teams import Team

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.plan import ActionSpec
    from headrace.plugins import PluginSet
    from headrace.teams import AgentLike

__all__ = ["compile_agent"]


def compile_agent(agent: AgentLike, *, plugins: PluginSet | None = None) -> AgentPlan:
    """Compiles an agent; see ``AgentPlan.from_agent``."""
    if isinstance(agent, Team):
        return agent.compile(plugins)
    if isinstance(agent, type) or not isinstance(agent, (Agent, AgentBuilder)):
        what = agent.__name__ if isinstance(agent, type) else type(agent).__name__
        hint = f"make one: {what}()" if isinstance(agent, type) else "subclass headrace.Agent"
        raise PlanError(what, [Fault(what, "this is not an Agent instance", hint)])
    return _plan(Work(agent.definition(), plugins))


def _plan(work: Work) -> AgentPlan:
    definition = work.definition
    if not definition.name.strip():
        work.fault(definition.name, "the agent needs a name")
    config = compile_config(work)
    values = compile_values(work)
    actions = compile_actions(work)
    providers = compile_resources(work)
    parameters = compile_parameters(work)
    by_event = _by_event(actions)
    if not {"input", "event"} & by_event.keys():
        work.fault(
            definition.name,
            "no action is triggered by the input, so inputs would be dropped",
            "mark one with @action(InputEvent)",
        )
    work.faults += check_sends(definition.actions, by_event)
    if work.faults:
        raise PlanError(definition.name, placed(work.faults, definition.places))
    agent_class = type(definition.agent) if definition.agent and work.needs_instance else None
    value_model = definition.value_model
    plan = AgentPlan(
        name=definition.name,
        description=definition.description,
        agent_class=reference(agent_class) if agent_class else None,
        parameters=parameters,
        actions=actions,
        actions_by_event=by_event,
        resource_providers=providers,
        config=config,
        values=values,
        value_models=() if value_model is None else (reference(value_model),),
        origins=dict.fromkeys(
            sorted(said_in_code(definition.config, plain(definition.values))), "code"
        ),
        core_version=importlib.metadata.version("headrace-core"),
    )
    if faults := differing_values(plan, work.sub_agents, definition.name):
        raise PlanError(definition.name, faults)
    return grafted(plan, work.sub_agents)


def _by_event(actions: Mapping[str, ActionSpec]) -> dict[str, tuple[str, ...]]:
    """The actions that each type of event triggers, once each, in the plan's order."""
    found: dict[str, dict[str, None]] = {}
    for spec in actions.values():
        for trigger in spec.triggers:
            found.setdefault(trigger.event, {})[spec.name] = None
    return {event: tuple(names) for event, names in sorted(found.items())}
