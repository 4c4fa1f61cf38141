"""What is wrong with the arguments of the model, or with a request's options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["beta_faults", "refused_options", "token_faults"]

_TYPED = frozenset({"model", "messages", "system", "tools", "tool_choice", "stream"})
"""Options that are told in another way, or that would change what an answer is."""
_CLIENT = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})
"""Arguments of the client's, which are no options of the provider's."""
_BETA = re.compile(r"[A-Za-z0-9._-]+")


def refused_options(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with options of the provider."""
    faults = []
    for name in options:
        if name in _TYPED:
            faults.append(f"{name} is not an option: it is set by the request and the agent")
        elif name in _CLIENT:
            faults.append(f"{name} is not an option: give the provider's options themselves")
        elif name == "betas":
            faults.append("betas is not an option: it is an argument of the model")
    return faults


def beta_faults(betas: Sequence[str], headers: Iterable[str]) -> list[str]:
    """What is wrong with the names of betas, which go into a header of their own."""
    faults = []
    if isinstance(betas, str) or not all(_BETA.fullmatch(name) for name in betas):
        faults.append("betas must be a list of names, such as those of the header anthropic-beta")
    if "anthropic-beta" in {name.lower() for name in headers}:
        faults.append("headers: anthropic-beta is given by betas")
    return faults


def token_faults(max_tokens: Any, thinking: Any) -> list[str]:
    """What is wrong with the tokens that an answer may have, and with how they are thought with."""
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
        return ["max_tokens must be a whole number, 1 or more"]
    if thinking is None:
        return []
    if not isinstance(thinking, dict) or "type" not in thinking:
        return ['thinking must be as the provider writes it, such as {"type": "adaptive"}']
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < max_tokens:
        return []
    why = f"must be less than max_tokens ({max_tokens}), of which it is a part"
    return [f"thinking: budget_tokens ({budget}) {why}"]
