"""Several agents as one: they send each other what they put out, within one run.

A team is an agent of agents. An input goes to its first member; what a member puts out goes where
the team's routes say: to other members, as their input, or out. All of it is one run of the key. So
what a member has sent, remembered and done becomes visible together with what the others made of
it, a crash leaves no message between two of them, and a replay takes the same ways.

The members are ordinary agents and know nothing of each other. Each has resources and memory of
its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headrace.action_stores._checking import check_team_stores
from headrace.config import RuntimeConfig, read_config
from headrace.errors import Fault, MemoryValueError, PlanError, placed
from headrace.plan import AgentPlan, Member, Route
from headrace.settings import said_in_code
from headrace.settings._values import plain
from headrace.sub_agents import put_under, routes_under
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from headrace.agent import Agent
    from headrace.agent_builder import AgentBuilder
    from headrace.plan import ActionSpec, ResourceProvider
    from headrace.plugins import PluginSet

    AgentLike: TypeAlias = "Agent | AgentBuilder | Team"
    """What a plan can be compiled from."""

__all__ = ["OUT", "AgentLike", "Route", "Team", "route"]

OUT = None
"""The end of a route that leads out of the team."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_OF_ACTIONS = {"failure", "action_timeout"}


def route(source: str, to: str | None = OUT, *, when: str | None = None) -> Route:
    """A way from a member to another, or out.

    Args:
        source: The member whose outputs go this way.
        to: The member that gets them as inputs; ``OUT``: they leave the team.
        when: A condition in CEL on ``output``, ``key`` and ``rounds``, such as
            ``"output.verdict == 'revise' && rounds < 3"``. ``rounds`` counts how often this run
            went this way before.

    Raises:
        ValueError: The condition cannot be read.
    """
    return Route(source=source, to=to, when=when)


