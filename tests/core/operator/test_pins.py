"""Toolsets whose tools somebody else decides on: what they offered is part of the plan."""

from __future__ import annotations

import asyncio

import pytest
from tool_agents import Broken, Pinned, Plain, Server

from headrace import AgentPlan
from headrace.errors import ResourceError
from headrace.pinning import pin_plan


@pytest.fixture(autouse=True)
def _anew():
    Server.offers = ["one"]
    Server.opened = []


def pinned(agent):
    return asyncio.run(pin_plan(AgentPlan.from_agent(agent)))


def test_a_plan_holds_what_was_offered():
    plan = pinned(Pinned())

    assert plan.resource_providers["tools"]["server"].pinned == {"tools": ["one"]}


def test_a_plan_with_pins_comes_back_from_json():
    plan = pinned(Pinned())

    assert AgentPlan.model_validate_json(plan.model_dump_json()) == plan


def test_a_plan_of_another_offer_is_another_plan():
    first = pinned(Pinned())
    Server.offers = ["one", "two"]

    assert pinned(Pinned()).digest != first.digest


def test_a_plan_without_such_tools_stays_as_it_is():
    plan = AgentPlan.from_agent(Plain())

    assert asyncio.run(pin_plan(plan)) is plan


def test_a_worker_is_told_before_it_opens_the_toolset(bench):
    bench.run(pinned(Pinned()), None)

    assert Server.opened == [{"tools": ["one"]}]


def test_a_worker_without_a_pin_is_told_nothing(bench):
    bench.run(Pinned(), None)

    assert Server.opened == [None]


def test_a_server_that_cannot_be_asked_is_named():
    with pytest.raises(ResourceError, match=r"the tools of 'server' cannot be looked up.*gone"):
        pinned(Broken())


def test_a_toolset_knows_whose_call_it_serves(bench):
    run = bench.run(Pinned(), None)

    assert run.outcome.outputs == [["Pinned", "skey", run.id]]
