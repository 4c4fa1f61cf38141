"""Events of memory: who is told what, when, and that telling disturbs nothing."""

from __future__ import annotations

import asyncio
import json

import pytest
from memory_agents import Audited, Forger, Keeper, Quiet
from semantic_agents import itself

from headrace import AgentPlan
from headrace.compiling import BUILT_IN_EVENTS
from headrace.memory_events import MEMORY_EVENTS
from headrace.operator import Journal, Operator, RunInput
from headrace.values import encode, key_id

DOINGS = ["remember", "forget", "long", "poison", "fail", "again"]


@pytest.fixture(scope="module")
def told(engine):
    """What was put out, by what was done."""
    ran = engine.run(Audited(), [{"do": do} for do in DOINGS], key=lambda value: value["do"])
    return {do: [output[1:] for output in ran.outputs if output[0] == do] for do in DOINGS}


def kinds(outputs):
    return [one[0] for one in outputs]


def test_a_run_begins_before_its_input_is_handled_and_tells_the_rest_after_it(told):
    assert kinds(told["remember"])[:2] == ["began", "done"]


def test_each_name_that_was_read_is_told_once_for_what_it_was(told):
    reads = [said for kind, said, _ in told["remember"][2:] if kind == "read"]

    assert sorted((one["path"], one["found"]) for one in reads) == [
        (("n",), False),
        (("n",), True),
        (("orders",), False),
    ]


def test_each_name_that_was_written_is_told_once(told):
    written = [said for kind, said, _ in told["remember"][2:] if kind == "written"]

    assert written == [
        {"path": ("n",), "deleted": False},
        {"path": ("orders", "o-1"), "deleted": False},
    ]


def test_a_deleted_name_is_told_as_such(told):
    assert ["written", {"path": ("a",), "deleted": True}] in [one[:2] for one in told["forget"]]


def test_they_are_handled_one_after_the_other_so_that_each_sees_what_the_last_one_wrote(told):
    assert [one[2] for one in told["remember"] if len(one) == 3] == [1, 2, 3, 4, 5, 6]


def test_what_they_set_off_is_told_nobody(told):
    names = {part for one in told["remember"] if len(one) == 3 for part in one[1].get("path", ())}

    assert names == {"n", "orders", "o-1"}


def test_long_term_memory_is_told_too(told):
    said = {kind: rest[0] for kind, *rest in told["long"] if rest}

    [item] = said["added"]["ids"]
    assert said["updated"] == {"id": item}
    assert said["searched"] == {"query": "roses", "ids": (item,)}
    deleted = [one[1] for one in told["long"] if one[0] == "deleted"]
    assert sorted((one["id"] or "", one["count"]) for one in deleted) == [("", 0), (item, 1)]


def test_one_whose_handling_fails_leaves_nothing_and_disturbs_nobody(told):
    assert kinds(told["poison"]) == ["began", "done", "written"]
    assert told["poison"][2][1]["path"] == ("sound",)


def test_a_run_that_fails_tells_nothing(told):
    assert told["fail"] == []


class TestSubAgents:
    """A sub-agent's memory is its own: who asks it neither sees it nor is told of it."""

    @pytest.fixture(scope="class")
    def kept(self, engine):
        return engine.run(Keeper(), ["a"], key=itself).outputs

    def test_its_actions_are_told_of_what_it_did_alone(self, kept):
        [said] = [one for one in kept if isinstance(one, dict)]

        assert said["inner"] == [
            ["", "", 1],
            "kept",
            ["kept.keep", "kept", 2],
            ["kept.keep", "kept/x", 3],
        ]

    def test_who_asked_it_is_told_of_its_own_alone(self, kept):
        read_and_written = [["keep", "kept/x"]] * 2
        assert [one[:2] for one in kept if isinstance(one, list)] == [["", ""], *read_and_written]

    def test_a_name_that_is_called_as_the_sub_agent_is_leads_into_the_askers_memory(self, kept):
        [said] = [one for one in kept if isinstance(one, dict)]

        assert said["mine"] == [["noted", ("kept", "x")], "mine"]


def test_what_was_done_in_an_attempt_that_failed_is_told_once(told):
    assert kinds(told["again"]).count("added") == 1


def test_an_action_for_every_event_is_not_told(told):
    assert not [one for some in told.values() for one in some if one[0] == "told of all"]


def test_a_kind_that_is_not_switched_on_is_told_nobody(local):
    assert local.run(Quiet(), ["a"], key=itself).outputs == []


@pytest.mark.parametrize("event", MEMORY_EVENTS)
def test_every_kind_can_be_named_in_yaml(event):
    assert BUILT_IN_EVENTS[event.event_type] is event


def test_a_run_that_is_run_again_tells_the_same(tmp_path):
    plan, journals = AgentPlan.from_agent(Audited()), []
    store = plan.resource_providers["memory"]["memory"]
    store.arguments["path"] = str(tmp_path / "memories.db")
    loop = asyncio.new_event_loop()

    async def recorded(run):
        journals.append(json.dumps(run.journal.stored()))

    def outcome(journal=None):
        operator = Operator(plan, loop, on_done=lambda _run: None, recorded=recorded)
        item = RunInput("long", key_id("long"), encode({"do": "long"}), 0)
        run = operator.begin(item, {}, journal)
        if run.outcome is None:
            loop.run_until_complete(run.asyncio_task)
        loop.run_until_complete(operator.close())
        return run.outcome.outputs, run.outcome.changes

    first = outcome()
    again = outcome(Journal(json.loads(journals[-1])))
    loop.close()

    assert len(first[0]) == 7
    assert again == first


def test_an_action_cannot_tell_of_memory_itself(local):
    [letter] = local.run(Forger(), ["a"], key=itself).dead_letters

    assert "the runtime alone tells of memory" in letter["error"]
