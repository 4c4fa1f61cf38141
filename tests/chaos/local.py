"""The paying agent on the local engine, and what strikes it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .network import WAYS
from .story import KEYS, returned

if TYPE_CHECKING:
    from .disk import Disk
    from .ledger import Ledger
    from .network import Link
    from .stores import Store

__all__ = ["LocalJob"]

_PROGRAM = Path(__file__).with_name("paying_job.py")


class LocalJob:
    """The paying agent on the local engine, as a service manager runs it.

    Args:
        folder: Its folder.
        ledger: The service that it calls.
        link: The link to the ledger.
        disk: Where its state is.
        seed: For the inputs.
        inputs: How many.
        store: Its action store, if it has one beside its state.
    """

    ordered = True

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        link: Link,
        disk: Disk,
        seed: int,
        inputs: int,
        *,
        store: Store | None = None,
    ) -> None:
        draw = random.Random(seed)
        self.folder = folder
        self.ledger = ledger
        self.link = link
        self.disk = disk
        self.inputs = [{"key": f"k{draw.randrange(KEYS)}", "n": number} for number in range(inputs)]
        self.exits: list[str] = []
        text = "".join(json.dumps(value) + "\n" for value in self.inputs)
        (folder / "input.jsonl").write_text(text)
        self.store = store
        used = None if store is None else store.used
        agent = {"port": link.port, "notes": str(folder), "store": used}
        order = {"agent": agent, "disk": str(disk.folder)}
        (folder / "order.json").write_text(json.dumps(order))
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def over(self) -> bool:
        """Whether the job has come to its end; one that failed is started again."""
        code = self.process.poll()
        if code is None:
            return False
        if code == 0:
            return True
        lines = (self.folder / "said").read_text(errors="replace").splitlines()
        self.exits.append(lines[-1] if lines else f"code {code}")
        self.process = self._start()
        return False

    def strike(self, what: str, seconds: float) -> None:
        """Strikes it, and mends what can be mended after a time."""
        if what == "process":
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = self._start()
        elif what in WAYS:
            self.link.be(what)
            time.sleep(seconds)
            self.link.be("open")
        elif self.store is not None and what in self.store.strikes:
            self.store.strike(what, seconds)
        elif what == "readonly":  # as after a disk's error: whoever wrote is gone
            self.process.kill()
            self.process.wait()
            with self.disk.struck(what):
                self.process = self._start()
                time.sleep(seconds)
        else:
            with self.disk.struck(what):
                time.sleep(seconds)

    def outputs(self) -> list[dict[str, Any]]:
        """What came out."""
        lines = (self.disk.folder / "output.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def returned(self) -> list[tuple[float, str]]:
        """When plain calls returned to their actions, and their effects' names."""
        return returned(self.folder)

    def end(self) -> None:
        """Leaves nothing behind."""
        self.process.kill()
        self.process.wait()
