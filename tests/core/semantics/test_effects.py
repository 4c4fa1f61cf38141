"""Effects that are held back until their run is sure (``ctx.after_commit``)."""

from __future__ import annotations

import pytest
from semantic_effects import Holding, notes

pytestmark = pytest.mark.smoke

WAYS = [
    "steps", "fails", "key", "method", "flaky", "gives_up", "skips", "reconciled", "slow", "other",
    "hangs", "expires", "gone", "tool", "sub_agent", "closure", "not_kept", "wrong_arguments",
]  # fmt: skip


def way_of(value):
    return value["do"]


class Story:
    def __init__(self, engine, folder):
        self.folder = folder
        inputs = [{"do": "order", "letters": letters} for letters in ("ab", "c", "ba", "d")]
        inputs += [{"do": way} for way in WAYS]
        self.result = engine.run(Holding(folder=str(folder)), inputs, key=way_of)

    def done(self, way):
        return notes(self.folder / way)

    def letter(self, way):
        [found] = [one for one in self.result.dead_letters if one["key"] == way]
        return found


@pytest.fixture(scope="module")
def story(engine, tmp_path_factory):
    return Story(engine, tmp_path_factory.mktemp("effects"))


def test_effects_of_a_key_are_done_in_the_order_of_its_runs_and_of_the_code(story):
    assert story.done("order") == ["a", "b", "c", "b", "a", "d"]


def test_effects_of_all_steps_of_a_run_are_done(story):
    assert story.done("steps") == ["first step", "second step"]


def test_an_effect_is_not_done_before_its_run_has_ended(story):
    [output] = story.result.of("do", "steps")
    assert output["done"] == []


def test_a_run_that_fails_asks_for_nothing(story):
    assert story.done("fails") == []


def test_a_function_that_asks_for_the_idempotency_key_is_given_the_one_that_was_returned(story):
    first, second, third, fourth = (line.partition(" ")[2] for line in story.done("key"))
    assert (third, fourth) == (first, second) == (first, "mine")


def test_a_method_of_the_agents_class_may_be_an_effect(story):
    assert story.done("method") == ["own"]


def test_an_effect_that_fails_is_tried_again_with_the_same_key_before_later_ones(story):
    *tries, last = story.done("flaky")
    assert [line.split()[:2] for line in tries] == [["try", "1"], ["try", "2"], ["try", "3"]]
    assert len({line.split()[2] for line in tries}) == 1
    assert last == "later"


def test_an_effect_that_is_given_up_is_a_dead_letter_with_its_history(story):
    letter = story.letter("gives_up")
    assert letter["effect"] == "semantic_effects:refuse"
    assert letter["arguments"] == {"args": [str(story.folder / "gives_up")], "kwargs": {}}
    assert letter["idempotency_key"] == "refused"
    assert letter["error"] == "ConnectionError: refused"
    assert "Traceback" in letter["trace"]
    assert [(one["attempt"], one["error"]) for one in letter["history"]] == [
        (number, "ConnectionError: refused") for number in (1, 2, 3)
    ]


def test_later_effects_of_a_key_go_on_behind_one_that_was_given_up(story):
    assert story.done("gives_up") == ["later"]


def test_an_effect_whose_policy_skips_is_dropped(story):
    assert story.done("skips") == ["later"]
    assert not [one for one in story.result.dead_letters if one["key"] == "skips"]


def test_a_reconciler_that_finds_it_done_keeps_it_from_being_done_again(story):
    assert story.done("reconciled") == ["taken", "later"]


def test_a_slow_effect_holds_back_its_own_key_and_no_other(story):
    assert story.done("slow") == ["of another key", "after of another key", "later"]


def test_an_effect_that_takes_longer_than_it_may_has_failed(story):
    assert story.letter("hangs")["error"] == (
        "CallTimeoutError: the effect semantic_effects:never_ends took longer than 0.01 s"
    )


def test_an_effect_that_comes_too_late_is_a_dead_letter(story):
    error = story.letter("expires")["error"]
    assert error.startswith("NonRetryableError: it was to be done within 0.03 s (expires), and ")


def test_an_effect_whose_function_is_gone_is_a_dead_letter_that_says_so(story):
    letter = story.letter("gone")
    assert "the code has changed since it was asked for" in letter["error"]
    assert "the module semantic_effects has no going" in letter["error"]


def test_a_tool_asks_for_effects_in_its_turn(story):
    assert story.done("tool") == ["before", "by a tool", "after"]


def test_a_sub_agents_effects_are_those_of_the_run(story):
    assert story.done("sub_agent") == ["inner", "outer"]


def test_a_function_that_another_process_could_not_find_is_refused_where_it_is_asked_for(story):
    letter = story.letter("closure")
    assert "is defined inside a function (a closure)" in letter["error"]
    assert "in do_closure" in letter["trace"]


def test_an_argument_that_cannot_be_kept_is_refused_with_its_place(story):
    letter = story.letter("not_kept")
    assert letter["error"].startswith(
        "MemoryValueError: the arguments of the effect semantic_effects:do cannot be kept"
    )
    assert "deep" in letter["error"]


def test_arguments_that_do_not_fit_are_refused_where_the_effect_is_asked_for(story):
    assert story.letter("wrong_arguments")["error"] == (
        "TypeError: the arguments of the effect do do not fit: got an unexpected keyword "
        "argument 'colour'"
    )
