"""What is wrong with the arguments of the model, or with a request's options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FIELDS", "TYPED", "beta_faults", "token_faults"]

TYPED = frozenset({"model", "messages", "system", "tools", "tool_choice", "stream", "betas"})
"""Options that are told in another way, or that would change what an answer is."""
FIELDS = {
    "max_tokens": ("max_tokens",),
    "stop": ("stop_sequences",),
    "temperature": ("temperature",),
}
"""The options that say the same as a field of a request."""
_BETA = re.compile(r"[A-Za-z0-9._-]+")


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
