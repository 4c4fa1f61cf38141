"""What a run may use: steps and events, models, tools, prompts, conditions, threads, memories."""

from __future__ import annotations

import pytest
from semantic_agents import by_key, fresh
from semantic_served import Narrow, Servant

DO = [
    "chat", "chat_filled", "prompt", "unknown_model", "refused", "rounds", "failing_tools", "tool",
    "context_tool", "wrong_arguments", "no_such_tool", "sleepy", "long_term",
    "long_term_elsewhere", "events", "steps", "share", "condition", "unhandled", "blocking",
    "blocking_long_term",
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(engine):
    inputs = [{"key": do, "do": do} for do in DO]
    inputs += [
        {"key": "found heavy", "do": "found", "weight": 11},
        {"key": "lost heavy", "do": "found", "weight": 12},
    ]
    return engine.run(Servant(name=fresh("servant")), inputs, key=by_key)


@pytest.fixture
def saw(ran):
    def saw(do):
        return [output["saw"] for output in ran.of("do", do)]

    return saw


@pytest.fixture
def error(ran):
    def error(do):
        return [each["error"] for each in ran.dead_letters if each["input"]["do"] == do]

    return error


class TestSteps:
    def test_actions_of_one_event_see_the_beginning_of_their_step_and_their_own_writes(self, saw):
        assert [each for each in saw("steps") if each[0] != "next"] == [
            ["slow", {}, {"slow": 1}],
            ["quick", {}, {"quick": 1}],
        ]

    def test_the_next_step_sees_what_all_of_them_wrote(self, saw):
        seen = [each[2] for each in saw("steps") if each[0] == "next"]

        assert seen == [["quick", "slow"], ["quick", "slow"]]

    def test_outputs_and_events_come_in_the_order_of_the_plan_whatever_the_speed(self, saw):
        assert [each[:2] for each in saw("steps")][2:] == [["next", "slow"], ["next", "quick"]]

    def test_an_event_is_what_it_was_when_it_was_sent_for_each_action_and_attempt(self, saw):
        assert saw("share") == [["sent"], ["sent"]]


class TestModels:
    def test_a_chat_gives_the_models_answer(self, saw):
        assert saw("chat") == ["> hi"]

    def test_a_prompt_is_filled_once_and_unknown_fields_stay(self, saw):
        assert saw("chat_filled") == ["Fixed {unknown} and {literal} and {unknown}"]

    def test_a_declared_prompt_is_filled_by_its_name(self, saw):
        assert saw("prompt") == [["Hello, Ada"]]

    def test_a_model_that_was_not_declared_fails_and_those_that_were_are_named(self, error):
        assert error("unknown_model") == [
            "ResourceError: the agent declares no resource 'nobody' of the kind 'chat_models' "
            "(it has: echo, oracle)"
        ]

    def test_a_models_error_keeps_its_code(self, saw):
        assert saw("refused") == ["refused"]

    def test_tool_calls_of_one_answer_run_side_by_side_and_are_answered_in_order(self, saw):
        assert [each["text"] for each in saw("rounds")] == ["0=pair 0 1=pair 1"]

    def test_usage_is_that_of_all_rounds(self, saw):
        assert [each["tokens"] for each in saw("rounds")] == [1 + 4]

    def test_a_model_is_told_of_failing_and_unknown_tools(self, saw):
        assert saw("failing_tools") == [
            "0=Error: no tool for 0 "
            "1=Error: the tool crashing failed "
            "2=Error: there is no tool called 'nothing' "
            "3=6"
        ]


class TestTools:
    def test_a_tool_gives_its_result(self, saw):
        assert saw("tool") == [42]

    def test_a_tool_is_given_the_context_that_it_asks_for(self, saw):
        assert saw("context_tool") == ["1 for context_tool"]

    def test_arguments_that_do_not_fit_are_refused_by_name(self, saw):
        [text] = saw("wrong_arguments")

        assert "n: Input should be a valid integer" in text
        assert "m: Extra inputs are not permitted" in text

    def test_an_unknown_tool_is_refused(self, saw):
        assert saw("no_such_tool") == ["there is no tool called 'nothing'"]

    def test_a_tool_that_takes_longer_than_it_may_fails(self, saw):
        assert saw("sleepy") == ["the tool sleepy took longer than 0.05 s"]


class TestRequestsByEvent:
    def test_chat_responses_are_joined_to_their_requests(self, saw):
        assert saw("chat response") == [["slow one"] * 3, ["two"] * 3]

    def test_tool_responses_are_joined_to_their_requests(self, saw):
        assert saw("tool response") == [
            ["tool", "tool", 8, False],
            ["broken", None, "no tool for 4", True],
        ]


class TestTriggers:
    def test_an_action_of_an_event_class_is_triggered_by_its_subclasses(self, saw):
        assert saw("found").count(["any", "nugget"]) == 2

    def test_a_condition_on_the_event_and_the_key_lets_through_what_it_says(self, saw):
        assert [each for each in saw("found") if each[0] != "any"] == [["heavy", 11]]

    def test_a_condition_that_fails_fails_the_run_and_is_named(self, error):
        [text] = error("condition")

        assert text.startswith("ConditionError: the condition \"event.input.do == 'condition'")

    def test_a_named_event_that_triggers_nothing_fails_its_sender(self, error):
        [text] = error("unhandled")

        assert text.startswith("ValueError: the event 'nobody listens' triggers no action")


class TestThreads:
    def test_a_blocking_action_runs_in_the_pool_and_its_calls_wait(self, saw):
        assert saw("blocking") == [[3, "> from a thread", 4, True, 1]]

    def test_a_blocking_action_reaches_long_term_memory(self, saw):
        assert saw("blocking_long_term") == [["kept from a thread"]]


class TestLongTerm:
    def test_what_was_added_is_found_updated_and_forgotten(self, saw):
        assert saw("long_term") == [{"found": ["the redder mill"], "kept": {"colour": "red"}}]

    def test_keys_do_not_see_each_other(self, saw):
        assert saw("long_term_elsewhere") == [[]]


def test_actions_in_threads_do_not_wait_for_a_thread_that_they_hold_themselves(local):
    ran = local.run(Narrow(), [1, 2, 3])

    assert sorted(ran.outputs) == [[2, "hi"], [4, "hi"], [6, "hi"]]
