"""Sinks of plugins, in the writer's process: what is given the records beside the file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from headrace.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    Wanting: TypeAlias = "Sequence[tuple[str, RecordSink]]"
    """Sinks that want what is told of a run, with their names."""

__all__ = ["CLOSING", "RecordSink", "SinkOpening", "Sinks"]

CLOSING = 5.0
"""Seconds that a sink is given at the end; the job waits for it."""


@dataclass(frozen=True, slots=True)
class SinkOpening:
    """What a sink is told when it is made."""

    agent: str
    """The agent's name."""
    identity: str
    """The job's."""
    about: Mapping[str, Any]
    """Whose log it is: ``task``, ``subtask``, ``attempt``, ``host``, ``process`` and more, as in
    the first line of a file."""
    models: Mapping[str, Mapping[str, str]]
    """Of chat models, by the name that records have: the ``plugin``, and the ``model``."""
    traces: Mapping[str, Any]
    """The settings ``traces``."""
    say: Callable[[str], None]
    """Warns in the job's own log; the same text once. Any thread may call it."""


class RecordSink(Protocol):
    """Takes records, in one thread. What it raises is told of once, and harms nothing."""

    def wants(self, run: str, trace: str | None) -> bool:
        """Whether it is to be given what is told of a run; asked often, so it must be quick.

        Args:
            run: The run's id.
            trace: The trace context that came with its input.
        """
        ...

    def take(self, record: Mapping[str, Any]) -> None:
        """Takes one record as in its line, shortened and without secrets.

        It is shared with others and must not be changed. Records wait while it does not return.
        """
        ...

    def flush(self, seconds: float) -> None:
        """Passes on what it has, in so much time: a job with bounded inputs has come to its end.

        More may follow.
        """
        ...

    def close(self, seconds: float) -> None:
        """Passes on what it still has, in so much time: the process ends after it."""
        ...


class _Every:
    """A plugin that answers ``headrace_record``: it takes all there is."""

    def __init__(self, function: Callable[..., object], arguments: Sequence[str]) -> None:
        self._function = function
        self._arguments = tuple(arguments)

    def wants(self, run: str, trace: str | None) -> bool:  # noqa: ARG002 - the protocol's
        return True

    def take(self, record: Mapping[str, Any]) -> None:
        self._function(*(record for _ in self._arguments))

    def flush(self, seconds: float) -> None:
        pass

    def close(self, seconds: float) -> None:
        pass


class Sinks:
    """The sinks of a log.

    Args:
        names: Hook plugins.
        opening: What they are told.
        tell: Tells the job's process of what is wrong with them.
    """

    def __init__(
        self,
        names: Iterable[str],
        opening: SinkOpening,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        from headrace.plugins import Kind, add_hooks, discover, hooks, load

        self._tell = tell
        self._failed: set[str] = set()
        self._sinks: list[tuple[str, RecordSink]] = []
        found, manager = discover(), hooks()
        for name in names:
            try:
                plugin = found.get(Kind.HOOKS, name)
                for fault in add_hooks(manager, [(plugin, load(plugin))]):
                    tell({"sink": str(fault)})
            except PluginError as error:
                tell({"sink": str(error)})
        for one in manager.hook.headrace_record.get_hookimpls():
            self._sinks.append((one.plugin_name, _Every(one.function, one.argnames)))
        for one in manager.hook.headrace_record_sink.get_hookimpls():
            try:
                made = cast("RecordSink | None", one.function(*(opening for _ in one.argnames)))
            except Exception as error:  # noqa: BLE001 - a sink never harms the log
                self._fails(one.plugin_name, error)
                continue
            if made is not None:
                self._sinks.append((one.plugin_name, made))

    def wanting(self, run: str, trace: str | None) -> Wanting:
        """Those that are to be given what is told of a run."""
        found = []
        for name, sink in self._sinks:
            try:
                if sink.wants(run, trace):
                    found.append((name, sink))
            except Exception as error:  # noqa: BLE001 - as above
                self._fails(name, error)
        return found

    def give(self, wanting: Wanting, lines: Iterable[str]) -> None:
        """Gives them the records of some lines."""
        for line in lines:
            record = json.loads(line)
            for name, sink in wanting:
                try:
                    sink.take(record)
                except Exception as error:  # noqa: BLE001 - as above
                    self._fails(name, error)

    def flush(self) -> None:
        """Has them pass on what they have."""
        self._each(lambda sink, seconds: sink.flush(seconds))

    def close(self) -> None:
        """Has them pass on what they still have."""
        self._each(lambda sink, seconds: sink.close(seconds))

    def _each(self, do: Callable[[RecordSink, float], None]) -> None:
        for name, sink in self._sinks:
            try:
                do(sink, CLOSING / len(self._sinks))
            except Exception as error:  # noqa: BLE001 - as above
                self._fails(name, error)

    def _fails(self, name: str, error: Exception) -> None:
        if name not in self._failed:
            self._failed.add(name)
            self._tell({"sink": f"{name}: {type(error).__name__}: {error}"})
