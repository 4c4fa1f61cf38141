"""The paying agent in a Flink job on a cluster, and what strikes it."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace import AgentPlan
from headrace.outbox import finish

from ..on_a_cluster.conftest import read_lines  # noqa: TID252 - tests are no package
from ..on_a_cluster.killing import workers  # noqa: TID252
from ..on_a_cluster.numbered import OPTIONS  # noqa: TID252
from .network import WAYS
from .story import KEYS, returned

if TYPE_CHECKING:
    from ..on_a_cluster.conftest import Site, Zips  # noqa: TID252
    from .ledger import Ledger
    from .network import Link
    from .stores import Store

__all__ = ["PARTS", "ClusterJob"]

PARTS = ("worker", "taskmanager", "jobmanager")
_HERE = Path(__file__).parent
_PAUSE = 0.01  # seconds between two inputs of a subtask


class ClusterJob:
    """The job on a cluster with high availability; a part that was killed is started again.

    Args:
        site: The cluster.
        zips: Builds the job.
        folder: Where it writes.
        ledger: The service that it calls.
        link: The link to the ledger.
        seed: For what is killed.
        inputs: How many.
        store: Its action store, if it has one.
    """

    ordered = False

    def __init__(
        self,
        site: Site,
        zips: Zips,
        folder: Path,
        ledger: Ledger,
        link: Link,
        seed: int,
        inputs: int,
        store: Store | None = None,
    ) -> None:
        self.ledger = ledger
        self.inputs = [{"key": f"k{number % KEYS}", "n": number} for number in range(inputs)]
        self.exits: list[str] = []
        self._site = site
        self._folder = folder
        self._link = link
        self._store = store
        self._random = random.Random(seed)
        self.left = self.given_up = 0
        self._finished = False
        self._agent: dict[str, Any] = {
            "port": link.port,
            "notes": str(folder),
            "store": None if store is None else store.used,
        }
        place = {"AGENT": self._agent, "FOLDER": str(folder), "INPUTS": inputs, "KEYS": KEYS}
        place["PAUSE"] = _PAUSE
        files = {
            "place.py": "".join(f"{name} = {value!r}\n" for name, value in place.items()),
            "paying.py": (_HERE / "paying.py").read_text(),
        }
        source = (_HERE / "paying_stream.py").read_text()
        there = f"[tool.agents.bundle]\npaths = [{json.dumps(str(folder))}]\n"
        requires = () if store is None else store.requires
        zip_ = zips.build(source, "jobs:paying", files=files, more=there, requires=requires)
        self._job = site.submit(zip_, "--parallelism", 2, *OPTIONS)

    def over(self) -> bool:
        """Whether the job has come to its end."""
        state = next((one.state for one in self._site.rest.jobs() if one.id == self._job), "")
        assert state not in {"FAILED", "CANCELED"}, self._site.rest.exceptions(self._job).entries
        if state == "FINISHED" and not self._finished:
            self._finished = True
            self._finish()
        return state == "FINISHED"

    def _finish(self) -> None:
        """Does what the job has left of its outbox, as its next start would."""
        if str(_HERE) not in sys.path:
            sys.path.insert(0, str(_HERE))
        from paying import Paying

        plan = AgentPlan.from_agent(Paying(**self._agent))
        checkpoints = self._site.cluster.folder / "checkpoints"
        self.left, self.given_up = finish(plan, str(checkpoints), lambda _: None)

    def strike(self, what: str, seconds: float) -> None:
        """Strikes it, and mends what can be mended after a time."""
        if what in WAYS:
            self._link.be(what)
            time.sleep(seconds)
            self._link.be("open")
        elif self._store is not None and what in self._store.strikes:
            self._store.strike(what, seconds)
        elif what == "worker":
            os.kill(self._random.choice(workers(self._site)), signal.SIGKILL)
        else:
            parts = [one for one in self._site.cluster.processes if one.role == what]
            self._site.cluster.kill(what, self._random.choice(parts).index)
            self._site.cluster = self._site.cluster.start_missing()

    def outputs(self) -> list[dict[str, Any]]:
        """What is committed."""
        return [json.loads(line) for line in read_lines(self._folder / "out")]

    def returned(self) -> list[tuple[float, str]]:
        """When plain calls returned to their actions, and their effects' names."""
        return returned(self._folder)

    def end(self) -> None:
        """Leaves nothing behind."""
        self._site.end(self._job)
