"""Jobs that are struck at random: their process or their cluster's parts, network, disk, store.

``benchmarks/chaos.py`` does the same for hundreds of strikes.
"""

from __future__ import annotations

from collections import Counter

import pytest

from ..on_a_cluster.conftest import own_name  # noqa: TID252 - tests are no package
from .cases import Case, strikes_of
from .cluster import PARTS
from .stores import OF_STORES
from .story import EFFECTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = 7
CASES = (
    Case("local", None, strikes_of("local", None), every=80),
    Case("local", "postgres", ("process", *OF_STORES), every=80),
    Case("local", "redis", ("process", *OF_STORES), every=80),
    Case("flink", "sqlite", (*PARTS, "half_open"), every=300),
)
MARKS = {"local": (), "flink": (pytest.mark.flink,)}


def of_each(case):
    return pytest.param(case, marks=MARKS[case.engine], id=case.name)


@pytest.fixture(scope="module", params=[of_each(case) for case in CASES])
def case(request):
    return request.param


@pytest.fixture(scope="module")
def found(case, request, tmp_path_factory):
    kit = request.getfixturevalue("kit") if case.engine == "flink" else None
    folder = tmp_path_factory.mktemp("chaos")
    return case.run(folder, len(case.kinds), SEED, kit, own_name("chaos"))


def test_it_was_struck_in_each_way(case, found):
    assert found.counts == Counter(case.kinds)


def test_no_input_is_lost(found):
    assert found.lost == []


def test_no_output_comes_twice(found):
    assert found.doubled == []


def test_each_key_has_its_outputs_in_order_and_its_memory_counts_each_input_once(found):
    assert found.disordered == []


@pytest.mark.parametrize("way", EFFECTS)
def test_each_effect_is_taken(found, way):
    assert found.missing[way] == []


def test_an_effect_whose_call_has_a_reconciler_is_taken_once(found):
    assert found.again["reconciled"] == []


def test_an_effect_of_the_outbox_is_taken_once_by_its_idempotency_key(found):
    assert found.again["outbox"] == []


def test_a_plain_call_that_returned_to_its_action_is_never_made_again(found):
    assert found.after_return == []


def test_a_plain_call_is_made_again_at_most_once_for_each_strike(case, found):
    assert found.most["plain"] <= 1 + len(case.kinds)


def test_a_process_that_ends_by_itself_says_what_its_disk_could_not_do(found):
    said = [one for one in found.exits if "cannot be " not in one and "Read-only" not in one]

    assert said == []
