"""Prompts before conversations, the same on every engine."""

from __future__ import annotations

import json

import pytest
from semantic_agents import by_key, one_key
from semantic_prompts import Prompted, Reader, Remembering

DO = [name.removeprefix("do_") for name in vars(Prompted) if name.startswith("do_")]
KNOWS = ["system", "You know Ada; {unknown} stays."]
LETTER = ["user", "Ada wrote: hi"]


@pytest.fixture(scope="module")
def ran(engine):
    return engine.run(Prompted(), [{"key": do, "do": do} for do in DO], key=by_key)


@pytest.fixture
def requests(ran):
    def requests(do):
        """The messages of each request that the model saw."""
        [output] = ran.of("do", do)
        return output["saw"]

    return requests


@pytest.fixture
def error(ran):
    def error(do):
        [letter] = [each for each in ran.dead_letters if each["input"]["do"] == do]
        return letter["error"]

    return error


class TestInputs:
    def test_a_text_is_the_users_message(self, requests):
        assert requests("text") == [[["user", "hello"]]]

    def test_another_scalar_too(self, requests):
        assert requests("number") == [[["user", "17"]]]

    def test_a_mapping_fills_the_bound_prompt_by_its_fields_once(self, requests):
        assert requests("mapping") == [[["user", "Ada wrote: {sender}"]]]

    def test_so_does_a_model(self, requests):
        assert requests("model") == [[LETTER]]

    def test_names_that_are_given_come_before_the_inputs(self, requests):
        assert requests("over") == [[["user", "Bob wrote: hi"]]]

    def test_input_is_the_whole_as_json(self, requests):
        assert requests("whole") == [[["user", 'See {"sender":"Ö","text":"hi"}']]]

    def test_with_parts_and_no_prompt_it_is_an_error_that_says_what_to_do(self, error):
        assert error("structured") == (
            "PromptError: the input of the model 'plain' is a Letter with the fields sender, text, "
            "and no prompt says how it is told to the model: bind one to the model "
            '(use("chat_models", ...).with_prompt("NAME")), name one (prompt="NAME"), or give one '
            "(ctx.chat('plain', Prompt(\"... {sender} ...\"), input=...))"
        )

    def test_of_which_the_prompt_tells_nothing_it_is_an_error(self, error):
        assert error("unused") == (
            "PromptError: the input of the model 'bound' is a dict with the fields city, and the "
            "prompt 'greeting' has a field for none of it: put {city} into it, or {input} for the "
            "whole as JSON"
        )

    def test_fields_without_a_prompt_are_an_error(self, error):
        assert "only a prompt has fields to fill, got sender" in error("fields_of_nothing")

    def test_nothing_at_all_is_an_error(self, error):
        assert "the model 'plain' is asked nothing" in error("nothing")

    def test_system_messages_alone_are_an_error(self, error):
        assert "the prompt 'system_prompt' has nothing but system messages" in error("only_system")


class TestBoundPrompts:
    def test_its_messages_come_before_the_input_that_it_has_no_field_for(self, requests):
        assert requests("after") == [[KNOWS, ["user", "Who am I?"]]]

    def test_they_come_before_the_conversation_which_is_not_filled(self, requests):
        assert requests("messages") == [
            [KNOWS, ["user", "{sender}?"], ["assistant", "Yes"], ["user", "And now?"]]
        ]

    def test_they_come_first_in_each_round_of_tools_and_the_conversation_follows(self, requests):
        first, second = requests("rounds")

        assert first == [KNOWS, ["user", "call look"]]
        assert second == [*first, ["assistant", ""], ["tool", "looked"]]

    def test_it_is_filled_again_for_each_round(self, requests):
        assert [request[0] for request in requests("refilled")] == [
            ["system", "0 seen."],
            ["system", "1 seen."],
        ]

    def test_its_messages_are_no_part_of_what_was_said(self, requests):
        assert requests("since") == [["assistant", ""], ["tool", "looked"]]

    def test_another_prompt_may_take_its_place(self, requests):
        assert requests("named") == [[LETTER]]

    def test_or_none(self, requests):
        assert requests("none") == [[["user", "hello"]]]

    def test_the_actions_own_prompt_follows_it_and_is_filled_with_the_same(self, requests):
        assert requests("both") == [[KNOWS, ["user", "Greet Ada"]]]

    def test_summaries_of_a_history_are_asked_without_it(self, ran):
        assert ran.of("do", "history") == [{"do": "history", "saw": ["<conversation>"]}]


class TestPromptsFromElsewhere:
    def test_a_function_of_the_project_makes_one(self, requests):
        assert requests("made") == [[["user", "Yours, Ada"]]]

    def test_a_source_is_given_the_fields_that_it_takes(self, requests):
        assert requests("remote")[0] == [["user", "There is Bern."], ["user", "call look"]]

    def test_it_comes_first_in_each_round(self, requests):
        assert requests("remote")[1][0] == ["user", "There is Bern."]

    def test_it_is_not_there_at_once(self, error):
        assert 'await ctx.chat(model, prompt="elsewhere", ...)' in error("remote_at_once")


class TestEvents:
    def test_fields_fill_the_prompt_of_the_model(self, requests):
        assert requests("event") == [[LETTER]]

    def test_the_requests_messages_follow_it(self, requests):
        assert requests("event_after") == [[KNOWS, ["user", "Who am I?"]]]

    def test_it_comes_first_in_each_round_of_its_tools(self, requests):
        first, second = requests("event_rounds")

        assert first == [KNOWS, ["user", "call look"]]
        assert second == [*first, ["assistant", ""], ["tool", "looked"]]

    def test_a_prompt_may_be_named(self, requests):
        assert requests("event_named") == [[LETTER]]


class TestReadyAgents:
    def test_the_bound_prompt_is_filled_by_the_input_in_its_form_and_the_agents_fields(
        self, engine
    ):
        inputs = [{"sender": "Ada", "language": "Greek"}, {"text": "no sender"}]
        ran = engine.run(Reader(), inputs, key=one_key)

        assert [json.loads(output) for output in ran.outputs] == [
            [
                [
                    ["system", "You speak Latin."],
                    ["system", "Be Latin."],
                    ["user", "Ada wrote: nothing"],
                ]
            ]
        ]
        assert [letter["error"] for letter in ran.dead_letters] == [
            "PromptError: the input has not the form that the agent takes: sender: Field required"
        ]

    def test_with_a_history_the_question_follows_the_conversation(self, engine):
        inputs = [{"sender": "Ada", "text": "one"}, {"sender": "Ada", "text": "two"}]
        [_, second] = engine.run(Remembering(), inputs, key=one_key).outputs
        [shown] = json.loads(second)

        assert [role for role, _ in shown] == [
            "system", "system", "user", "user", "assistant", "user",
        ]  # fmt: skip
        assert shown[-1] == ["user", '{"sender":"Ada","text":"two"}']
