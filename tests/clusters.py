"""A cluster for all tests of a process that leave it as it was."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from headrace_registry.clusters import ClusterSpec, start_cluster

from .jobs import shared_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace_registry.clusters import LocalCluster

__all__ = ["cluster", "own_name", "wait_until"]

T = TypeVar("T")
SPREAD = {"taskmanager.load-balance.mode": "SLOTS"}
"""Has a job with two subtasks on both TaskManagers."""
YOUNG = {"resourcemanager.standalone.start-up-time": "1 h"}
"""Has jobs wait for slots, however long the tests take: an older cluster fails them at once."""


def wait_until(reached: Callable[[], T], what: str, *, seconds: float = 60.0) -> T:
    """What ``reached`` gives once that is true; fails with ``what`` where it never is."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        if time.monotonic() > deadline:
            pytest.fail(f"not after {seconds:.0f} seconds: {what}")
        time.sleep(0.05)
    return found


def own_name(name: str) -> str:
    """A cluster's name that no other process of this test run takes."""
    return f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster with two TaskManagers of two slots, whose workers' Python has no packages.

    Leave it as it was: end what you submit, kill none of its parts.
    """
    spec = ClusterSpec(
        name=own_name("shared"), taskmanagers=2, slots=2, settings={**SPREAD, **YOUNG}
    )
    found = start_cluster(spec, cache=shared_folder(tmp_path_factory) / "cache")
    yield found
    found.stop()
