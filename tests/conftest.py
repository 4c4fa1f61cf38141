"""What all tests need."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.model_plugins")  # tests, which plugins' subclass

from .clusters import cluster  # noqa: E402
from .jobs import kit, triage_zip  # noqa: E402
from .loopback import unused_port  # noqa: E402
from .pyflink_threads import few_threads  # noqa: E402
from .shop import customer, shop  # noqa: E402

# Fixtures:
__all__ = ["cluster", "customer", "few_threads", "kit", "shop", "triage_zip", "unused_port"]

# How long an example takes says nothing where tests run side by side.
settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")


@pytest.fixture(autouse=True)
def _own_gateway():
    """What PyFlink leaves behind in a process that ran Python functions, kept from its children.

    They could start no Flink, or would run their functions in this process.
    """
    for name in ("PYFLINK_GATEWAY_DISABLED", "PYTHON_LOOPBACK_SERVER_ADDRESS"):
        os.environ.pop(name, None)
