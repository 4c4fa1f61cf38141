"""Connections: what several resources of one provider have in common, declared once.

A connection holds arguments (an address, the variable with a key, settings of the client) and, for
models, a policy (limits, time-outs, retries). Both are put into each resource that goes over it
while the agent is compiled, so plugins know nothing of connections, and a plan says of each
resource what it is really built with. Models over one connection are one group: they share its
limits and its breaker.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.declarations import CONNECTIONS, Use
from headrace.errors import Fault, MemoryValueError, ResourceError
from headrace.models._checking import MODELS, read_policy
from headrace.models.policy import SHARED
from headrace.references import find, unimportable
from headrace.values import digest, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headrace.plugins import PluginSet

__all__ = ["Connection", "Connections"]

_EACH_MODELS = ("fallback", "fallback_on", "prices")
"""What a policy says that is no connection's."""
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that was found to be right."""

    name: str | None
    """The name that it is declared by; ``None`` for one that is given itself."""
    use: Use
    """Its declaration."""
    group: str
    """The group of its models: the same in all agents that declare it with the same arguments."""
    origins: frozenset[str]
    """The distributions that have a plugin of its name; of an own class, its package."""


class Connections:
    """The connections of one agent.

    Args:
        agent: The agent's name.
        declared: Its connections by name.
        plugins: Gives the plugins to choose from.
    """

    def __init__(
        self, agent: str, declared: Mapping[str, Use], plugins: Callable[[], PluginSet]
    ) -> None:
        self.faults: list[Fault] = []
        """What was found wrong so far."""
        self._plugins = plugins
        self._declared = declared
        self._checked: list[tuple[Use, Connection | None]] = []
        for name, one in declared.items():
            self._connection(name, one, f"{agent}.{name}")

    def joined(self, declared: Use, where: str) -> tuple[Use, Connection | None]:
        """A resource with what its connection says; what it says itself comes first."""
        connection = self._of(declared, where)
        if connection is None:
            return declared, None
        shared = connection.use
        arguments = {**shared.arguments, **declared.arguments}
        policy = declared.policy
        if declared.kind in MODELS:
            own = dict(declared.policy or {})
            if own.get("group") is None:
                for name in (one for one in SHARED if one in own):
                    self._fault(
                        where,
                        f"{name} is its connection's to say, as its models share it",
                        "say it there (with_policy), or give this model a group of its own",
                    )
            policy = {**(shared.policy or {}), "group": connection.group, **own}
        return replace(declared, arguments=arguments, policy=policy), connection

    def check(
        self, connection: Connection | None, declared: Use, distribution: str | None, where: str
    ) -> None:
        """Looks whether a resource is of the connection's provider.

        Args:
            connection: The connection, if it goes over one.
            declared: The resource.
            distribution: The distribution that provides it; ``None`` for a class of the project.
            where: Its place.
        """
        origin = distribution or _package(declared.target)
        if connection is None or origin in connection.origins:
            return
        origins = " and ".join(sorted(connection.origins))
        fitting = [
            repr(name)
            for name, one in self._declared.items()
            if (known := self._known(one)) is not None and origin in known.origins
        ]
        called = "it" if connection.name is None else repr(connection.name)
        self._fault(
            where,
            f"it is of {origin}, and the connection {called} is of {origins}",
            f"connections of {origin}: {', '.join(fitting)}"
            if fitting
            else f"declare one: use({CONNECTIONS!r}, {declared.target!r}, ...)",
        )

    # ------------------------------------------------------------ one connection
    def _of(self, declared: Use, where: str) -> Connection | None:
        named = declared.connection
        if not isinstance(named, str):
            return None if named is None else self._connection(None, named, where)
        if named in self._declared:
            return self._known(self._declared[named], named)
        near = difflib.get_close_matches(named, self._declared, 1)
        self._fault(
            where,
            f"there is no connection called {named!r}",
            f"did you mean {near[0]!r}?"
            if near
            else f"declare it: {named} = use({CONNECTIONS!r}, {declared.target!r}, ...)",
        )
        return None

    def _known(self, declared: Use, name: str | None = None) -> Connection | None:
        """What became of a declaration that was checked; of equal ones, the one of that name."""
        found = [one for use, one in self._checked if use == declared and one is not None]
        return next((one for one in found if one.name == name), found[0] if found else None)

    def _connection(self, name: str | None, declared: Use, where: str) -> Connection | None:
        if name is None and any(use == declared for use, _ in self._checked):
            return self._known(declared)
        found = self._check(name, declared, where)
        self._checked.append((declared, found))
        return found

    def _check(self, name: str | None, declared: Use, where: str) -> Connection | None:
        if declared.kind != CONNECTIONS:
            self._fault(where, f"a use of {declared.kind!r} is no connection")
            return None
        before = len(self.faults)
        if declared.connection is not None:
            self._fault(where, "a connection goes over no other connection")
        if declared.approval is not None:
            self._fault(where, "a connection has no calls to approve: leave out with_approval(...)")
        policy = dict(declared.policy or {})
        for one in _EACH_MODELS:
            if policy.pop(one, None) is not None:
                self._fault(where, f"{one} is each model's own to say, not the connection's")
        self.faults += read_policy(replace(declared, policy=policy), where)[1]
        group = policy.get("group")
        try:
            marked = digest(encode(dict(sorted(declared.arguments.items()))))[:_DIGITS]
            group = group or f"connection {declared.target} {marked}"
        except MemoryValueError as error:
            self._fault(
                where,
                f"its arguments cannot be part of a plan: {error}",
                "give data; the plugin makes the live object on the worker",
            )
        origins = frozenset(self._origins(declared.target, where))
        if len(self.faults) > before:
            return None
        return Connection(name, declared, str(group), origins)

    def _origins(self, target: str, where: str) -> Iterable[str]:
        """Whose resources may go over a connection to a target."""
        if ":" in target:
            try:
                if why := unimportable(find(target)):
                    self._fault(where, why)
            except ResourceError as error:
                self._fault(where, str(error))
            return [_package(target)]
        plugins = [one.plugin for one in self._plugins().list()]
        found = {plugin.distribution for plugin in plugins if plugin.name == target}
        if not found:
            names = sorted({plugin.name for plugin in plugins})
            near = difflib.get_close_matches(target, names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"plugins: {', '.join(names)}"
            self._fault(where, f"no installed plugin of any kind is called {target!r}", hint)
        return found

    def _fault(self, where: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(where, message, hint))


def _package(target: str) -> str:
    """The package of a class of the project."""
    return target.partition(":")[0].partition(".")[0]
