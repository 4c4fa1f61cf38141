"""How long effects wait (``ctx.after_commit``): on Flink for a checkpoint, locally for a flush.

    ./dev bench --only outbox

Runs end at moments that are spread over half a minute; told is the time from when an action asked
for its effect until that was done, beside the time between two checkpoints.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import Figure  # noqa: E402
from tests.jobs import Kit  # noqa: E402
from tests.on_a_cluster.conftest import Site, Zips, opened  # noqa: E402

from headrace import Agent, Context, InputEvent, action, run_local  # noqa: E402
from headrace_registry.clusters import ClusterSpec  # noqa: E402

__all__ = ["measure"]

_INTERVAL = 1.0
"""Seconds between two checkpoints."""
_WAITS: list[float] = []


async def note(asked: float) -> None:
    """Notes how long an effect waited."""
    _WAITS.append(time.time() - asked)


class Asking(Agent):
    """Asks for an effect for each number."""

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        """Asks for it."""
        await asyncio.sleep(event.input % 100 / 100)
        ctx.after_commit(note, time.time())


def on_this_machine(effects: int) -> list[float]:
    """The waits of effects of the local engine with a state file."""
    _WAITS.clear()
    with tempfile.TemporaryDirectory(prefix="outbox-") as folder:
        run_local(Asking(), range(effects), key=str, state=Path(folder) / "state.db")
    assert len(_WAITS) == effects
    return list(_WAITS)


def on_flink(effects: int, seconds: float) -> list[float]:
    """The waits of effects of a job on a cluster."""
    with tempfile.TemporaryDirectory(prefix="outbox-") as scratch:
        home = Path(scratch)
        zips = Zips(Kit(home / "kit").make(), home / "jobs")
        spec = ClusterSpec(name="outbox", taskmanagers=1, slots=1)
        with opened(zips.kit, spec) as site:
            return _waits(site, zips, home / "job", effects, seconds)


def _waits(site: Site, zips: Zips, folder: Path, effects: int, seconds: float) -> list[float]:
    (folder / "in").mkdir(parents=True)
    place = f"FOLDER = {str(folder)!r}\nSECONDS = {seconds}\n"
    zip_ = zips.build(
        (HERE / "outbox_job.py").read_text(), "jobs:asking", files={"place.py": place}
    )
    with site.running(zip_, "--set", f"execution.checkpointing.interval={_INTERVAL:g}s"):
        (folder / "in" / ".numbers").write_text("".join(f"{one}\n" for one in range(effects)))
        (folder / "in" / ".numbers").rename(folder / "in" / "numbers")
        done, deadline = folder / "effects", time.monotonic() + seconds + 120
        lines: list[str] = []
        while len(lines) < effects:
            if time.monotonic() > deadline:
                sys.exit(f"{len(lines)} of {effects} effects were done")
            time.sleep(0.5)
            lines = done.read_text().splitlines() if done.exists() else []
    assert sorted(int(line.split()[0]) for line in lines) == list(range(effects))
    return [float(line.split()[1]) for line in lines]


def measure(*, quick: bool) -> list[Figure]:
    """How long effects waited."""
    flink = on_flink(500 if quick else 3_000, 10 if quick else 30)
    local = on_this_machine(500 if quick else 3_000)
    return [
        *(
            Figure(
                f"an effect on Flink, from asked to done: {name}",
                value,
                "s",
                "between two checkpoints, s",
                _INTERVAL,
                target=target,
                higher_is_better=False,
                rounds={"waits": flink},
            )
            for name, value, target in (
                ("median", statistics.median(flink), 1.0),
                ("of 95 %", statistics.quantiles(flink, n=20)[-1], None),
                ("longest", max(flink), None),
            )
        ),
        Figure(
            "an effect on the local engine with a state file: of 95 %",
            statistics.quantiles(local, n=20)[-1] * 1000,
            "ms",
            "between two checkpoints, ms",
            _INTERVAL * 1000,
            target=None,
            higher_is_better=False,
            rounds={"waits": local},
        ),
    ]


if __name__ == "__main__":
    from figures import table

    print(table(measure(quick="--quick" in sys.argv)))
