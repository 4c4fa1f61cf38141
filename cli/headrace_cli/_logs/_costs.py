"""What models cost, added up from a log's records: exactly, and by whom and what for."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from headrace.models.prices import priced_as
from headrace.money import in_words
from headrace_cli._logs._filters import key_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["GROUPS", "Bill", "Cost", "Row", "bill_of"]

GROUPS = ("agent", "model", "skill", "key")
"""What costs are told by."""
_NONE = "-"
_OFFERED = ("suggested", "searched")  # and not in the conversation yet


class Cost:
    """An amount, of one currency or several, and the tokens that it lacks.

    Attributes:
        amounts: By currency.
        unpriced: Tokens whose price is not known.
    """

    __slots__ = ("amounts", "unpriced")

    def __init__(self) -> None:
        self.amounts: dict[str, Decimal] = {}
        self.unpriced = 0

    def add(self, usage: Mapping[str, Any]) -> None:
        """Adds what a record tells."""
        cost = usage.get("cost")
        if _is_amount(cost):
            currency = usage.get("currency")
            unit = currency if type(currency) is str else ""
            self.amounts[unit] = self.amounts.get(unit, Decimal(0)) + Decimal(repr(cost))
        self.unpriced += _count(usage, "unpriced_tokens")

    @property
    def told(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.amounts or self.unpriced)

    def data(self) -> dict[str, str]:
        """The amounts by currency, as texts: no digit is lost."""
        return {unit: in_words(amount) for unit, amount in sorted(self.amounts.items())}

    def __str__(self) -> str:
        """For people; a ``?`` stands for what is not known."""
        known = [f"{in_words(one)} {unit}".rstrip() for unit, one in sorted(self.amounts.items())]
        return " + ".join([*known, *(["?"] if self.unpriced else [])]) or "0"


@dataclass(slots=True)
class Row:
    """What some requests used and cost."""

    requests: int = 0
    """Answers of models, and learnings of memories."""
    input_tokens: int = 0
    """Tokens that were read."""
    output_tokens: int = 0
    """Tokens that were written."""
    cost: Cost = field(default_factory=Cost)
    """What they cost."""

    def add(self, usage: Mapping[str, Any]) -> None:
        """Adds what a record tells."""
        self.requests += 1
        self.input_tokens += _count(usage, "input_tokens")
        self.output_tokens += _count(usage, "output_tokens")
        self.cost.add(usage)

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost": self.cost.data(),
            "unpriced_tokens": self.cost.unpriced,
        }


@dataclass(slots=True)
class Bill:
    """What a log tells of costs."""

    rows: dict[tuple[str, ...], Row]
    """By what was asked for, the dearest first."""
    total: Row
    """Each request once."""
    again: Row
    """Requests that were made again after a crash, in no row and not in the total."""
    unpriced: dict[str, int]
    """Models whose price is not known, with their tokens."""


def bill_of(records: Iterable[Mapping[str, Any]], by: Sequence[str]) -> Bill:
    """Adds up what records tell.

    A record that a replay wrote again is the same request: it counts once, and is told apart. What
    was taken from the journal was not asked again, and has cost nothing.

    Args:
        records: Those with ``usage``, and those of skills; of a run in the order of time.
        by: Some of ``GROUPS``.
    """
    rows: dict[tuple[str, ...], Row] = defaultdict(Row)
    total, again = Row(), Row()
    unpriced: dict[str, int] = {}
    skills: dict[tuple[Any, Any], list[str]] = {}
    seen: dict[int, Any] = {}
    for record in records:
        if record["kind"] == "skill":
            _use(record, skills)
            continue
        usage = record.get("usage")
        if type(usage) is not dict or record.get("what") == "reused":
            continue
        named = hash((record.get("run"), record["kind"], record.get("id"), record.get("attempt")))
        if named in seen:
            if seen[named] != record.get("time"):  # else it is the same line, in another file
                again.add(usage)
            continue
        seen[named] = record.get("time")
        total.add(usage)
        model = _model(record)
        if missing := _count(usage, "unpriced_tokens"):
            unpriced[model] = unpriced.get(model, 0) + missing
        groups: list[tuple[str, ...]] = [()]
        for one in by:
            values = _values(one, record, model, skills)
            groups = [(*group, value) for group in groups for value in values]
        for group in groups:
            rows[group].add(usage)
    ranked = sorted(rows.items(), key=lambda item: (_rank(item[1]), item[0]))
    return Bill(dict(ranked), total, again, unpriced)


def _values(
    by: str,
    record: Mapping[str, Any],
    model: str,
    skills: Mapping[tuple[Any, Any], list[str]],
) -> list[str]:
    if by == "model":
        return [model]
    if by == "key":
        return [key_text(record.get("key"))]
    if by == "skill":
        return skills.get((record.get("run"), record.get("cause")), [_NONE])
    data = record.get("data")
    member = data.get("member") if type(data) is dict else None
    agent = record.get("agent", "?")
    return [f"{agent}.{member}" if type(member) is str else str(agent)]


def _use(record: Mapping[str, Any], skills: dict[tuple[Any, Any], list[str]]) -> None:
    """Notes that an action has a skill in its conversation from now on."""
    cause, name = record.get("cause"), record.get("name")
    if type(cause) is not str or type(name) is not str or record.get("what") in _OFFERED:
        return
    action = cause.rpartition("/tool:")[0] or cause
    known = skills.setdefault((record.get("run"), action), [])
    if name not in known:
        known.append(name)


def _model(record: Mapping[str, Any]) -> str:
    data = record.get("data")
    if record["kind"] != "model" or type(data) is not dict:
        return f"{record['kind']} {record.get('name', '')}".rstrip()
    provider, model = data.get("provider"), data.get("model")
    if type(provider) is not str or type(model) is not str:
        return str(record.get("name", "?"))
    return priced_as(provider, model)


def _rank(row: Row) -> tuple[Decimal, int]:
    return -sum(row.cost.amounts.values(), Decimal(0)), -row.input_tokens - row.output_tokens


def _is_amount(cost: Any) -> TypeGuard[int | float]:
    return type(cost) in (int, float) and math.isfinite(cost) and cost > 0


def _count(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    return count if type(count) is int and count > 0 else 0
