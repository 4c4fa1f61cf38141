"""A development cluster for all tests of a session; those that end it start their own."""

from __future__ import annotations

import time

import pytest

from headrace_registry.clusters import ClusterSpec, start_cluster


def wait_until(reached, what, *, seconds=60.0):
    """What `reached` gives once that is true; fails with `what` where it does not become so."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        if time.monotonic() > deadline:
            pytest.fail(f"not after {seconds:.0f} seconds: {what}")
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster with two TaskManagers of two slots, whose workers' Python has no packages.

    Leave it as it was: cancel what you submit, kill none of its parts.
    """
    cache = tmp_path_factory.mktemp("clusters")
    found = start_cluster(ClusterSpec(name="shared", taskmanagers=2, slots=2), cache=cache)
    yield found
    found.stop()
