"""All benchmarks, in one go: ``./dev bench [--quick] [--only PART] [--output DIR]``.

Each figure is told as a ratio to a yardstick that ran in the same go. Writes ``figures.json`` and
``figures.md``, and prints the table; with ``--docs`` the table of ``docs/benchmarks.md`` is
written anew.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import action_stores  # noqa: E402
import build_speed  # noqa: E402
import checkpoints  # noqa: E402
import cluster_speed  # noqa: E402
import event_log  # noqa: E402
import flink_speed  # noqa: E402
import local_speed  # noqa: E402
import lock_speed  # noqa: E402
import memories  # noqa: E402
import model_calls  # noqa: E402
import outbox  # noqa: E402
import registry_search  # noqa: E402
import registry_speed  # noqa: E402
import skills_speed  # noqa: E402
import start_up  # noqa: E402
import traces  # noqa: E402
import vector_stores  # noqa: E402
from figures import Figure, table  # noqa: E402

PARTS = {
    "local": local_speed.measure,
    "start": start_up.measure,
    "skills": skills_speed.measure,
    "registry": registry_speed.measure,
    "search": registry_search.measure,
    "lock": lock_speed.measure,
    "vectors": vector_stores.measure,
    "memories": memories.measure,
    "calls": model_calls.measure,
    "stores": action_stores.measure,
    "log": event_log.measure,
    "traces": traces.measure,
    "flink": flink_speed.measure,
    "build": build_speed.measure,
    "cluster": cluster_speed.measure,
    "checkpoints": checkpoints.measure,
    "outbox": outbox.measure,
}
DOCS = HERE.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def main() -> None:
    """Runs them."""
    parser = argparse.ArgumentParser(description="Runs the benchmarks.")
    parser.add_argument("--quick", action="store_true", help="shorter runs, rougher figures")
    parser.add_argument("--only", choices=PARTS, action="append", help="some of them")
    parser.add_argument("--output", type=Path, default=HERE / "out", help="the folder to write to")
    parser.add_argument("--docs", action="store_true", help="write the table of docs/benchmarks.md")
    given = parser.parse_args()
    figures: list[Figure] = []
    for name in given.only or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        figures += PARTS[name](quick=given.quick)
    print(text := table(figures))
    given.output.mkdir(parents=True, exist_ok=True)
    machine = {
        "date": dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "quick": given.quick,
    }
    found = {"machine": machine, "figures": [figure.as_dict() for figure in figures]}
    (given.output / "figures.json").write_text(json.dumps(found, indent=1) + "\n")
    (given.output / "figures.md").write_text(text + "\n")
    if given.docs:
        page = DOCS.read_text()
        head, _, rest = page.partition(BEGIN)
        _, _, tail = rest.partition(END)
        told = (
            f"{machine['date']}, Python {machine['python']}, {machine['processors']} processors"
            f"{', shortened runs' if given.quick else ''}.\n\n"
        )
        DOCS.write_text(head + BEGIN + told + text + "\n" + END + tail)


if __name__ == "__main__":
    main()
