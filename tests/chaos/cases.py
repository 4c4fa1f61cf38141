"""Jobs that may be struck: on which engine, with which store, in which ways."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headrace_registry.clusters import ClusterSpec

from ..on_a_cluster.conftest import Zips, opened  # noqa: TID252 - tests are no package
from .cluster import PARTS, ClusterJob
from .disk import Disk, may_mount
from .ledger import Ledger
from .local import LocalJob
from .network import WAYS, Link
from .stores import OF_STORES, STORES
from .story import judged, struck

if TYPE_CHECKING:
    from pathlib import Path

    from ..jobs import Kit  # noqa: TID252
    from .story import Found

__all__ = ["Case", "strikes_of"]

Engine = Literal["local", "flink"]


def strikes_of(engine: Engine, store: str | None) -> tuple[str, ...]:
    """All the ways in which a job may be struck here."""
    disk = ("full", "readonly") if may_mount() else ()
    own = ("process", *WAYS, *disk) if engine == "local" else (*PARTS, *WAYS)
    return own if store in {None, "sqlite"} else (*own, *OF_STORES)


@dataclass(frozen=True, slots=True)
class Case:
    """A job and what strikes it."""

    engine: Engine
    store: str | None
    """Its action store; ``None``: it has none."""
    kinds: tuple[str, ...]
    """How it is struck."""
    every: int
    """Effects from one strike to the next, on average."""

    @property
    def name(self) -> str:
        """For people."""
        return self.engine if self.store is None else f"{self.engine}, {self.store}"

    def run(self, folder: Path, strikes: int, seed: int, kit: Kit | None, cluster: str) -> Found:
        """Strikes the job so many times, and tells what became of it.

        Args:
            folder: A folder of its own.
            strikes: How often.
            seed: For what is struck, and when.
            kit: Builds zips for a cluster.
            cluster: The name of that.
        """
        with ExitStack() as stack:
            ledger = stack.enter_context(Ledger())
            link = stack.enter_context(Link(ledger.port))
            store = None
            if self.store is not None:
                store = stack.enter_context(STORES[self.store](folder))
            inputs = (strikes + 2) * self.every
            job: LocalJob | ClusterJob
            if self.engine == "local":
                disk = stack.enter_context(Disk(folder / "disk"))
                job = LocalJob(folder, ledger, link, disk, seed, inputs, store=store)
            else:
                assert kit is not None
                spec = ClusterSpec(
                    name=cluster,
                    taskmanagers=2,
                    slots=1,
                    high_availability=True,
                    environment={} if store is None else store.environment,
                )
                site = stack.enter_context(opened(kit, spec))
                zips = Zips(kit, folder / "zips")
                job = ClusterJob(site, zips, folder, ledger, link, seed, inputs, store)
            stack.callback(job.end)
            return judged(job, struck(job, seed, strikes, kinds=self.kinds, every=self.every))
