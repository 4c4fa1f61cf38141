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

    def check(self, budget: RunBudget, agent: str = "") -> None:
        """Refuses a further request where a limit is reached.

        Args:
            budget: The limits.
            agent: Whose they are, where they are a sub-agent's.

        Raises:
            BudgetExceededError: It names the limit and what was spent.
        """
        for what, spent, limit in (
            ("calls", self.calls, budget.calls),
            ("tokens", self.usage.tokens, budget.tokens),
            ("cost", self.usage.cost, budget.cost),
        ):
            if limit is not None and spent >= limit:
                whose = f"the sub-agent {agent!r}" if agent else "the run"
                raise BudgetExceededError(
                    f"{whose}'s models have used {spent:.12g} {what} of {limit:.12g} "
                    f"(the setting budget.{what}): {self.calls} calls, {self.usage.tokens} "
                    f"tokens, cost {self.usage.cost:.12g}",
                    agent=agent,
                )

    def add(self, usage: Usage) -> None:
        """Counts an answer's usage."""
        self.usage = self.usage + usage
