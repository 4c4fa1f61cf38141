"""What a listing costs a process: which modules it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

LISTING = """
import sys, time
before = set(sys.modules)
from headrace.plugins import _cache, discover
_cache._clock = lambda: time.time_ns() + 10_000_000_000
found = discover(path=[sys.argv[1]], core_version="1.0").list()
assert [one.plugin.key for one in found] == ["tools.hammer"], found
print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture
def imported(site):
    """List twice, each in a process of its own, and give what the second one imported."""
    site.tool("acme", requires=("headrace-core>=0.1",))

    def listed():
        command = [sys.executable, "-c", LISTING, str(site.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return set(done.stdout.split())

    listed()
    return listed()


@pytest.mark.parametrize(
    "module",
    ["pydantic", "pluggy", "packaging", "click", "importlib.metadata", "email", "asyncio"],
)
def test_a_kept_listing_does_without(imported, module):
    assert module not in imported
