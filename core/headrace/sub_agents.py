"""Sub-agents: agents that another agent's actions and models ask, within one run.

A sub-agent is an ordinary agent, declared by another one as a resource is. It keeps its own
settings, resources and memory; its plan becomes part of the plan of the agent that declares it,
under the name that it has there.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.chat import ToolSpec
from headrace.config import RuntimeConfig, read_config
from headrace.errors import Fault, PlanError, ResourceError
from headrace.models._forms import Form
from headrace.plan import AgentPlan, Member, ResourceProvider
from headrace.references import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.agent import Agent
    from headrace.plan import ActionSpec, Route
    from headrace.plugins import PluginSet
    from headrace.teams import AgentLike

__all__ = [
    "DEEPEST",
    "SubAgent",
    "compile_sub_agent",
    "differing_values",
    "grafted",
    "put_under",
    "routes_under",
    "sub_agent",
]

DEEPEST = 8
"""How deep sub-agents may be within each other."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_OF_ENGINE = (
    "max_in_flight",
    "blocking_threads",
    "shards",
    "page_bytes",
    "action_store_errors",
    "action_store_keep",
)
_DEPTH: ContextVar[int] = ContextVar("headrace-sub-agents-depth", default=0)
_TEXT = {
    "type": "object",
    "properties": {
        "input": {
            "type": "string",
            "description": "What it is to do, with all that it must know: it sees nothing else.",
        }
    },
    "required": ["input"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class SubAgent:
    """An agent that another one may ask; made by ``sub_agent``."""

    agent: AgentLike | type[Agent] | str
    description: str | None = None
    input: Any = None
    timeout: float | None = None
    many: bool = False
    one_at_a_time: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def sub_agent(
    agent: AgentLike | type[Agent] | str,
    /,
    *,
    description: str | None = None,
    input: Any = None,  # noqa: A002 - what an agent's event calls it
    timeout: float | None = None,
    many: bool = False,
    one_at_a_time: bool = False,
    **settings: Any,
) -> SubAgent:
    """Declares an agent that this one may ask.

    ::

        class Editor(ReActAgent):
            model = use("chat_models", "openai", model="gpt-4.1")
            researcher = sub_agent(Researcher(), budget={"calls": 8}, timeout=120)

    A model calls it as a tool of that name; an action awaits ``ctx.agent("researcher", input)``.
    An agent and not a ``use(...)``: it takes what editors and type checkers know of the agent's own
    fields, and whatever an agent is made by (a class, a builder, YAML, a team).

    Args:
        agent: An agent, a builder, a team, a class that needs no arguments, or ``module:name`` of
            one of these.
        description: What models are told that it is for; the agent's own where ``None``.
        input: The form of its inputs, where a model asks it: a pydantic model or a JSON schema of
            an object. ``None``: a text.
        timeout: Seconds that one call of it may take.
        many: Whether it is asked for all that it puts out, as a list; else for one value.
        one_at_a_time: Whether calls of it within one action go one after the other, and each sees
            what the one before has written to memory. Else they overlap.
        **settings: Settings of ``RuntimeConfig`` that count in place of the agent's own:
            ``budget``, ``max_tool_rounds``, ``max_steps``, ``failure``, ...
    """
    return SubAgent(agent, description, input, timeout, many, one_at_a_time, settings)


def compile_sub_agent(
    name: str, declared: SubAgent, plugins: PluginSet | None, where: str
) -> tuple[AgentPlan | None, ResourceProvider | None, list[Fault]]:
    """A sub-agent's own plan, its place in the plan around it, and what is wrong with it."""
    faults: list[Fault] = []
    if not _NAME.fullmatch(name):
        faults.append(Fault(where, "this is no name of a sub-agent: letters, digits, _ and -"))
        return None, None, faults
    if declared.timeout is not None and declared.timeout <= 0:
        faults.append(
            Fault(where, f"the timeout must be above 0 seconds, got {declared.timeout:g}")
        )
    depth = _DEPTH.get()
    if depth >= DEEPEST:
        faults.append(
            Fault(
                where,
                f"sub-agents are within each other {DEEPEST} deep, which is the most",
                "does an agent declare itself? Let it ask itself by an event instead",
            )
        )
        return None, None, faults
    token = _DEPTH.set(depth + 1)
    try:
        plan = AgentPlan.from_agent(_made(declared.agent), plugins=plugins)
    except PlanError as error:
        faults += [Fault(f"{name}: {one.where}", one.message, one.hint) for one in error.faults]
        return None, None, faults
    except (ResourceError, TypeError, ValueError) as error:
        faults.append(Fault(where, f"the agent cannot be made: {error}"))
        return None, None, faults
    finally:
        _DEPTH.reset(token)
    plan = _with_settings(plan, declared.settings, where, faults)
    provider = _provider(name, declared, plan, where, faults)
    return plan, provider, faults


def _made(agent: Any) -> Any:
    if isinstance(agent, str):
        agent = find(agent)
    return agent() if isinstance(agent, type) else agent


def _with_settings(
    plan: AgentPlan, settings: Mapping[str, Any], where: str, faults: list[Fault]
) -> AgentPlan:
    config, wrong = read_config({**plan.config.model_dump(), **settings}, f"{where}: ")
    if wrong:
        faults += wrong
        return plan
    usual = RuntimeConfig()
    faults += [
        Fault(
            f"{where}: {each}",
            "this setting is the whole job's to say, and not a sub-agent's",
            "give it to the agent that runs",
        )
        for each in _OF_ENGINE
        if getattr(config, each) != getattr(usual, each)
    ]
    return plan.model_copy(update={"config": config})


def _provider(
    name: str, declared: SubAgent, plan: AgentPlan, where: str, faults: list[Fault]
) -> ResourceProvider | None:
    parameters: dict[str, Any] = _TEXT
    if declared.input is not None:
        wanted = find(declared.input) if isinstance(declared.input, str) else declared.input
        try:
            form = Form(wanted)
        except TypeError as error:
            faults.append(Fault(where, f"the form of its input: {error}"))
            return None
        parameters = {**form.schema.json_schema}
        parameters.pop("title", None)
        if isinstance(wanted, dict) and wanted.get("type") != "object":
            faults.append(Fault(where, "the form of its input must be an object's"))
    description = declared.description if declared.description is not None else plan.description
    spec = ToolSpec(name=name, description=description, parameters=parameters)
    arguments: dict[str, Any] = {"spec": spec.model_dump(mode="json")}
    if declared.input is not None:
        arguments["whole"] = True
    if declared.timeout is not None:
        arguments["timeout"] = float(declared.timeout)
    if declared.many:
        arguments["many"] = True
    if declared.one_at_a_time:
        arguments["one_at_a_time"] = True
    return ResourceProvider(kind="agents", name=name, arguments=arguments)


# ---------------------------------------------------------------- one plan
def grafted(plan: AgentPlan, inner: Mapping[str, AgentPlan]) -> AgentPlan:
    """A plan with the plans of sub-agents in it, each under its name."""
    if not inner:
        return plan
    actions: dict[str, ActionSpec] = dict(plan.actions)
    by_event = {event: list(names) for event, names in plan.actions_by_event.items()}
    providers = {kind: dict(found) for kind, found in plan.resource_providers.items()}
    members = dict(plan.members)
    routes: list[Route] = list(plan.routes)
    for name, one in inner.items():
        members[name] = Member(
            agent=one.name,
            agent_class=one.agent_class,
            parameters=one.parameters,
            value_model=one.value_models[0] if one.value_models else None,
            config=one.config,
            start=None if one.start is None else f"{name}.{one.start}",
        )
        put_under(name, one, actions, by_event, providers, members)
        routes += routes_under(name, one)
    return plan.model_copy(
        update={
            "actions": actions,
            "actions_by_event": {event: tuple(some) for event, some in sorted(by_event.items())},
            "resource_providers": {
                kind: dict(sorted(providers[kind].items())) for kind in sorted(providers)
            },
            "members": members,
            "routes": tuple(routes),
            "values": dict(sorted(_values(plan, inner).items())),
            "value_models": tuple(
                dict.fromkeys(each for one in (plan, *inner.values()) for each in one.value_models)
            ),
            "origins": dict(sorted(_origins(plan, inner).items())),
        }
    )


def _values(plan: AgentPlan, inner: Mapping[str, AgentPlan]) -> dict[str, Any]:
    """The values of all as one table: what the agent around says comes first."""
    found: dict[str, Any] = {}
    for one in (plan, *inner.values()):
        found = {**one.values, **found}
    return found


def _origins(plan: AgentPlan, inner: Mapping[str, AgentPlan]) -> dict[str, Any]:
    said = {
        name: where
        for one in inner.values()
        for name, where in one.origins.items()
        if name.startswith("values.")
    }
    return {**said, **plan.origins}


def differing_values(plan: AgentPlan, inner: Mapping[str, AgentPlan], agent: str) -> list[Fault]:
    """Values that two sub-agents say differently, and the agent around does not say."""
    found: dict[str, tuple[str, Any]] = {}
    faults = []
    for owner, one in inner.items():
        for name, value in one.values.items():
            first, said = found.setdefault(name, (owner, value))
            if said != value and name not in plan.values:
                faults.append(
                    Fault(
                        f"{agent}.{owner}",
                        f"its value {name!r} differs from that of {first!r}",
                        f"say it for both, in the agent's own values: {name!r}",
                    )
                )
    return faults


def put_under(
    name: str,
    plan: AgentPlan,
    actions: dict[str, ActionSpec],
    by_event: dict[str, list[str]],
    providers: dict[str, dict[str, ResourceProvider]],
    members: dict[str, Member],
) -> None:
    """Puts all that a plan has under a name: its actions, resources and sub-agents."""
    for each, spec in plan.actions.items():
        owner = name if spec.member is None else f"{name}.{spec.member}"
        actions[f"{name}.{each}"] = spec.model_copy(
            update={"name": f"{name}.{each}", "member": owner}
        )
    for event, names in plan.actions_by_event.items():
        by_event.setdefault(event, []).extend(f"{name}.{each}" for each in names)
    for kind, found in plan.resource_providers.items():
        providers.setdefault(kind, {}).update(
            {
                f"{name}.{each}": one.model_copy(update={"name": f"{name}.{each}"})
                for each, one in found.items()
            }
        )
    for each, member in plan.members.items():
        start = None if member.start is None else f"{name}.{member.start}"
        members[f"{name}.{each}"] = member.model_copy(update={"start": start})


def routes_under(name: str, plan: AgentPlan) -> list[Route]:
    """The ways between the members of a plan, under a name."""
    return [
        one.model_copy(
            update={
                "source": f"{name}.{one.source}",
                "to": None if one.to is None else f"{name}.{one.to}",
            }
        )
        for one in plan.routes
    ]
