"""What has changed in an agent is shown, run by run."""

from __future__ import annotations

import pytest
from replay_agents import CALLS, RELIES, Counter, Desk, Loud, Warm
from team_agents import reviews

from headrace import AgentPlan
from headrace.replaying import NOTHING, FieldChange, NotRecordedError


@pytest.fixture
def chat(tape):
    """A recording of one chat, in which a tool is called."""
    tape.record(Desk(), {"do": "chat look abc"})
    return tape


class TestPrompts:
    def test_a_run_ends_at_the_request_that_nobody_has_answered(self, chat):
        difference = chat.only(Desk(tone="Be brief."))

        assert (difference.verdict, difference.status) == ("changed", ("finished", "not_recorded"))

    def test_nothing_is_called(self, chat):
        chat.only(Desk(tone="Be brief."))

        assert CALLS == []

    def test_the_request_is_shown_beside_the_recorded_one(self, chat):
        [request] = chat.only(Desk(tone="Be brief.")).requests

        lines = request.text.splitlines()
        assert (request.what, request.name, request.action) == ("request", "chat:llm", "work")
        assert [line for line in lines if line[0] in "+-"] == [
            "--- recorded", "+++ now", "-Be kind.", "+Be brief.",
        ]  # fmt: skip

    def test_the_error_names_the_call(self, chat):
        error = chat.only(Desk(tone="Be brief.")).not_recorded

        assert isinstance(error, NotRecordedError)
        assert (error.call, error.action) == ("chat:llm", "work")

    def test_the_error_shows_the_nearest_recorded_request(self, chat):
        error = chat.only(Desk(tone="Be brief.")).not_recorded

        assert "-Be kind.\n+Be brief." in str(error)

    def test_of_several_requests_the_nearest_is_shown(self, tape):
        tape.record(Desk(), {"do": "chat research abc"})

        # The chat around it, which comes first, asks for something else entirely.
        error = tape.only(Desk(inner="Seek"), calls={"research": "all"}).not_recorded

        assert "-Find ABC\n+Seek ABC" in str(error)

    def test_outputs_and_memory_of_half_a_run_are_not_compared(self, chat):
        difference = chat.only(Desk(tone="Be brief."))

        assert (difference.outputs, difference.memory) == ((), ())

    def test_an_agent_that_holds_up_errors_ends_all_the_same(self, tape):
        tape.record(Desk(), {"do": "hides"})

        difference = tape.only(Desk(tone="Be brief."))

        assert difference.status[1] == "not_recorded"

    def test_an_action_in_a_thread_is_ended_too(self, tape):
        tape.record(Desk(), {"block": 1})

        difference = tape.only(Desk(bonus=1))

        assert difference.not_recorded.call == "replay_agents:read"

    def test_runs_without_the_prompt_stay_the_same(self, tape):
        tape.record(Desk(), {"do": "parallel"}, {"do": "hides"}, {"do": "fails"})

        summary = tape.replay(Desk(tone="Be brief.")).summary

        assert (summary.same, summary.changed, summary.not_recorded) == (2, 1, 1)


class TestModels:
    def test_another_model_has_not_answered(self, chat):
        error = chat.only(Warm()).not_recorded

        assert "another model than was recorded" in str(error)
        assert "replay_agents:Clerk then, replay_agents:Other now" in str(error)

    def test_the_same_model_with_other_arguments_is_another_one(self, tape):
        tape.record(reviews("desk"), {"text": "a"})
        plan = _with_arguments(reviews("desk"), "writer.llm", {"name": "somebody else"})

        error = tape.only(plan).not_recorded

        assert "name='writer' then, 'somebody else' now" in str(error)


class TestTools:
    def test_a_tool_that_is_told_of_in_another_way_changes_the_request(self, chat):
        [request] = chat.only(Loud()).requests

        assert '+ "description": "LOOKS SOMETHING UP."' in request.text

    def test_a_tool_that_does_another_thing_is_not_noticed_where_it_is_not_called(self, chat):
        RELIES["abc"] = "something else"

        assert chat.only(Desk()).verdict == "same"

    def test_a_tool_that_does_another_thing_is_seen_where_it_is_called(self, tape):
        tape.record(Desk(), {"do": "parallel"})
        RELIES["x"] = "something else"

        difference = tape.only(Desk(), calls={"look": "all"})

        assert [(call.what, call.name) for call in difference.calls] == [
            ("outcome", "tool:look")
        ] * 2
        assert FieldChange("[0].said[3]", "x", "something else") in difference.outputs


