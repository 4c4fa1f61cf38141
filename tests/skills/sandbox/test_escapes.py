"""The escape suite: each attempt works without a sandbox, and does not in one."""

from __future__ import annotations

import os
import platform
import sys

import pytest

from headrace_skills.sandbox import Command

from .attacks import ATTACKS, PREAMBLE
from .conftest import SHORT

BY_NAME = {attack.name: attack for attack in ATTACKS}


@pytest.fixture(params=BY_NAME)
def attack(request):
    found = BY_NAME[request.param]
    if found.root and os.geteuid() != 0:
        pytest.skip("only root can do it without a sandbox")
    if found.x86 and platform.machine() != "x86_64":
        pytest.skip("it is written for x86_64")
    return found


@pytest.fixture
def attempt(attack, new_world):
    """Run the attack in a world of its own: what it did, and what it said."""

    def run(sandbox):
        world = new_world()
        argv = (sys.executable, "-s", "-B", "-c", PREAMBLE + attack.source, *world.arguments)
        outcome = sandbox.run_now(Command(argv, world.skill, limits=SHORT))
        assert outcome.ended in ("exit", "signal")
        return world.escaped(outcome.stdout), outcome

    return run


@pytest.fixture(scope="session")
def without():
    """What attacks did without a sandbox: it is the same for each of them."""
    return {}


def test_it_works_without_a_sandbox_and_does_not_in_one(
    attack, attempt, isolating, sandbox_named, without
):
    if attack.name not in without:
        without[attack.name] = attempt(sandbox_named("none"))
    did, outcome = without[attack.name]
    if not did and attack.optional:
        pytest.skip(f"this machine does not let anyone do it: {outcome.stderr[-200:]!r}")
    assert did, outcome
    did, outcome = attempt(isolating)
    alone = isolating is not sandbox_named("bubblewrap")
    if alone and attack.landlock:
        assert did, f"{outcome}: this is said not to be stopped ({attack.landlock}), and is"
    else:
        assert not did, outcome


def test_there_are_many_of_them_and_few_exceptions():
    assert len(BY_NAME) == len(ATTACKS) >= 60
    assert len([attack for attack in ATTACKS if attack.landlock]) <= 3
