"""Rules that plugins bring: hook plugins that answer ``headrace_audit_rules``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.plugins import Kind, PluginBrokenError, add_hooks, hooks, load
from headrace_skills.audit._audit import Rules
from headrace_skills.audit._rules import PatternRule, load_patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.plugins import Plugin, PluginSet

__all__ = ["rules_with_plugins"]


def rules_with_plugins(plugins: PluginSet) -> tuple[Rules, tuple[PluginBrokenError, ...]]:
    """The rules of this package, and those that hook plugins bring.

    Returns:
        The rules, and why some plugins could not be asked; their rules are left out.
    """
    rules = Rules.builtin()
    faults: list[PluginBrokenError] = []
    for listed in plugins.list(Kind.HOOKS):
        if listed.state != "ready":
            continue
        try:
            rules = rules.extended(*_asked(listed.plugin))
        except PluginBrokenError as error:
            faults.append(error)
    return rules, tuple(faults)


def _asked(plugin: Plugin) -> Iterator[Any]:
    """What one plugin answers; each has a manager of its own, so that none harms another."""
    manager = hooks()
    for fault in add_hooks(manager, [(plugin, load(plugin))]):
        raise fault
    try:
        answers: Iterable[Any] = manager.hook.headrace_audit_rules()
        for answer in answers:
            for one in answer:
                yield from (
                    load_patterns(Path(one)) if isinstance(one, (str, Path)) else [_checked(one)]
                )
    except Exception as error:
        raise PluginBrokenError(plugin, f"{type(error).__name__}: {error}") from error


def _checked(rule: Any) -> Any:
    if isinstance(rule, PatternRule) or callable(rule):
        return rule
    raise TypeError(
        f"headrace_audit_rules gave {rule!r}: neither a rule, nor a table's path, nor a function"
    )