class TestValues:
    def test_outputs_are_compared_field_by_field(self, tape):
        tape.record(Counter(), "a")

        assert tape.only(Counter(step=2)).outputs == (FieldChange("[0].n", 1, 2),)

    def test_memory_is_compared_name_by_name(self, tape):
        tape.record(Counter(), "a")

        assert tape.only(Counter(step=2)).memory == (FieldChange("n", 1, 2),)

    def test_what_a_tool_wrote_comes_with_its_recorded_result(self, tape):
        tape.record(Desk(), {"do": "chat note abc"})

        difference = tape.only(Desk(bonus=1))

        assert difference.memory == (FieldChange("chats", 1, 2),)

    def test_a_run_that_fails_now_is_counted_as_failed(self, tape):
        tape.record(Desk(), {"do": "order"})

        difference = tape.only(Broken())

        assert difference.verdict == "failed"
        assert difference.status == ("finished", "dead_letter")
        assert str(difference.error[1]) == "RuntimeError: broken since"

    def test_a_run_that_failed_and_does_not_now_has_changed(self, tape):
        tape.record(Broken(), {"do": "order"})

        difference = tape.only(Desk(), ask="recorded")

        # It went further than it had then: to a call that nobody has made.
        assert difference.verdict == "changed"

    def test_a_run_that_waits_for_ever_is_ended(self, tape):
        tape.record(Desk(), {"do": "waits"})
        plan = _without_timeout(Desk(bonus=1))

        difference = tape.only(plan)

        assert difference.verdict == "failed"
        assert "waits for something that never comes" in str(difference.error[1])

    def test_a_run_that_takes_too_long_fails_at_once(self, tape):
        tape.record(Desk(), {"do": "waits"})

        difference = tape.only(Desk(bonus=1))

        assert "TimeoutError" in str(difference.error[1])

    def test_what_is_not_there_has_a_mark_of_its_own(self):
        assert FieldChange("a", NOTHING, None).as_dict() == {"path": "a", "after": None}


class TestCalls:
    def test_a_call_that_is_made_no_more_is_told(self, tape):
        tape.record(Desk(), {"do": "order"})

        difference = tape.only(Forgetful())

        assert [(call.what, call.name) for call in difference.calls] == [
            ("removed", "replay_agents:ordered")
        ]

    def test_a_call_that_is_new_ends_the_run(self, tape):
        tape.record(Forgetful(), {"do": "order"})

        difference = tape.only(Desk())

        assert [call.what for call in difference.calls] == ["added"]
        assert "and this run did not when it was recorded" in str(difference.not_recorded)

    def test_one_more_of_the_same_is_a_new_one(self, tape):
        tape.record(Desk(), {"do": "order"})

        difference = tape.only(Twice())

        assert "once more than was recorded" in str(difference.not_recorded)


class Broken(Desk):
    async def do_order(self, ctx):
        raise RuntimeError("broken since")


class Forgetful(Desk):
    async def do_order(self, ctx):
        return {"number": 8, "lines": ["x"]}


class Twice(Desk):
    async def do_order(self, ctx):
        await super().do_order(ctx)
        return await super().do_order(ctx)


def _with_arguments(agent, name, arguments):
    plan = AgentPlan.from_agent(agent)
    models = plan.resource_providers["chat_models"]
    changed = models[name].model_copy(update={"arguments": arguments})
    providers = {**plan.resource_providers, "chat_models": {**models, name: changed}}
    return plan.model_copy(update={"resource_providers": providers})


def _without_timeout(agent):
    plan = AgentPlan.from_agent(agent)
    config = plan.config.model_copy(update={"action_timeout": None})
    return plan.model_copy(update={"config": config})
