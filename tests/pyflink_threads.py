"""What PyFlink leaves in a process that runs many jobs, taken away after each test.

Each job leaves a server that its Python workers are asked to start at (a singleton that forgets its
server whenever it is asked for), and each stream that Python wrote to leaves a thread that wakes
every second. After some hundred jobs such threads are thousands, and tests wait for them.
"""

from __future__ import annotations

import sys
import threading

import pytest

__all__ = ["few_threads"]


@pytest.fixture(autouse=True)
def few_threads():
    """After a test, no thread of its jobs is left but those that PyFlink needs once."""
    yield
    if utilities := sys.modules.get("pyflink.fn_execution.utils.operation_utils"):
        for thread in threading.enumerate():
            if isinstance(thread, utilities.PeriodicThread):
                thread.cancel()  # all it does is to flush within a bundle
    if pool := sys.modules.get("pyflink.fn_execution.beam.beam_worker_pool_service"):
        _remember(pool.BeamFnLoopbackWorkerPoolServicer)


def _remember(servicer) -> None:
    """Has the singleton be set up once."""
    if servicer._instance is not None and servicer.__init__ is not object.__init__:
        servicer.__init__ = object.__init__
