"""What a benchmark gives: figures, each beside a yardstick that was run in the same go."""

from __future__ import annotations

import gc
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Figure", "alternating", "table"]


@dataclass
class Figure:
    """One figure. ``ratio`` is the figure over its yardstick, whatever their unit."""

    name: str
    value: float
    unit: str
    yardstick: str
    yardstick_value: float
    target: float | None
    """The ratio that is aimed at; ``None``: the figure is only told."""
    higher_is_better: bool = True
    rounds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The figure over its yardstick."""
        return self.value / self.yardstick_value

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; ``None`` where there is none."""
        if self.target is None:
            return None
        return self.ratio >= self.target if self.higher_is_better else self.ratio <= self.target

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def alternating(
    rounds: int, kinds: Mapping[str, Callable[[], float]]
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Runs each kind in turn, round by round; gives medians, and all that was measured.

    The order changes with each round, so that a machine that gets slower favours nobody, and what
    one has left in memory is thrown away before the next begins.
    """
    seen: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds):
        order = list(kinds) if number % 2 == 0 else list(reversed(kinds))
        for name in order:
            gc.collect()
            seen[name].append(kinds[name]())
    return {name: statistics.median(values) for name, values in seen.items()}, seen


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| figure | headrace | yardstick | ratio | aim | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for figure in figures:
        sign = "≥" if figure.higher_is_better else "≤"
        aim = "" if figure.target is None else f"{sign} {figure.target:g}"
        verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
        rows.append(
            f"| {figure.name} | {_shown(figure.value)} {figure.unit} | {figure.yardstick}: "
            f"{_shown(figure.yardstick_value)} | {figure.ratio:.2f} | {aim} | {verdict} |"
        )
    return "\n".join(rows)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
