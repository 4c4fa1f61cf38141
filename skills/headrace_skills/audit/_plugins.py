"""Rules that plugins bring: hook plugins that answer ``headrace_audit_rules``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.plugins import Hooks, Kind, PluginBrokenError, add_hooks, hooks, hookspec, load
from headrace_skills.audit._audit import Rules
from headrace_skills.audit._rules import PatternRule, load_patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.plugins import Plugin, PluginSet

__all__ = ["rules_with_plugins"]

_HOOK = "headrace_audit_rules"


class _Hooks:
    """The hook, as long as the core does not declare it itself."""

    @hookspec
    def headrace_audit_rules(self) -> list[Any]:  # type: ignore[empty-body]
        """Give rules for ``agents skills audit``, once, when it starts.

        Each is a ``PatternRule``, the path of a table of rules, or an analyser: a function that is
        given each text of a skill and gives ``Hit``, ``Seen`` and further ``Source`` values.
        """


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
    if not hasattr(Hooks, _HOOK):
        manager.add_hookspecs(_Hooks)
    for fault in add_hooks(manager, [(plugin, load(plugin))]):
        raise fault
    try:
        answers: Iterable[Any] = getattr(manager.hook, _HOOK)()
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
    raise TypeError(f"{_HOOK} gave {rule!r}: neither a rule, nor a table's path, nor a function")
