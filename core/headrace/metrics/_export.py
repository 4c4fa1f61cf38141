"""A worker's metrics, shown elsewhere by a plugin (the setting ``metrics.export``)."""

from __future__ import annotations

import logging
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from headrace.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.metrics._series import Metrics
    from headrace.plan import AgentPlan

__all__ = ["CLOSING", "Export", "MetricsSink", "open_export"]

CLOSING = 5.0
"""Seconds that a plugin is given at the end; the job waits for it."""
_LOG = logging.getLogger("headrace.metrics")


class MetricsSink(Protocol):
    """Reads a registry now and then, in a thread of its own, and shows it elsewhere."""

    def flush(self, seconds: float) -> None:
        """Shows it now, in so much time: a job with bounded inputs has come to its end."""
        ...

    def close(self, seconds: float) -> None:
        """Shows it once more, in so much time, and ends."""
        ...


class Export:
    """What shows a registry elsewhere, until it is closed or forgotten.

    Args:
        name: The plugin's.
        sink: What it gave.
    """

    def __init__(self, name: str, sink: MetricsSink) -> None:
        # Flink does not close the functions of a job that was cancelled.
        self._end = weakref.finalize(self, _harmless, name, sink.close)
        self._flush = partial(_harmless, name, sink.flush)

    def flush(self) -> None:
        """Has it shown now."""
        self._flush()

    def close(self) -> None:
        """Has it shown once more."""
        self._end()


def open_export(
    plan: AgentPlan,
    metrics: Metrics,
    about: Mapping[str, Any],
    models: Mapping[str, Mapping[str, str]],
) -> Export | None:
    """Has a plugin show a registry, where the settings say so.

    What is wrong with it is told in the log, and harms no job.

    Args:
        plan: The agent.
        metrics: The registry.
        about: Whose it is: ``task``, ``subtask``, ``attempt`` and more, as the event log says.
        models: Of chat models the plugin, and the model asked for.
    """
    name = plan.config.metrics.export
    if name is None:
        return None
    from headrace.eventlog import SinkOpening
    from headrace.plugins import Kind, add_hooks, discover, hooks, load

    opening = SinkOpening(plan.name, plan.identity, about, models, {}, _say)
    try:
        plugin, manager = discover().get(Kind.HOOKS, name), hooks()
        for fault in add_hooks(manager, [(plugin, load(plugin))]):
            raise fault  # noqa: TRY301 - told as the others are
        for one in manager.hook.headrace_metrics_sink.get_hookimpls():
            given = {"metrics": metrics, "opening": opening}
            made = one.function(*(given[argument] for argument in one.argnames))
            if made is not None:
                return Export(name, cast("MetricsSink", made))
    except PluginError as error:
        _say(str(error))
    except Exception as error:  # noqa: BLE001 - showing them never harms a job
        _say(f"{name}: {type(error).__name__}: {error}")
    else:
        _say(f"the hook plugin {name} shows no metrics (metrics.export)")
    return None


def _harmless(name: str, do: Callable[[float], None]) -> None:
    try:
        do(CLOSING)
    except Exception as error:  # noqa: BLE001 - as above
        _say(f"{name}: {type(error).__name__}: {error}")


def _say(text: str) -> None:
    _LOG.warning("metrics: %s", text)
