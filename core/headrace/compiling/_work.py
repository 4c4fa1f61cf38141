"""What the parts of one compilation have in common."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.errors import Fault
from headrace.plugins import discover

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.declarations import Definition
    from headrace.plan import AgentPlan
    from headrace.plugins import PluginSet

__all__ = ["Work"]


class Work:
    """One compilation: the definition, and what was found so far.

    Args:
        definition: What the agent declares.
        plugins: The plugins to choose from; those of this environment where ``None``.
    """

    def __init__(self, definition: Definition, plugins: PluginSet | None) -> None:
        self.definition = definition
        self.faults: list[Fault] = []
        self.given_plugins = plugins
        """The plugins as they were given, for the compilations of sub-agents."""
        self.needs_instance = False
        """Whether an action or a tool is a method, so that workers need the agent itself."""
        self.sub_agents: dict[str, AgentPlan] = {}

    @cached_property
    def plugins(self) -> PluginSet:
        """The plugins to choose from; looked for when one is first asked for."""
        return discover() if self.given_plugins is None else self.given_plugins

    def fault(self, where: str, message: str, hint: str = "") -> None:
        """Keeps a fault; compilation goes on, so that all are told at once."""
        self.faults.append(Fault(where, message, hint))

    def bound(self, function: Callable[..., object], where: str) -> int:
        """How many arguments binding a function gives: 1 for a method of the agent's class."""
        owner, dot, name = getattr(function, "__qualname__", "").rpartition(".")
        if not dot or owner.endswith(">"):
            return 0
        agent = self.definition.agent
        if agent is not None:
            for base in type(agent).__mro__:
                if base.__qualname__ == owner and base.__module__ == function.__module__:
                    if isinstance(inspect.getattr_static(base, name, None), staticmethod):
                        return 0
                    self.needs_instance = True
                    return 1
        self.fault(
            where,
            f"{function.__qualname__} is a method, and the agent is not of its class",
            f"start from the class: AgentBuilder({owner}, ...), or use a function of a module",
        )
        return 1
