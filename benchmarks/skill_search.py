"""Finding the right one of 10 to 10,000 skills: recall, tokens, and the time of it.

The requests and the skills that they are for were written by hand (``skill_requests.tsv``), each
request once in the skill's words and once in others. The skills around them are made of a grid of
actions, objects and settings from the same trades, so that most words of a request occur in many.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace_skills import find_skills
from headrace_skills._prompt import describe_nearest, describe_skills
from headrace_skills.disclosure import NEAREST, Disclosure, estimate_tokens
from headrace_skills.index import SkillIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure"]

SIZES = (10, 100, 1_000, 10_000)
BUDGET = 2_000

ACTIONS = {
    "check": "Check", "write": "Write", "convert": "Convert", "review": "Review",
    "monitor": "Monitor", "archive": "Archive", "compare": "Compare", "explain": "Explain",
    "plan": "Plan", "test": "Test", "migrate": "Migrate", "document": "Document",
    "schedule": "Schedule", "translate": "Translate", "search": "Search", "merge": "Merge",
    "split": "Split", "sign": "Sign", "publish": "Publish", "estimate": "Estimate",
}  # fmt: skip
OBJECTS = (
    "api", "audit", "backup", "budget", "calendar", "catalogue", "certificate", "chart", "cluster",
    "contract", "customer", "dashboard", "database", "dataset", "deployment", "device", "document",
    "email", "event", "experiment", "firewall", "form", "image", "incident", "inventory",
    "invoice", "job", "library", "log", "message", "metric", "model", "network", "notebook",
    "order", "page", "payment", "pipeline", "policy", "process", "product", "query", "queue",
    "recording", "report", "schema", "script", "server", "spreadsheet", "ticket",
)  # fmt: skip
SETTINGS = (
    "for a small shop", "in a hospital", "for a bank", "at a school", "in a factory",
    "for a newspaper", "in a laboratory", "for a city", "on a farm", "for a museum",
)  # fmt: skip


def others() -> Iterator[tuple[str, str, str]]:
    """Name, description and body of skills around those that are asked for."""
    for (verb, said), thing, where in product(ACTIONS.items(), OBJECTS, SETTINGS):
        name = f"{verb}-{thing}-{where.split()[-1]}"
        description = (
            f"{said} each {thing} {where}, with its history and its open questions. Use when a "
            f"{thing} is new, has changed, or somebody asks about it."
        )
        yield name, description, f"Steps to {verb} a {thing}: collect, {verb}, tell the owner"


def written() -> list[list[str]]:
    """The skills that are asked for, with their requests."""
    lines = Path(__file__).with_name("skill_requests.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def write(folder: Path, name: str, description: str, body: str) -> None:
    """A skill's folder."""
    (folder / name).mkdir()
    front = f"name: {name}\ndescription: {json.dumps(description)}"
    text = f"---\n{front}\n---\n\n# {name}\n\n## {body}\n\n1. Read what is there.\n2. Do it.\n"
    (folder / name / "SKILL.md").write_text(text, encoding="utf-8")


def measure_size(folder: Path, size: int) -> dict[str, Any]:
    """All figures of one number of skills."""
    wanted = written()[:size]
    for name, description, body, _, _ in wanted:
        write(folder, name, description, body)
    for name, description, body in islice(others(), size - len(wanted)):
        write(folder, name, description, body)
    began = time.perf_counter()
    skills = list(find_skills(folders=[str(folder)], installed=False))
    read = time.perf_counter() - began
    assert len(skills) == size
    began = time.perf_counter()
    index = SkillIndex(skills)
    built = time.perf_counter() - began
    row: dict[str, Any] = {"skills": size, "read_s": read, "index_s": built}
    times = []
    for column, kind in ((3, "own_words"), (4, "other_words")):
        hits = 0
        for target in wanted:
            began = time.perf_counter()
            found = index.search(target[column], 5)
            times.append(time.perf_counter() - began)
            hits += target[0] in [one.skill.name for one in found]
        row[f"recall_at_5_{kind}"] = hits / len(wanted)
    row["query_p50_ms"] = statistics.median(times) * 1e3
    row["query_p95_ms"] = statistics.quantiles(times, n=20)[-1] * 1e3
    disclosure = Disclosure(skills, BUDGET)
    row["tokens_of_all"] = estimate_tokens(describe_skills(skills))
    row["tokens_told"] = estimate_tokens(disclosure.instructions)
    if not disclosure.lists_all:
        near = [[one.skill for one in index.search(target[4], NEAREST)] for target in wanted]
        told = [estimate_tokens(describe_nearest(skills)) for skills in near]
        row["tokens_told"] += round(statistics.mean(told))
    index.close()
    return row


def measure(sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """A row of figures for each number of skills."""
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure_size(Path(folder), size))
    return rows


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="up to 1,000 skills")
    given = parser.parse_args()
    rows = measure(SIZES[:-1] if given.quick else SIZES)
    if given.json:
        json.dump(rows, sys.stdout, indent=2)
        return
    names = list(rows[0])
    print("| " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|" + "---:|" * len(names))
    for row in rows:
        cells = (f"{row[n]:,.2f}" if isinstance(row[n], float) else f"{row[n]:,}" for n in names)
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
