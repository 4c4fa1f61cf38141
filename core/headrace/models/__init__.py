"""How models are asked: limits, time-outs, retries, fallbacks, prices, forms of answers."""

from __future__ import annotations

from headrace.models.policy import Breaker, ModelPolicy, Prices, RunBudget

__all__ = ["Breaker", "ModelPolicy", "Prices", "RunBudget"]
