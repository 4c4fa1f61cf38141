"""The local engine, struck at random: its process, its network, its disk.

``benchmarks/chaos.py`` does the same for hundreds of strikes.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from .disk import Disk, may_mount
from .ledger import Ledger
from .local import LocalJob
from .network import WAYS, Link
from .story import EFFECTS, judged, struck

pytestmark = [pytest.mark.slow]

SEED = 7
KINDS = ("process", *WAYS, *(("full", "readonly") if may_mount() else ()))
EVERY = 80


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger())
        link = stack.enter_context(Link(ledger.port))
        disk = stack.enter_context(Disk(folder / "disk"))
        job = LocalJob(folder, ledger, link, disk, SEED, inputs=EVERY * (len(KINDS) + 2))
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


def test_a_plain_call_is_made_again_at_most_once_for_each_strike(found):
    assert found.most["plain"] <= 1 + len(KINDS)


def test_a_process_that_ends_by_itself_says_what_its_disk_could_not_do(found):
    said = [one for one in found.exits if "cannot be " not in one and "Read-only" not in one]

    assert said == []
