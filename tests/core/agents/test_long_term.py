"""What a ready agent remembers for long."""

from __future__ import annotations

import pytest
from semantic_ready import Mirror, Notebook

from headrace import JobFailedError, use
from headrace.agents import ChatAgent, Recall

MEMORY = use("memory", Notebook)
REMEMBERS = "What you remember from earlier"


def agent(**parameters):
    parameters = {"memory": MEMORY, **parameters}
    return ChatAgent(model=use("chat_models", Mirror), **parameters)


def recalled(shown):
    """The memories that the model was told."""
    role, text = shown["messages"][0]
    return (
        [line[2:] for line in text.splitlines() if line.startswith("- ")]
        if role == "system"
        else []
    )


def with_recall(*, prompt="", **settings):
    class Rememberer(ChatAgent):
        model = use("chat_models", Mirror)
        notebook = MEMORY
        memory = Recall(**settings)

    return Rememberer(prompt=prompt)


def test_what_was_said_is_told_when_it_has_to_do_with_a_question(shown):
    assert recalled(shown(agent(), "say the tide is high", "tide")) == [
        "User: say the tide is high",
    ]


def test_it_comes_after_the_instructions_which_stay_the_same(shown):
    [[_, text], _] = shown(agent(instructions="Be short."), "say tide", "tide")["messages"]

    assert text.startswith(f"Be short.\n\n{REMEMBERS}")


def test_without_memory_nothing_is_told(shown):
    assert recalled(shown(agent(memory=False), "say the tide is high", "tide")) == []


def test_a_memory_that_is_declared_is_used_when_it_is_switched_on(shown):
    class Rememberer(ChatAgent):
        model = use("chat_models", Mirror)
        notebook = MEMORY
        memory = True

    assert len(recalled(shown(Rememberer(), "say the tide is high", "tide"))) == 1


def test_what_is_learned_is_told(shown):
    inputs = ["say I like the tide. It is loud.", "tide"]

    assert recalled(shown(with_recall(keep="learn"), *inputs)) == ["I like the tide"]


def test_nothing_may_be_kept(shown):
    assert recalled(shown(with_recall(keep="nothing"), "say tide", "tide")) == []


def test_no_more_are_told_than_the_limit(shown):
    inputs = ["say tide one", "say tide two", "say tide three", "tide"]

    assert len(recalled(shown(with_recall(limit=2), *inputs))) == 2


def test_with_a_limit_of_none_nothing_is_told(shown):
    assert recalled(shown(with_recall(limit=0), "say tide", "tide")) == []


def test_memories_that_are_not_near_enough_are_left_out(shown):
    inputs = ["say the mill", "say the tide", "the"]

    assert recalled(shown(with_recall(least_score=0.9), *inputs)) == ["User: say the tide"]


def test_people_are_told_apart_by_a_field_of_the_input(shown):
    inputs = [{"who": who, "said": "tide"} for who in ("a", "b", "a", None, "a")]

    found = recalled(shown(with_recall(user="who", prompt="{said}"), *inputs))

    assert len(found) == 2


def test_an_input_without_the_field_fails_and_says_so(run):
    with pytest.raises(JobFailedError, match="no key 'who'"):
        run(with_recall(user="who", prompt="{said}"), {"said": "tide"})


def test_long_texts_are_cut_before_they_are_told(shown):
    text = recalled(shown(agent(), f"say tide {'x' * 9000}", "tide"))[0]

    assert len(text) == 2000
