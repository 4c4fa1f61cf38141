"""What the models of a run have cost, held against its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.chat import Usage
from headrace.errors import BudgetExceededError

if TYPE_CHECKING:
    from headrace.models.policy import RunBudget
    from headrace.values import Stored

__all__ = ["Spent"]


class Spent:
    """What was spent so far; it lives in the run's journal, so a replay goes on from there.

    Args:
        stored: What a journal holds of it.
    """

    __slots__ = ("calls", "usage")

    def __init__(self, stored: Stored = None) -> None:
        data = stored or {}
        self.calls: int = data.get("calls", 0)
        self.usage = Usage(**data.get("usage", {}))

    def stored(self) -> Stored:
        """In stored form; ``None``: nothing was spent."""
        if not self.calls:
            return None
        return {"calls": self.calls, "usage": self.usage.model_dump(exclude_defaults=True)}

    def check(self, budget: RunBudget) -> None:
        """Refuses a further request where a limit is reached.

        Raises:
            BudgetExceededError: It names the limit and what was spent.
        """
        for what, spent, limit in (
            ("calls", self.calls, budget.calls),
            ("tokens", self.usage.tokens, budget.tokens),
            ("cost", self.usage.cost, budget.cost),
        ):
            if limit is not None and spent >= limit:
                raise BudgetExceededError(
                    f"the run's models have used {spent:.12g} {what} of {limit:.12g} "
                    f"(the setting budget.{what}): {self.calls} calls, {self.usage.tokens} "
                    f"tokens, cost {self.usage.cost:.12g}"
                )

    def add(self, usage: Usage) -> None:
        """Counts an answer's usage."""
        self.usage = self.usage + usage
