"""What an agent says of how its models are asked. Data: it is part of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from headrace.errors import ModelError
from headrace.policy import FailurePolicy

if TYPE_CHECKING:
    from headrace.chat import Usage

__all__ = ["SHARED", "Breaker", "ModelPolicy", "Prices", "RunBudget"]

SHARED = ("requests_per_minute", "tokens_per_minute", "concurrency", "breaker")
"""What the models of a group share, of ``ModelPolicy``."""
_MILLION = 1_000_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prices(_Frozen):
    """What a million tokens cost, in a unit of your own (a currency, mostly)."""

    input: float = Field(default=0.0, ge=0)
    """Tokens read."""
    output: float = Field(default=0.0, ge=0)
    """Tokens written."""
    cached: float | None = Field(default=None, ge=0)
    """Tokens read from the provider's cache; as ``input`` where ``None``."""
    cache_write: float | None = Field(default=None, ge=0)
    """Tokens written to the provider's cache; as ``input`` where ``None``."""

    def cost(self, usage: Usage) -> float:
        """What a request has cost."""
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_write is None else self.cache_write
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        return (
            plain * self.input
            + usage.cached_tokens * cached
            + usage.cache_write_tokens * written
            + usage.output_tokens * self.output
        ) / _MILLION


class Breaker(_Frozen):
    """When a provider that fails is left alone for a while.

    After so many failures in a row that are the provider's (overloaded, time-outs, connections),
    it is sent no request for a while: they go to the fallback at once or, where there is none for
    ``overloaded``, fail and are tried again as the policy's ``retry`` says, when the time is over.
    Then one request is let through: its success ends it, its failure begins the time again.
    """

    failures: int = Field(default=10, ge=1)
    """Failures in a row."""
    seconds: float = Field(default=30.0, gt=0)
    """How long it is left alone."""


class ModelPolicy(_Frozen):
    """How a chat model or an embedding model is asked. Times are in seconds.

    Limits hold for one worker process: of ``n`` workers each should have the ``n``-th part of what
    the provider allows.
    """

    timeout: float | None = Field(default=None, gt=0)
    """How long one request may take; the setting ``call_timeout`` where ``None``."""
    retry: FailurePolicy = FailurePolicy(attempts=4, backoff=0.5, max_backoff=30.0, jitter=0.2)
    """How requests that failed are made again, where the error says that this may help."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """Requests that are begun in a minute, spread evenly; ``None``: any number."""
    tokens_per_minute: float | None = Field(default=None, gt=0)
    """Tokens in a minute.

    They are estimated before a request, by its length and by what the last ones used, and put
    right by its own usage.
    """
    concurrency: int | None = Field(default=None, ge=1)
    """Requests at the same time; ``None``: any number."""
    group: str | None = Field(default=None, min_length=1)
    """Models of one group, of all agents of the worker, share limits and breaker.

    ``None``: those with the same plugin and the same arguments.
    """
    breaker: Breaker | None = Breaker()
    """When it is left alone; ``None``: never."""
    fallback: str | None = None
    """The model of the agent that is asked where this one does not answer."""
    fallback_on: frozenset[str] = frozenset({*ModelError.RETRYABLE, "unknown"})
    """The codes of ``ModelError`` after which the fallback is asked."""
    prices: Prices | None = None
    """What tokens cost, for ``Usage.cost`` and budgets."""

    @field_validator("fallback_on")
    @classmethod
    def _known(cls, codes: frozenset[str]) -> frozenset[str]:
        if unknown := sorted(codes - ModelError.CODES):
            raise ValueError(f"no codes of ModelError: {', '.join(unknown)}")
        return codes

    @field_serializer("fallback_on", when_used="json")
    def _in_order(self, codes: frozenset[str]) -> list[str]:
        return sorted(codes)  # a set has another order in each process, and a plan has a digest


class RunBudget(_Frozen):
    """What the models of one run may cost, all of them together: the end of a runaway loop.

    A run that has reached a limit makes no further request, and fails with
    ``BudgetExceededError``. So the last request may go beyond the limit.
    """

    calls: int | None = Field(default=200, ge=1)
    """Requests; ``None``: any number."""
    tokens: int | None = Field(default=None, ge=1)
    """Tokens read and written."""
    cost: float | None = Field(default=None, gt=0)
    """Cost, in the unit of the models' ``Prices``."""
