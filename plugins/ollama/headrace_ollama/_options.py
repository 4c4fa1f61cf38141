"""Options: what may be one, and which of them stand beside the others in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ASKED", "FIELDS", "beside_options", "option_faults"]

ASKED = frozenset({"model", "messages", "tools", "stream", "format", "options", "input"})
"""Told by the request itself, or would change what an answer is."""
FIELDS = {"max_tokens": ("num_predict",), "stop": ("stop",), "temperature": ("temperature",)}
"""The options that say the same as a field of a request."""
_BESIDE: dict[str, tuple[type, ...]] = {
    "think": (bool, str),
    "keep_alive": (int, float, str),
}
"""Parts of a request that are no options to Ollama, and are to everybody else."""


def option_faults(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with options of a model or of a request."""
    faults = []
    for name, value in options.items():
        if name in ASKED:
            faults.append(f"{name} is not an option: it is set by the request and the agent")
        elif name in _BESIDE and not isinstance(value, _BESIDE[name]):
            kinds = " or ".join(kind.__name__ for kind in _BESIDE[name])
            faults.append(f"{name} must be {kinds}, and is a {type(value).__name__}")
    return faults


def beside_options(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings as Ollama takes them apart: its options, and what stands beside them."""
    options = {name: value for name, value in settings.items() if name not in _BESIDE}
    beside = {name: value for name, value in settings.items() if name in _BESIDE}
    return options, beside
