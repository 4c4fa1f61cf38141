"""Many skills are checked quickly: processor time, so that other work does not count."""

from __future__ import annotations

import time

import pytest
import yaml

from headrace_skills.checking._report import Found
from headrace_skills.checking._source import split
from headrace_skills.checking._yaml import read_front

MANY = 2_000


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML without its C loader")
def test_ten_thousand_frontmatters_would_take_two_seconds():
    files = [
        f"---\nname: skill-{number}\ndescription: Does work {number}. Use when asked.\n"
        f'license: MIT\nmetadata:\n  version: "1.{number}"\n---\n\nDo it.\n'.encode()
        for number in range(MANY)
    ]
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for content in files:
            found = Found()
            source = split(content, found)
            assert source is not None
            assert read_front(source.front, found) is not None
            assert found.faults == []
        best = min(best, time.process_time() - began)
    assert best < 2.0 * MANY / 10_000 * 1.5  # half as much again: a slow or busy processor
