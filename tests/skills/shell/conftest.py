"""A machine whose programs tell when they are started, one for each file of tests."""

from __future__ import annotations

import pytest

from .machine import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return Machine(tmp_path_factory.mktemp("machine"))
