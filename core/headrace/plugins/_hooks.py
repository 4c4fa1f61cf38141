"""Hooks that many plugins may answer. pluggy is handed plugins that are already loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from headrace.plugins._errors import PluginBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.plugins._model import Plugin

__all__ = ["Hooks", "add_hooks", "hookimpl", "hooks", "hookspec"]

_PROJECT = "headrace"

hookspec = pluggy.HookspecMarker(_PROJECT)
"""Marks a hook that headrace calls."""

hookimpl = pluggy.HookimplMarker(_PROJECT)
"""Marks a plugin's answer to a hook."""


class Hooks:
    """The hooks that there are. Answers may leave out arguments that they do not need."""

    @hookspec
    def headrace_record(self, record: Any) -> None:
        """Take one record of the event log, when it is written (the setting ``log.sinks``).

        It is called in the log's own process: what is slow here holds up no job.

        Args:
            record: The record as in its line (``docs/logs.md``), shortened and without secrets.
                It is shared with other listeners and must not be changed.
        """

    @hookspec
    def headrace_sample(self, sample: Any) -> None:
        """Take one sample, when it is put aside (the setting ``samples.sinks``).

        It is called in a thread of the job's that runs nothing else.

        Args:
            sample: The sample as in its file (``docs/samples.md``), shortened and without secrets.
                It is shared with other listeners and must not be changed.
        """

    @hookspec
    def headrace_record_sink(self, opening: Any) -> Any:
        """Give a sink of the event log's records, or ``None``, once, when a log is opened.

        For what has to choose runs, or has something to pass on at the end. It lives in the log's
        own process, too.

        Args:
            opening: What it is for: a ``headrace.eventlog.SinkOpening``.

        Returns:
            A ``headrace.eventlog.RecordSink``.
        """

    @hookspec
    def headrace_metrics_sink(self, metrics: Any, opening: Any) -> Any:
        """Show a worker's metrics elsewhere, from its start on (the setting ``metrics.export``).

        Args:
            metrics: The registry, a ``headrace.metrics.Metrics``; any thread may read it.
            opening: Whose it is: a ``headrace.eventlog.SinkOpening``.

        Returns:
            A ``headrace.metrics.MetricsSink``.
        """

    @hookspec
    def headrace_cli_commands(self) -> list[Any]:  # type: ignore[empty-body]
        """Give click commands to add to ``agents``, once, when the command line starts."""

    @hookspec
    def headrace_audit_rules(self) -> list[Any]:  # type: ignore[empty-body]
        """Give rules for ``agents skills audit``, once, when it starts.

        Each is a ``headrace_skills.audit.PatternRule``, the path of a table of rules, or an
        analyser: a function that is given each text of a skill and gives what it finds there.
        """


def hooks() -> pluggy.PluginManager:
    """Make a plugin manager that knows headrace's hooks, and has no plugin yet."""
    manager = pluggy.PluginManager(_PROJECT)
    manager.add_hookspecs(Hooks)
    return manager


def add_hooks(
    manager: pluggy.PluginManager, loaded: Iterable[tuple[Plugin, object]]
) -> tuple[PluginBrokenError, ...]:
    """Register hook plugins that are already loaded, each by itself.

    A class among them is called without arguments, and its instance is registered.

    Returns:
        Why some could not be registered; of these no hook is left in the manager.
    """
    faults: list[PluginBrokenError] = []
    for plugin, found in loaded:
        fault = _add(manager, plugin, found)
        if fault is not None:
            faults.append(fault)
    return tuple(faults)


def _add(manager: pluggy.PluginManager, plugin: Plugin, found: object) -> PluginBrokenError | None:
    name = f"{plugin.distribution}:{plugin.name}"
    if manager.has_plugin(name):
        return PluginBrokenError(plugin, "it is registered already")
    try:
        answers = found() if isinstance(found, type) else found
        if manager.is_registered(answers):
            return PluginBrokenError(plugin, "its object is registered under another name already")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - it must not take the others down
        return _broken(plugin, error)
    try:
        manager.register(answers, name=name)
        callers = manager.get_hookcallers(answers) or []
        unknown = sorted(
            caller.name
            for caller in callers
            if not caller.has_spec()
            and any(i.plugin is answers and not i.optionalhook for i in caller.get_hookimpls())
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - it must not take the others down
        _withdraw(manager, name)  # an older pluggy leaves the hooks that it had come to
        return _broken(plugin, error)
    if not callers:
        _withdraw(manager, name)
        return PluginBrokenError(plugin, "it answers no hook of headrace (is it marked hookimpl?)")
    if unknown:
        _withdraw(manager, name)
        return PluginBrokenError(plugin, f"headrace has no hook {', '.join(unknown)}")
    return None


def _withdraw(manager: pluggy.PluginManager, name: str) -> None:
    if manager.has_plugin(name):
        manager.unregister(name=name)


def _broken(plugin: Plugin, error: BaseException) -> PluginBrokenError:
    fault = PluginBrokenError(plugin, f"{type(error).__name__}: {error}".rstrip(": "))
    fault.__cause__ = error
    return fault
