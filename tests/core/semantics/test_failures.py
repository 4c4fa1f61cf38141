"""Laws 3 and 4: a run is visible whole or not at all, and a failed one follows its policy."""

from __future__ import annotations

import pytest
from semantic_agents import (
    Backing,
    Cancelling,
    Endless,
    Fragile,
    Policies,
    Slowly,
    Stumbling,
    StumblingPair,
    by_key,
    fresh,
    itself,
    one_key,
)

from headrace import JobFailedError

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def ran(engine):
    kinds = ["retry", "exhaust", "final", "skip", "dead"]
    inputs = [{"key": do, "do": do} for do in kinds]
    inputs += [{"key": "h", "do": "half", "n": 1}, {"key": "h", "do": "look"}]
    inputs += [{"key": "a", "do": "again", "list": ["given"]}, {"key": "a", "do": "look"}]
    return engine.run(Policies(), inputs, key=by_key)


def letter(ran, do):
    [found] = [each for each in ran.dead_letters if each["input"]["do"] == do]
    return found


class TestRetry:
    def test_a_run_succeeds_at_the_attempt_that_does(self, ran):
        assert ran.of("do", "retry") == [{"do": "retry", "attempt": 3}]

    def test_attempts_end_at_the_policys_number(self, ran):
        assert letter(ran, "exhaust")["attempts"] == 3

    def test_an_error_that_says_it_is_final_is_not_tried_again(self, ran):
        assert letter(ran, "final")["attempts"] == 1

    def test_an_attempt_sees_nothing_of_the_failed_one_before_it(self, ran):
        [output] = ran.of("do", "again")

        assert output == {
            "do": "again",
            "attempt": 2,
            "seen": {"memory": {}, "input": ["given"]},
        }

    def test_the_attempt_that_succeeds_is_what_memory_keeps(self, ran):
        assert {"do": "look", "memory": {"attempt": 2}} in ran.outputs

    def test_a_back_off_leaves_its_place_in_flight_to_others(self, engine):
        inputs = ["waits", "comes"]

        found = engine.run(Backing(name=fresh("backing")), inputs, key=itself)

        assert found.outputs == ["comes", "waits"]

    def test_runs_that_failed_before_they_waited_give_their_places_back(self, engine):
        found = engine.run(Stumbling(), range(20), key=itself)

        assert sorted(found.outputs) == list(range(20))

    def test_two_actions_of_a_run_that_both_back_off_give_their_place_back(self, engine):
        found = engine.run(StumblingPair(), range(20), key=itself)

        assert sorted(found.outputs) == list(range(20))


class TestAtomicity:
    def test_a_failed_run_leaves_no_memory(self, ran):
        assert {"do": "look", "memory": {}} in ran.outputs

    def test_a_failed_run_gives_no_outputs(self, ran):
        assert ran.of("do", "half") == []


class TestSkip:
    def test_a_skipped_run_gives_nothing(self, ran):
        assert ran.of("do", "skip") == []

    def test_a_skipped_run_is_no_dead_letter(self, ran):
        assert "skip" not in [each["input"]["do"] for each in ran.dead_letters]


class TestDeadLetters:
    def test_it_holds_the_key_and_the_input(self, ran):
        found = letter(ran, "dead")

        assert (found["key"], found["input"]) == ("dead", {"key": "dead", "do": "dead"})

    def test_it_says_which_action_failed_and_why(self, ran):
        found = letter(ran, "dead")

        assert (found["action"], found["error"]) == ("dead", "Flaw: für immer")

    def test_it_has_the_trace_to_the_line_that_raised(self, ran):
        assert 'raise Flaw("für immer")' in letter(ran, "dead")["trace"]

    def test_it_names_the_run(self, ran):
        assert len({each["run_id"] for each in ran.dead_letters}) == len(ran.dead_letters) == 3


class TestFail:
    def test_the_job_fails_with_the_action_the_key_and_the_cause(self, engine):
        with pytest.raises(JobFailedError, match=r"'fragile'.*'one'.*Flaw: broke on 7"):
            engine.run(Fragile(), [7], key=one_key)


class TestTimeouts:
    @pytest.fixture(scope="class")
    def timed(self, engine):
        kinds = ["late", "blocked", "call", "default", "caught", "before", "pause"]
        return engine.run(Slowly(), kinds, key=itself)

    @pytest.mark.parametrize("kind", ["late", "blocked"])
    def test_an_action_that_takes_too_long_fails(self, timed, kind):
        [found] = [each for each in timed.dead_letters if each["input"] == kind]

        assert "took longer than 0.05 s" in found["error"]

    def test_a_call_that_takes_too_long_fails(self, timed):
        [found] = [each for each in timed.dead_letters if each["input"] == "call"]

        assert found["error"] == (
            "CallTimeoutError: the call semantic_agents:forever took longer than 0.05 s"
        )

    def test_a_call_that_gives_no_time_out_has_that_of_the_settings(self, timed):
        [found] = [each for each in timed.dead_letters if each["input"] == "default"]

        assert "took longer than 0.06 s" in found["error"]

    def test_an_action_may_catch_a_calls_time_out(self, timed):
        assert "caught" in timed.outputs

    def test_the_time_of_an_action_ends_with_it_and_not_with_its_run(self, timed):
        assert {"after", "beside"} <= set(timed.outputs)

    def test_the_time_of_an_attempt_ends_before_the_back_off(self, timed):
        assert "pause" in timed.outputs


class TestOtherEnds:
    def test_a_cancellation_that_is_the_actions_own_is_a_failure(self, engine):
        found = engine.run(Cancelling(), ["a", "b"], key=one_key)

        assert [each["error"].partition(":")[0] for each in found.dead_letters] == [
            "ActionError",
            "ActionError",
        ]

    def test_a_run_without_end_fails_and_names_the_setting(self, engine):
        found = engine.run(Endless(), ["a"], key=one_key)

        assert "max_steps" in found.dead_letters[0]["error"]
