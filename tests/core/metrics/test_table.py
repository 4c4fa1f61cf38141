"""The page of metrics holds the table of the code."""

from __future__ import annotations

from pathlib import Path

from headrace.metrics import TABLE

PAGE = Path(__file__).parents[3] / "docs/metrics.md"


def test_the_page_has_every_metric_of_the_table_as_the_code_has_it():
    lines = PAGE.read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `headrace_")]
    told = [line for line in rows if line.count("|") == 5]
    assert told == [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{name}`' for name in one.labels)} "
        f"| {one.meaning} |"
        for one in TABLE.values()
    ]
