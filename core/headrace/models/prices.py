"""What models cost by their names: a table of the project's own, and the one that comes along."""

from __future__ import annotations

import functools
import json
import re
from fnmatch import fnmatchcase
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_validator

from headrace.models.policy import Prices

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KNOWN_CURRENCY", "KnownPrices", "PriceSettings", "known_prices", "priced_as"]

KNOWN_CURRENCY = "USD"
"""The currency of the table that comes along."""
_VERSION = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{3}|latest)$")
_LONGEST_NAME = 300


class PriceSettings(BaseModel):
    """What models cost.

    A model is named ``PROVIDER/MODEL``: the plugin that asks it (or the class), and what the
    provider calls it. ``*`` stands for any text. Where a model with a version (``-2025-04-14``,
    ``-20250514``, ``-001``, ``-latest``) has no price, that of its name without it counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(default=KNOWN_CURRENCY, min_length=1, max_length=20)
    """What costs and prices are told in: one currency for all of a job."""
    known: bool = True
    """Whether models that ``prices.models`` lacks have the prices that come with headrace; they
    are in USD, so with another currency they do not count."""
    models: dict[str, Prices] = Field(default_factory=dict)
    """What a million tokens cost, by ``PROVIDER/MODEL``; ``[tool.agents] prices`` may name a file
    of them."""

    @field_validator("models")
    @classmethod
    def _named(cls, models: dict[str, Prices]) -> dict[str, Prices]:
        wrong = [name for name in models if not name or len(name) > _LONGEST_NAME]
        if wrong:
            raise ValueError(f"a model's name has 1 to {_LONGEST_NAME} characters")
        return dict(sorted(models.items()))

    def of(self, provider: str, model: str) -> Prices | None:
        """The prices of a model; ``None``: nobody knows them."""
        name = priced_as(provider, model)
        found = _look_up(self.models, name)
        if found is None and self.known and self.currency == KNOWN_CURRENCY:
            found = _look_up(known_prices().models, name)
        return found


class KnownPrices(BaseModel):
    """The table that comes along."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    class Source(BaseModel):
        """Who says so."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        name: str
        """The provider's list of prices."""
        date: str
        """Of which day."""
        models: str
        """How the names of its models begin."""

    currency: str
    """The currency."""
    sources: tuple[Source, ...]
    """Where the prices are from."""
    models: dict[str, Prices]
    """The prices."""


@functools.cache
def known_prices() -> KnownPrices:
    """The table that comes along, read once."""
    text = resources.files("headrace.models").joinpath("prices.json").read_text(encoding="utf-8")
    return KnownPrices.model_validate(json.loads(text))


def priced_as(provider: str, model: str) -> str:
    """A model's name in tables of prices."""
    return f"{provider}/{model}" if model else provider


def _look_up(models: Mapping[str, Prices], name: str) -> Prices | None:
    """By the name, without its version, or by the longest pattern that it fits."""
    for one in (name, _VERSION.sub("", name)):
        if one in models:
            return models[one]
    fitting = [one for one in models if "*" in one and fnmatchcase(name, one)]
    return models[max(fitting, key=len)] if fitting else None
