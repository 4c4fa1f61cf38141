"""What all tests need."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _own_gateway():
    """PyFlink tells a process that ran Python functions to start no Flink: not its children."""
    os.environ.pop("PYFLINK_GATEWAY_DISABLED", None)