class Team:
    """Several agents as one.

    ::

        team = Team(
            "reviews",
            writer=Writer(),
            editor=Editor(),
            routes=[
                route("writer", "editor"),
                route("editor", "writer", when="output.verdict == 'revise' && rounds < 3"),
            ],
        )
        run_local(team, inputs)

    An output that no route takes leaves the team.

    Args:
        name: The team's name.
        routes: The ways between its members.
        start: The member that gets the inputs; the first one where ``None``.
        description: What the team is for.
        config: Settings of the runtime, for all members. Of a member's own settings its failure
            policy and time-out of actions count.
        values: Values of the project's own, over those that members declare.
        **members: The agents by the names that routes use, in order.
    """

    def __init__(
        self,
        name: str,
        /,
        *,
        routes: Iterable[Route] = (),
        start: str | None = None,
        description: str = "",
        config: RuntimeConfig | Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        **members: Agent | AgentBuilder,
    ) -> None:
        self.name = name
        self.description = description
        self._routes = tuple(routes)
        self._start = start
        self._config = config
        self._values = dict(values or {})
        self._members = members
        self.places: Mapping[str, str] = {}
        """Of one in YAML: where its parts stand, by what faults call them."""

    def compile(self, plugins: PluginSet | None = None) -> AgentPlan:
        """The team's plan; see ``AgentPlan.from_agent``.

        Raises:
            PlanError: With all faults, those of members included.
        """
        faults: list[Fault] = []
        plans: dict[str, AgentPlan] = {}
        if not self._members:
            faults.append(Fault(self.name, "a team has members", "Team(name, writer=Writer())"))
        for name, agent in self._members.items():
            try:
                plans[name] = AgentPlan.from_agent(agent, plugins=plugins)
            except PlanError as error:
                faults += [
                    Fault(f"{name}: {one.where}", one.message, one.hint) for one in error.faults
                ]
        config, wrong = read_config(self._config or {}, f"{self.name}: config.")
        faults += wrong
        values = self._merged_values(plans, faults)
        faults += self._check(plans)
        if faults:
            raise PlanError(self.name, placed(faults, self.places))
        made = _merged(self, plans, config, self._start or next(iter(plans)), self._routes)
        in_code = {
            name for plan in plans.values() for name in plan.origins if name.startswith("values.")
        }
        in_code |= set(said_in_code(self._config or {}, self._values))
        return made.model_copy(
            update={"values": values, "origins": dict.fromkeys(sorted(in_code), "code")}
        )

    def _merged_values(self, plans: Mapping[str, AgentPlan], faults: list[Fault]) -> dict[str, Any]:
        """The values of all members as one table: a name means one thing in a job."""
        found: dict[str, Any] = {}
        owner: dict[str, str] = {}
        for name, value in self._values.items():
            try:
                found[name] = encode(plain(value))
            except MemoryValueError as error:
                faults.append(Fault(f"{self.name}: values.{name}", str(error)))
        for member, plan in plans.items():
            for name, value in plan.values.items():
                if name in self._values:
                    continue
                if found.setdefault(name, value) != value:
                    faults.append(
                        Fault(
                            f"{self.name}.{member}",
                            f"its value {name!r} differs from that of {owner[name]!r}",
                            f"say it for both: Team(..., values={{{name!r}: ...}})",
                        )
                    )
                owner.setdefault(name, member)
        return dict(sorted(found.items()))

    def _check(self, plans: Mapping[str, AgentPlan]) -> Iterable[Fault]:
        known = ", ".join(self._members) or "none"
        yield from check_team_stores(self.name, plans)
        for name, plan in plans.items():
            where = f"{self.name}.{name}"
            if not _NAME.fullmatch(name):
                yield Fault(where, "this is no name of a member: letters, digits, _ and -")
            if plan.start is not None:
                yield Fault(where, "a team cannot be a member of another", "put its members here")
            own = plan.config.model_dump(exclude=_OF_ACTIONS)
            usual = RuntimeConfig().model_dump(exclude=_OF_ACTIONS)
            if differing := sorted(name for name in own if own[name] != usual[name]):
                yield Fault(
                    where,
                    f"its settings {', '.join(differing)} are the whole team's to say",
                    f"Team(..., config=RuntimeConfig({differing[0]}=...)), and not in the member",
                )
        if self._start is not None and self._start not in self._members:
            yield Fault(self.name, f"start: {self._start!r} is no member ({known})")
        for number, one in enumerate(self._routes, 1):
            for end in (one.source, one.to):
                if end is not None and end not in self._members:
                    yield Fault(f"{self.name}: route {number}", f"{end!r} is no member ({known})")
        reached = {self._start or next(iter(self._members), None)}
        while more := {r.to for r in self._routes if r.source in reached} - reached - {None}:
            reached |= more
        for name in self._members:
            if name not in reached:
                yield Fault(f"{self.name}.{name}", "no route leads to this member")


def _merged(
    team: Team, plans: Mapping[str, AgentPlan], config: RuntimeConfig, start: str, routes: Any
) -> AgentPlan:
    actions: dict[str, ActionSpec] = {}
    by_event: dict[str, list[str]] = {}
    providers: dict[str, dict[str, ResourceProvider]] = {}
    usual = RuntimeConfig()
    members: dict[str, Member] = {}
    ways = list(routes)
    for member, plan in plans.items():
        own = plan.config
        members[member] = Member(
            agent=plan.name,
            agent_class=plan.agent_class,
            parameters=plan.parameters,
            value_model=plan.value_models[0] if plan.value_models else None,
        )
        put_under(member, plan, actions, by_event, providers, members)
        ways += routes_under(member, plan)
        for spec in [one for one in actions.values() if one.member == member]:
            policy = spec.policy or (own.failure if own.failure != usual.failure else None)
            timeout = spec.timeout
            if timeout is None and own.action_timeout != usual.action_timeout:
                timeout = own.action_timeout
            actions[spec.name] = spec.model_copy(update={"policy": policy, "timeout": timeout})
    some = next(iter(plans.values()))
    return AgentPlan(
        name=team.name,
        description=team.description,
        actions=actions,
        actions_by_event={event: tuple(names) for event, names in sorted(by_event.items())},
        resource_providers={
            kind: dict(sorted(providers[kind].items())) for kind in sorted(providers)
        },
        config=config,
        value_models=tuple(
            dict.fromkeys(one for plan in plans.values() for one in plan.value_models)
        ),
        members=members,
        routes=tuple(ways),
        start=start,
        core_version=some.core_version,
    )
