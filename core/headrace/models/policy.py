"""What an agent says of how its models are asked. Data: it is part of the plan."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from headrace.errors import ModelError
from headrace.policy import FailurePolicy

if TYPE_CHECKING:
    from headrace.chat import Usage

__all__ = ["SHARED", "Breaker", "LongPrices", "ModelPolicy", "Prices", "RunBudget", "exact"]

SHARED = ("requests_per_minute", "tokens_per_minute", "concurrency", "breaker")
"""What the models of a group share, of ``ModelPolicy``."""
_MILLION = Decimal(1_000_000)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Rates(_Frozen):
    """What a million tokens cost."""

    input: float = Field(default=0.0, ge=0)
    """Tokens read."""
    output: float = Field(default=0.0, ge=0)
    """Tokens written."""
    cached: float | None = Field(default=None, ge=0)
    """Tokens read from the provider's cache; as ``input`` where ``None``."""
    cache_write: float | None = Field(default=None, ge=0)
    """Tokens written to the provider's cache; as ``input`` where ``None``."""


class LongPrices(_Rates):
    """What a million tokens of a long request cost."""

    over: int = Field(ge=1)
    """Tokens read by one request; where they are more, these are the prices of all its tokens."""


class Prices(_Rates):
    """What a million tokens cost, in the job's currency (the setting ``prices.currency``)."""

    long: LongPrices | None = None
    """What they cost in long requests; as in all others where ``None``."""

    def cost(self, usage: Usage) -> Decimal:
        """What a request has cost, exactly."""
        rates: _Rates = self
        if self.long is not None and usage.input_tokens > self.long.over:
            rates = self.long
        cached = rates.input if rates.cached is None else rates.cached
        written = rates.input if rates.cache_write is None else rates.cache_write
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        return (
            plain * exact(rates.input)
            + usage.cached_tokens * exact(cached)
            + usage.cache_write_tokens * exact(written)
            + usage.output_tokens * exact(rates.output)
        ) / _MILLION


def exact(number: float) -> Decimal:
    """The decimal number that somebody wrote, of the float that it became."""
    return Decimal(repr(number))


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
    """What tokens cost, for ``Usage.cost`` and budgets; ``None``: what ``prices`` says."""

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
    """Cost, in the currency of ``prices``. A run whose models use tokens that have no price makes
    no further request either."""
    warn: float | None = Field(default=0.8, gt=0, lt=1)
    """The part of a limit from which on a warning is told, once a run; ``None``: never."""
