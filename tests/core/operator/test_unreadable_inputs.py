"""An input that was kept by older code, and whose class is gone, fails its run and no more."""

from __future__ import annotations

from unit_agents import Keeper

from headrace.operator import RunInput

GONE = {"$": "model", "t": "gone:Gone", "v": {"n": 1}}


def test_it_is_put_aside_in_the_form_in_which_it_was_kept(bench):
    run = bench.operator(Keeper()).begin(RunInput("key", "skey", GONE, 0), {})

    assert run.outcome.status == "dead_letter"
    assert run.outcome.dead_letter.input == GONE
    assert "the class gone:Gone" in run.outcome.dead_letter.error
