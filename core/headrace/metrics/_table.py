"""The table of the runtime's own metrics: each said once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.metrics._series import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.metrics._series import Family, Kind, Metrics

__all__ = ["TABLE", "MetricSpec"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric of the runtime."""

    name: str
    """As it is shown."""
    kind: Kind
    """What it is."""
    labels: tuple[str, ...]
    """The names of its labels."""
    meaning: str
    """What it tells."""
    bounds: tuple[float, ...] = BUCKETS
    """Of a histogram: its buckets' upper bounds."""

    def of(self, metrics: Metrics) -> Family:
        """Its series in a registry."""
        return metrics.family(self.name, self.kind, self.labels, self.meaning, self.bounds)


_AGENT = ("agent",)
_ACTION = ("agent", "action")
_MODEL = ("agent", "action", "model")
_EFFECT = ("agent", "effect")
_TOOL = ("agent", "action", "tool")

_SPECS: Final = (
    MetricSpec("headrace_runs_started_total", "meter", _AGENT, "Runs that were begun: inputs."),
    MetricSpec(
        "headrace_runs_total",
        "meter",
        (*_AGENT, "outcome"),
        "Runs that ended: finished, skipped, dead_letter, failed.",
    ),
    MetricSpec("headrace_run_seconds", "histogram", _AGENT, "How long runs took."),
    MetricSpec("headrace_outputs_total", "meter", _AGENT, "Outputs of runs that finished."),
    MetricSpec("headrace_in_flight", "gauge", _AGENT, "Runs that wait for something outside."),
    MetricSpec("headrace_held", "gauge", _AGENT, "Runs that wait for a person's decision."),
    MetricSpec(
        "headrace_queued",
        "gauge",
        _AGENT,
        "Inputs that wait behind another of their key, or for room.",
    ),
    MetricSpec("headrace_events_total", "meter", (*_AGENT, "event"), "Events that were sent."),
    MetricSpec(
        "headrace_actions_total",
        "meter",
        (*_ACTION, "outcome"),
        "Attempts of actions: finished, failed.",
    ),
    MetricSpec("headrace_action_seconds", "histogram", _ACTION, "How long attempts took."),
    MetricSpec(
        "headrace_action_retries_total", "counter", _ACTION, "Attempts that followed a failed one."
    ),
    MetricSpec(
        "headrace_action_retry_wait_seconds_total",
        "counter",
        _ACTION,
        "Seconds waited before such attempts.",
    ),
    MetricSpec(
        "headrace_calls_total",
        "meter",
        (*_ACTION, "call", "outcome"),
        "Durable calls of functions, memory, prompts and sub-agents: finished, failed, reused "
        "(taken from the journal).",
    ),
    MetricSpec(
        "headrace_call_seconds",
        "histogram",
        (*_ACTION, "call"),
        "How long such calls took, reused ones left out.",
    ),
    MetricSpec(
        "headrace_model_calls_total",
        "meter",
        (*_MODEL, "outcome"),
        "Requests to chat models: finished, failed, reused.",
    ),
    MetricSpec(
        "headrace_model_call_seconds",
        "histogram",
        (*_MODEL, "error"),
        "How long they took, with waits, retries and fallbacks; reused ones left out. Of those "
        "that failed, `error` is the error's class.",
    ),
    MetricSpec(
        "headrace_model_tokens_total",
        "counter",
        (*_MODEL, "type"),
        "Tokens: input, output; cached and cache_write are parts of input, reasoning of output.",
    ),
    MetricSpec("headrace_model_cost_total", "counter", (*_MODEL, "currency"), "What they cost."),
    MetricSpec(
        "headrace_model_call_tokens",
        "histogram",
        (*_MODEL, "type"),
        "Tokens of each answer: input, output.",
        tuple(4**power for power in range(14)),
    ),
    MetricSpec(
        "headrace_model_unpriced_tokens_total",
        "counter",
        _MODEL,
        "Tokens that have no price: the cost lacks them.",
    ),
    MetricSpec(
        "headrace_budget_limits_total",
        "counter",
        ("agent", "limit", "outcome"),
        "Runs' limits (calls, tokens, cost) that were come near to (warned), and requests that "
        "were refused at one (exceeded).",
    ),
    MetricSpec(
        "headrace_model_retries_total",
        "counter",
        ("agent", "model", "code"),
        "Requests to models, of all kinds, that were made again, by the error's code.",
    ),
    MetricSpec(
        "headrace_model_retry_wait_seconds_total",
        "counter",
        ("agent", "model"),
        "Seconds waited before they were.",
    ),
    MetricSpec(
        "headrace_model_limit_wait_seconds_total",
        "counter",
        ("agent", "model"),
        "Seconds that requests waited for the policy's limits.",
    ),
    MetricSpec(
        "headrace_model_fallbacks_total",
        "counter",
        ("agent", "model", "code"),
        "Requests that went to the fallback.",
    ),
    MetricSpec(
        "headrace_tool_calls_total",
        "meter",
        (*_TOOL, "outcome"),
        "Calls of tools: finished, failed, reused, refused (not made).",
    ),
    MetricSpec(
        "headrace_tool_call_seconds",
        "histogram",
        _TOOL,
        "How long they took, reused ones left out.",
    ),
    MetricSpec(
        "headrace_effects_total",
        "meter",
        (*_EFFECT, "outcome"),
        "Effects of the outbox: finished, failed (a try), skipped, dead_letter.",
    ),
    MetricSpec(
        "headrace_effect_seconds",
        "histogram",
        _EFFECT,
        "How long it took from when they were asked for until they were done.",
    ),
    MetricSpec(
        "headrace_effects_waiting",
        "gauge",
        _AGENT,
        "Effects of runs that have ended, which are not done yet.",
    ),
    MetricSpec(
        "headrace_skill_uses_total",
        "counter",
        ("agent", "skill", "use"),
        "What was done with skills: loaded, read, ran and more, as skills tell it.",
    ),
)

TABLE: Final[Mapping[str, MetricSpec]] = {one.name: one for one in _SPECS}
"""The runtime's metrics by name, in the order in which they are documented."""
