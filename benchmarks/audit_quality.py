"""How good ``agents skills audit`` is on the labelled set, and how quick: ``--json`` for a machine.

A skill counts as found where the audit has a finding of ``high`` or above, which is where the
command fails by default. Both splits of ``tests/skills/audit/labelled`` are told apart: the rules
were written with one in view. With ``--folder DIR`` every skill below a folder is audited too, and
those with such a finding are listed: of skills known to be good, these are the false alarms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "skills" / "audit"))

from materialise import SPLITS, Entry, entries  # noqa: E402

from headrace_skills.audit import Severity, audit_skill  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LABELS: dict[str, Callable[[Entry], str]] = {
    "kind": lambda one: one.kind,
    "place": lambda one: one.place,
    "manner": lambda one: one.manner,
}


def judged(split: str, below: Path) -> tuple[list[tuple[Entry, Severity | None]], list[float]]:
    """Audits a split; gives each skill with its worst finding, and the seconds that each took."""
    found, spent = [], []
    for one in entries(split):
        folder = one.write(below / split)
        began = time.process_time()
        report = audit_skill(folder)
        spent.append(time.process_time() - began)
        found.append((one, report.worst))
    return found, spent


def scored(found: Iterable[tuple[Entry, Severity | None]], least: Severity) -> dict[str, Any]:
    """Precision and recall, where findings of a severity and above count."""
    right = missed = false = 0
    for one, worst in found:
        flagged = worst is not None and worst >= least
        right += flagged and one.hostile
        missed += one.hostile and not flagged
        false += flagged and not one.hostile
    return {
        "found": right,
        "missed": missed,
        "false_alarms": false,
        "precision": right / (right + false) if right + false else None,
        "recall": right / (right + missed) if right + missed else None,
    }


def measured(split: str, below: Path) -> dict[str, Any]:
    """All that is told of a split."""
    found, spent = judged(split, below)
    parts: dict[str, dict[str, str]] = {}
    for label, of in LABELS.items():
        groups: dict[str, list[bool]] = defaultdict(list)
        for one, worst in found:
            if one.hostile:
                groups[of(one)].append(worst is not None and worst >= Severity.HIGH)
        parts[label] = {name: f"{sum(all_)}/{len(all_)}" for name, all_ in sorted(groups.items())}
    high = [(one, worst is not None and worst >= Severity.HIGH) for one, worst in found]
    return {
        "hostile": sum(one.hostile for one, _ in found),
        "benign": sum(not one.hostile for one, _ in found),
        "high": scored(found, Severity.HIGH),
        "medium": scored(found, Severity.MEDIUM),
        "by": parts,
        "missed": [
            f"{one.id} ({one.kind}, {one.place}, {one.manner})"
            for one, f in high
            if one.hostile and not f
        ],
        "false_alarms": [
            f"{one.id} ({one.kind})" for one, flagged in high if flagged and not one.hostile
        ],
        "milliseconds": round(statistics.median(spent) * 1000, 1),
    }


def alarms(folder: Path) -> dict[str, Any]:
    """The skills below a folder that have a finding of ``high`` or above."""
    names, flagged, spent = [], {}, []
    for file in sorted(folder.rglob("SKILL.md")):
        began = time.process_time()
        report = audit_skill(file.parent)
        spent.append(time.process_time() - began)
        names.append(file.parent)
        if worst := report.at_least(Severity.HIGH):
            flagged[str(file.parent.relative_to(folder))] = sorted({one.rule for one in worst})
    return {
        "skills": len(names),
        "flagged": flagged,
        "milliseconds": round(statistics.median(spent) * 1000, 1) if spent else None,
    }


def told(split: str, data: dict[str, Any]) -> str:
    """A split, for people."""
    size = f"{data['hostile']} hostile, {data['benign']} benign"
    lines = [f"{split}: {size}, {data['milliseconds']} ms a skill"]
    for level in ("high", "medium"):
        one = data[level]
        precision = "-" if one["precision"] is None else f"{one['precision']:.0%}"
        lines.append(
            f"  {level} and above: recall {one['recall']:.0%} "
            f"({one['found']} of {data['hostile']}), precision {precision}, "
            f"false alarms {one['false_alarms']} of {data['benign']}"
        )
    for label, groups in data["by"].items():
        lines.append(
            f"  by {label}: " + ", ".join(f"{name} {all_}" for name, all_ in groups.items())
        )
    lines += [f"  missed: {one}" for one in data["missed"]]
    lines += [f"  false alarm: {one}" for one in data["false_alarms"]]
    return "\n".join(lines)


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(description="Measures the audit of skills.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--folder", type=Path, action="append", default=[], help="skills known to be good"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as below:
        audit_skill(entries(SPLITS[0])[0].write(Path(below) / "warm"))
        data: dict[str, Any] = {split: measured(split, Path(below)) for split in SPLITS}
    folders = {str(folder): alarms(folder) for folder in given.folder}
    if given.json:
        print(json.dumps({**data, "folders": folders}, indent=1))
        return
    print("\n\n".join(told(split, data[split]) for split in SPLITS))
    for name, found in folders.items():
        flagged = f"{len(found['flagged'])} with a finding of high or above"
        print(f"\n{name}: {found['skills']} skills, {flagged}, {found['milliseconds']} ms a skill")
        for path, rules in found["flagged"].items():
            print(f"  {path}: {', '.join(rules)}")


if __name__ == "__main__":
    main()
