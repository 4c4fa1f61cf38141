"""Plugins that are given each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["sinks"]


def sinks(
    names: Iterable[str],
) -> tuple[list[tuple[str, Callable[[dict[str, Any]], None]]], list[str]]:
    """What takes samples, of the hook plugins of these names that answer ``headrace_sample``.

    Returns:
        Each with its plugin's name, and what is wrong with others.
    """
    from headrace.plugins import Kind, add_hooks, discover, hooks, load

    found, manager, faults = discover(), hooks(), list[str]()
    for name in names:
        try:
            plugin = found.get(Kind.HOOKS, name)
            faults += map(str, add_hooks(manager, [(plugin, load(plugin))]))
        except PluginError as error:
            faults.append(str(error))
    return [
        (one.plugin_name, _passing(one)) for one in manager.hook.headrace_sample.get_hookimpls()
    ], faults


def _passing(one: Any) -> Callable[[dict[str, Any]], None]:
    def take(sample: dict[str, Any]) -> None:
        one.function(*(sample for _ in one.argnames))

    return take
