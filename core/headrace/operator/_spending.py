"""What the models of a run have cost, held against its budgets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from headrace.chat import Usage
from headrace.errors import BudgetExceededError
from headrace.models.policy import exact
from headrace.money import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from headrace.models.policy import RunBudget
    from headrace.operator._branch import Purse
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator
    from headrace.values import Stored

__all__ = ["Spending", "Spent"]

_LOG = logging.getLogger("headrace.budget")


class Spent:
    """What was spent so far; it lives in the run's journal, so a replay goes on from there.

    Args:
        stored: What a journal holds of it.
    """

    __slots__ = ("calls", "unpriced", "usage")

    def __init__(self, stored: Stored = None) -> None:
        data = stored or {}
        self.calls: int = data.get("calls", 0)
        self.usage = Usage(**data.get("usage", {}))
        self.unpriced: str = data.get("unpriced", "")
        """A model whose tokens have no price."""

    def stored(self) -> Stored:
        """In stored form; ``None``: nothing was spent."""
        if not self.calls:
            return None
        usage = self.usage.model_dump(exclude_defaults=True)
        if "cost" in usage:
            usage["cost"] = str(usage["cost"])
        stored = {"calls": self.calls, "usage": usage}
        return {**stored, "unpriced": self.unpriced} if self.unpriced else stored

    def limits(self, budget: RunBudget) -> Iterator[tuple[str, Decimal | int, Decimal | int]]:
        """For each limit of a budget: its name, what was spent, and the limit."""
        if budget.calls is not None:
            yield "calls", self.calls, budget.calls
        if budget.tokens is not None:
            yield "tokens", self.usage.tokens, budget.tokens
        if budget.cost is not None:
            yield "cost", self.usage.cost, exact(budget.cost)

    def check(self, budget: RunBudget, agent: str = "", currency: str = "cost") -> None:
        """Refuses a further request where a limit is reached.

        Args:
            budget: The limits.
            agent: Whose they are, where they are a sub-agent's.
            currency: What cost is told in.

        Raises:
            BudgetExceededError: It names the limit and what was spent.
        """
        whose = f"the sub-agent {agent!r}" if agent else "the run"
        for what, spent, limit in self.limits(budget):
            if spent >= limit:
                unit = currency if what == "cost" else what
                raise BudgetExceededError(
                    f"{whose}'s models have used {in_words(spent)} {unit} of {in_words(limit)} "
                    f"(the setting budget.{what}): {self.calls} calls, {self.usage.tokens} "
                    f"tokens, cost {in_words(self.usage.cost)}",
                    agent=agent,
                    limit=what,
                )
        if budget.cost is not None and self.usage.unpriced_tokens:
            raise BudgetExceededError(
                f"{whose}'s models have used {self.usage.unpriced_tokens} tokens whose price "
                f"nobody knows (of {self.unpriced}), so the setting budget.cost cannot hold: say "
                "it by with_policy(prices=...) of the model or in the file that [tool.agents] "
                "prices names; prices of 0 say that it is free",
                agent=agent,
                limit="cost",
            )

    def add(self, usage: Usage, model: str = "") -> None:
        """Counts an answer's usage."""
        self.usage = self.usage + usage
        if usage.unpriced_tokens:
            self.unpriced = model


class Spending:
    """Counts what an action's models cost into each budget that they fall under.

    It is told of requests that are made: what a replay takes from the journal is in it already.
    """

    __slots__ = ("_context", "_operator", "_purses")

    def __init__(self, context: RunContext, operator: Operator) -> None:
        self._context = context
        self._operator = operator
        self._purses = context.task.branch.purses()

    def begin(self) -> None:
        """Counts a request that is about to be made.

        Raises:
            BudgetExceededError: A budget has no room for it.
        """
        for purse in self._purses:
            try:
                purse.spent.check(purse.budget, purse.agent, purse.currency)
            except BudgetExceededError as error:
                self._tell(purse, "exceeded", error.limit)
                raise
        for purse in self._purses:
            before = _warned(purse)
            purse.spent.calls += 1
            self._warn(purse, before)

    def add(self, usage: Usage, model: str) -> None:
        """Counts what it has cost.

        Args:
            usage: The tokens and their cost.
            model: Which model answered, for people.
        """
        for purse in self._purses:
            before = _warned(purse)
            purse.spent.add(usage, model)
            self._warn(purse, before)

    def _warn(self, purse: Purse, before: frozenset[str]) -> None:
        for what, spent, limit in purse.spent.limits(purse.budget):
            if what not in before and _near(spent, limit, purse.budget.warn):
                self._tell(purse, "warned", what)
                _LOG.warning(
                    "%s of the key %s: its models have used %s %s of %s (the setting budget.%s)",
                    f"the sub-agent {purse.agent!r} in the run {self._context.run_id}"
                    if purse.agent
                    else f"the run {self._context.run_id}",
                    self._context.task.branch.run.item.key_id[1:],
                    in_words(spent),
                    purse.currency if what == "cost" else what,
                    in_words(limit),
                    what,
                )

    def _tell(self, purse: Purse, what: str, limit: str) -> None:
        telling = self._operator.telling
        if telling.on:
            telling.budget(self._context.task, purse, what, limit)


def _warned(purse: Purse) -> frozenset[str]:
    """The limits that the budget's warning has been told of."""
    limits, part = purse.spent.limits(purse.budget), purse.budget.warn
    return frozenset(what for what, spent, limit in limits if _near(spent, limit, part))


def _near(spent: Decimal | int, limit: Decimal | int, part: float | None) -> bool:
    return part is not None and spent >= limit * exact(part)
