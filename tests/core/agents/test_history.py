"""A conversation within its limits."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from semantic_ready import Chatter

from headrace import ChatResponse, Image, Message, ToolCall
from headrace.errors import StateError
from headrace.history import History, estimate_tokens
from headrace.memory import Memory


class Desk:
    """The part of a context that a history uses."""

    def __init__(self, notes="noted", clock=time.time):
        self.short_term = Memory({}, {}, now=clock)
        self.told = []
        self._notes = notes

    async def chat(self, model, messages, *, prompt):
        assert prompt == ""  # the notes are no part of the conversation that a prompt begins
        self.told.append([model, messages[0].content, messages[1].content])
        return ChatResponse(message=Message(role="assistant", content=self._notes))


def user(text):
    return Message(role="user", content=text)


def said(text):
    return Message(role="assistant", content=text)


def calls(*ids):
    called = tuple(ToolCall(id=name, name="look", arguments={"at": name}) for name in ids)
    return Message(role="assistant", tool_calls=called)


def gave(name, text="seen"):
    return Message(role="tool", content=text, tool_call_id=name)


def kept(history, messages, desk=None):
    desk = desk or Desk()
    asyncio.run(history.save(desk, messages))
    return history.load(desk)


def talk(*numbers):
    return [message for n in numbers for message in (user(f"q{n}"), said(f"a{n}"))]


class TestKeeping:
    def test_there_is_none_at_first(self):
        assert History().load(Desk()) == []

    def test_what_was_saved_is_loaded(self):
        messages = [
            Message(role="system", content="Be kind."),
            Message(role="user", content="Look", images=(Image(data="aGk="),)),
            calls("1", "2"),
            gave("1"),
            gave("2"),
            said("Done"),
        ]

        assert kept(History(), messages) == messages

    def test_what_models_have_thought_is_not_kept(self):
        thought = Message(role="assistant", content="a", reasoning="hm", native={"x": {"s": 1}})

        assert kept(History(), [user("q"), thought]) == [user("q"), said("a")]

    def test_it_may_be_forgotten(self):
        desk = Desk()
        kept(History(), talk(1), desk)

        History().clear(desk)

        assert History().load(desk) == []

    def test_two_histories_of_two_names_are_apart(self):
        desk = Desk()
        kept(History(name="one"), talk(1), desk)

        assert History(name="two").load(desk) == []

    def test_it_lives_as_long_as_its_time_to_live(self):
        now = [100.0]
        desk = Desk(clock=lambda: now[0])
        kept(History(ttl=10), talk(1), desk)

        now[0] += 11

        assert History(ttl=10).load(desk) == []

    def test_something_else_under_its_name_is_told(self):
        desk = Desk()
        desk.short_term["history"] = ["a text"]

        with pytest.raises(StateError, match=r"memory\['history'\] is no conversation"):
            History().load(desk)

    def test_agents_of_ones_own_may_use_it(self, shown, run):
        inputs = ["say 1", "say 2", "say 3", "say 4", "show"]

        assert shown(Chatter(), *inputs)["messages"] == [
            ["system", "Be kind."],
            ["user", "say 3"],
            ["assistant", "3"],
            ["user", "say 4"],
            ["assistant", "4"],
            ["user", "show"],
        ]

    def test_an_agent_may_forget_it(self, shown):
        messages = shown(Chatter(), "say 1", "forget", "show")["messages"]

        assert messages == [["system", "Be kind."], ["user", "show"]]


class TestDropping:
    def test_the_oldest_turns_go_first(self):
        assert kept(History(max_messages=4), talk(1, 2, 3)) == talk(2, 3)

    def test_what_fits_stays_as_it_is(self):
        assert kept(History(max_messages=4), talk(1, 2)) == talk(1, 2)

    def test_system_prompts_stay_and_are_not_counted(self):
        system = [Message(role="system", content="Be kind."), Message(role="system", content="!")]

        assert kept(History(max_messages=2), [*system, *talk(1, 2)]) == [*system, *talk(2)]

    def test_a_turn_goes_whole_with_its_tool_calls(self):
        turn = [user("q"), calls("1"), gave("1"), said("a")]

        assert kept(History(max_messages=5), [*turn, *talk(2)]) == talk(2)

    def test_two_messages_of_a_user_in_a_row_are_one_turn(self):
        messages = [user("this image"), user("and this one"), said("seen"), *talk(2)]

        assert kept(History(max_messages=4), messages) == talk(2)

    def test_tokens_are_a_limit_too(self):
        long = [user("x" * 400), said("short")]

        assert kept(History(max_tokens=100), [*long, *talk(2)]) == talk(2)

    def test_of_a_turn_that_is_too_long_by_itself_stay_the_question_and_the_answer(self):
        turn = [user("q"), *(each for n in "123" for each in (calls(n), gave(n))), said("a")]

        assert kept(History(max_messages=4), [*talk(1), *turn]) == [user("q"), said("a")]

    def test_a_question_and_an_answer_that_are_too_long_by_themselves_are_cut(self):
        found = kept(History(max_tokens=100), [user("é" * 5000), said("x" * 5000)])

        assert [message.role for message in found] == ["user", "assistant"]
        assert estimate_tokens(found) <= 100

    def test_a_call_without_its_result_is_not_what_stays_of_a_turn(self):
        messages = [user("q" * 5000), calls("1")]

        assert [message.role for message in kept(History(max_tokens=100), messages)] == ["user"]


SETTINGS = {"summarise_with": "small", "keep_last": 1, "max_messages": 4}


class TestNotes:
    def test_what_is_older_becomes_one_message_and_the_newest_stays(self):
        found = kept(History(**SETTINGS), talk(1, 2, 3))

        assert found == [user("Notes of the conversation up to here:\nnoted"), *talk(3)]

    def test_the_model_is_told_what_goes_and_nothing_else(self):
        desk = Desk()
        older = [user("q1"), calls("1"), gave("1"), said("a1")]

        kept(History(**SETTINGS), [*older, *talk(2)], desk)

        [[model, _, told]] = desk.told
        assert model == "small"
        assert told == (
            '<conversation>\nuser: q1\n\nassistant: [calls look with {"at":"1"}]\n\n'
            "tool: seen\n\nassistant: a1\n</conversation>"
        )

    def test_it_is_told_in_how_many_words(self):
        desk = Desk()

        kept(History(**SETTINGS, summary_tokens=300), talk(1, 2, 3), desk)

        assert "in at most 200 words" in desk.told[0][1]

    def test_earlier_notes_are_folded_into_the_later_ones(self):
        history, desk = History(**SETTINGS), Desk()
        first = kept(history, talk(1, 2, 3), desk)

        kept(history, [*first, *talk(4)], desk)

        assert "user: Notes of the conversation up to here:\nnoted" in desk.told[1][2]

    def test_within_the_limits_no_model_is_asked(self):
        desk = Desk()

        kept(History(**SETTINGS), talk(1, 2), desk)

        assert desk.told == []

    def test_as_many_of_the_newest_turns_stay_as_it_says(self):
        history = History(summarise_with="small", keep_last=2, max_messages=6)

        assert kept(history, talk(1, 2, 3, 4))[1:] == talk(3, 4)

    def test_fewer_stay_where_those_do_not_fit(self):
        history = History(summarise_with="small", keep_last=3, max_messages=5)

        assert kept(history, talk(1, 2, 3, 4))[1:] == talk(3, 4)

    def test_a_model_that_says_too_much_is_cut_short(self):
        history = History(summarise_with="small", keep_last=1, max_tokens=100, summary_tokens=50)

        found = kept(history, [user("x" * 500), said("y"), *talk(2)], Desk("é" * 9999))

        assert estimate_tokens(found) <= 100
        assert found[1:] == talk(2)

    def test_a_model_that_says_nothing_leaves_no_notes(self):
        assert kept(History(**SETTINGS), talk(1, 2, 3), Desk(" ")) == talk(3)

    def test_it_is_told_only_the_beginning_of_a_long_message(self):
        desk = Desk()

        kept(History(**SETTINGS), [user("x" * 9000), said("a"), *talk(2, 3)], desk)

        assert f"user: {'x' * 4000} [cut: 4000 of 9000 characters]" in desk.told[0][2]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"max_messages": 1}, "greater than or equal to 2"),
        ({"max_messages": 2, "summarise_with": "m"}, "max_messages must be above 2"),
        ({"max_tokens": 900, "summarise_with": "m"}, "at most half of max_tokens"),
        ({"max_message": 3}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_kept_to_are_refused(settings, told):
    with pytest.raises(ValidationError, match=told):
        History(**settings)


def test_tokens_are_estimated_by_bytes_messages_and_images():
    messages = [user("twelve bytes"), Message(role="user", images=(Image(url="https://x.test/i"),))]

    assert estimate_tokens(messages) == (3 + 4) + (1000 + 4)


# ---------------------------------------------------------------- whatever is said
@st.composite
def conversations(draw):
    messages = []
    for number in range(draw(st.integers(0, 8))):
        messages += [user("u" * draw(st.integers(0, 300))) for _ in range(draw(st.integers(1, 2)))]
        for step in range(draw(st.integers(0, 3))):
            ids = [f"{number}.{step}.{n}" for n in range(draw(st.integers(1, 3)))]
            messages += [
                calls(*ids),
                *(gave(each, "t" * draw(st.integers(0, 300))) for each in ids),
            ]
        messages.append(said("s" * draw(st.integers(0, 300))))
    return messages


histories = st.builds(
    History,
    max_messages=st.one_of(st.none(), st.integers(3, 20)),
    max_tokens=st.one_of(st.none(), st.integers(100, 400)),
    summarise_with=st.sampled_from([None, "small"]),
    keep_last=st.integers(1, 4),
    summary_tokens=st.integers(25, 50),
)


@given(history=histories, messages=conversations(), notes=st.integers(0, 500))
def test_what_is_kept_is_whole_newest_and_within_the_limits(history, messages, notes):
    found = kept(history, messages, Desk("n" * notes))

    called = [call.id for message in found for call in message.tool_calls]
    answered = [message.tool_call_id for message in found if message.role == "tool"]
    assert called == answered
    assert not found or found[0].role == "user"
    assert history.max_messages is None or len(found) <= history.max_messages
    assert history.max_tokens is None or estimate_tokens(found) <= history.max_tokens
    assert not messages or found[-1].content == messages[-1].content[: len(found[-1].content)]
