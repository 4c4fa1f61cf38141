"""A Flink job with an action store, struck at random: the parts of its cluster, and its network.

``benchmarks/chaos.py --engine flink`` does the same for hundreds of strikes.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from headrace_registry.clusters import ClusterSpec

from ..on_a_cluster.conftest import Zips, opened, own_name  # noqa: TID252 - tests are no package
from .cluster import PARTS, ClusterJob
from .ledger import Ledger
from .network import Link
from .story import EFFECTS, judged, struck

pytestmark = [pytest.mark.slow, pytest.mark.flink, pytest.mark.timeout(900)]

SEED = 3
KINDS = (*PARTS, "half_open")
EVERY = 300


@pytest.fixture(scope="module")
def found(kit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    spec = ClusterSpec(name=own_name("chaos"), taskmanagers=2, slots=1, high_availability=True)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger())
        link = stack.enter_context(Link(ledger.port))
        site = stack.enter_context(opened(kit, spec))
        zips = Zips(kit, tmp_path_factory.mktemp("zips"))
        inputs = EVERY * (len(KINDS) + 2)
        store = folder / "calls.db"
        job = ClusterJob(site, zips, folder, ledger, link, SEED, inputs, store)
        stack.callback(job.end)
        strikes = struck(job, SEED, len(KINDS), kinds=KINDS, every=EVERY)
        return judged(job, strikes)


@pytest.mark.parametrize("kind", KINDS)
def test_it_was_struck_in_each_way(found, kind):
    assert found.counts[kind] == 1


def test_no_input_is_lost(found):
    assert found.lost == []


def test_no_output_comes_twice(found):
    assert found.doubled == []


def test_memory_counts_each_input_of_a_key_once(found):
    assert found.disordered == []


@pytest.mark.parametrize("way", EFFECTS)
def test_each_effect_is_taken(found, way):
    assert found.missing[way] == []


def test_an_effect_whose_call_has_a_reconciler_is_taken_once(found):
    assert found.again["reconciled"] == []


def test_an_effect_of_the_outbox_is_taken_once_by_its_idempotency_key(found):
    assert found.again["outbox"] == []


def test_a_plain_call_that_returned_to_its_action_is_not_made_again_though_flink_goes_back(found):
    assert found.after_return == []
