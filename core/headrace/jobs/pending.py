"""What is said of a savepoint's unfinished runs: made in the cluster's worker, read outside."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST", "PENDING", "PendingRuns", "UnfitRun"]

PENDING: Final = "headrace: which unfinished runs fit the code (fails on purpose)"
"""What the job is called that finds them."""
MOST: Final = 100
"""So many runs that do not fit are told one by one: a failure's text has its bounds."""
_LONGEST = 1000
_TOLD = re.compile(r"headrace-pending 1 ([A-Za-z0-9+/=]+) end")


@dataclass(frozen=True, slots=True)
class UnfitRun:
    """A run whose journal does not fit the code."""

    agent: str
    key: str
    """The key, as JSON."""
    run: str
    """Its id."""
    misfit: str
    """Why."""


@dataclass(frozen=True, slots=True)
class PendingRuns:
    """The unfinished runs of a savepoint, or of a part of it."""

    runs: int = 0
    """How many there are."""
    unfit: int = 0
    """How many do not fit."""
    shown: tuple[UnfitRun, ...] = ()
    """The first of those."""
    agents: Mapping[str, int] = field(default_factory=dict)
    """By agent, how many shards of it the savepoint has state of."""

    def __add__(self, other: PendingRuns) -> PendingRuns:
        agents = {
            name: self.agents.get(name, 0) + other.agents.get(name, 0)
            for name in {**self.agents, **other.agents}
        }
        return PendingRuns(
            self.runs + other.runs,
            self.unfit + other.unfit,
            (*self.shown, *other.shown)[:MOST],
            agents,
        )

    def as_data(self) -> dict[str, Any]:
        """The same as JSON data; texts of any length are cut."""
        data = asdict(self)
        for one in data["shown"]:
            for name, text in one.items():
                one[name] = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        return data

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> PendingRuns:
        """What ``as_data`` gave.

        Raises:
            TypeError: It is something else.
            KeyError: Likewise.
        """
        shown = tuple(UnfitRun(**one) for one in data["shown"])
        return cls(int(data["runs"]), int(data["unfit"]), shown, dict(data["agents"]))

    def as_text(self) -> str:
        """The same, so that it is found in a failure's text, whatever is around it or in it."""
        data = base64.b64encode(json.dumps(self.as_data()).encode()).decode()
        return f"headrace-pending 1 {data} end"

    @classmethod
    def told_in(cls, text: str) -> PendingRuns | None:
        """What the failure of the job tells; ``None``: it failed of something else."""
        found = _TOLD.search(text)
        if found is None:
            return None
        try:
            return cls.of_data(json.loads(base64.b64decode(found[1])))
        except (ValueError, TypeError, KeyError):
            return None
