"""The paying agent on the local engine; run as ``python paying_job.py FOLDER``.

``FOLDER/order.json`` says how.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from paying import Paying

from headrace import AgentPlan
from headrace.local import FileSink, FileSource, LocalEngine


def main(folder: Path) -> None:
    """Runs the job to its end."""
    order = json.loads((folder / "order.json").read_text())
    engine = LocalEngine(
        AgentPlan.from_agent(Paying(**order["agent"])),
        key=lambda value: value["key"],
        state=Path(order["disk"]) / "state.db",
        output=FileSink(Path(order["disk"]) / "output.jsonl", keep=True),
    )
    engine.run(FileSource(folder / "input.jsonl"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
