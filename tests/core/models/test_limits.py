"""Limits: turns at a rate, pauses, places, and the breaker."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise

import pytest

from headrace.models import Breaker
from headrace.models._limits import CircuitBreaker, Hours, Learned, Slots, Timetable


class TestTimetable:
    @pytest.fixture
    def turns(self, clock):
        return Timetable(600, clock)  # one each 0.1 s

    def test_the_first_turn_is_at_once(self, turns):
        assert turns.reserve() == 0

    def test_turns_are_spaced_evenly_however_many_come_at_once(self, turns):
        waits = [turns.reserve() for _ in range(50)]

        assert [later - before for before, later in pairwise(waits)] == pytest.approx([0.1] * 49)

    def test_who_comes_later_waits_for_what_is_left_only(self, turns, clock):
        turns.reserve()
        clock.now += 0.075

        assert turns.reserve() == pytest.approx(0.025)

    def test_turns_that_nobody_took_are_gone(self, turns, clock):
        turns.reserve()
        clock.now += 60

        assert [turns.reserve() for _ in range(3)] == pytest.approx([0, 0.1, 0.2])

    def test_a_large_amount_holds_up_who_comes_after_it(self, turns):
        turns.reserve(30)

        assert turns.reserve() == pytest.approx(3)

    def test_what_was_used_beyond_the_estimate_holds_up_later_turns(self, turns):
        turns.reserve(10)
        turns.correct(5)

        assert turns.reserve() == pytest.approx(1.5)

    def test_what_was_not_used_is_given_back(self, turns):
        turns.reserve(10)
        turns.correct(-8)

        assert turns.reserve() == pytest.approx(0.2)

    def test_what_was_given_back_is_never_a_turn_in_the_past(self, turns):
        turns.correct(-1000)

        assert turns.reserve() == 0

    def test_no_minute_holds_more_than_the_limit_wherever_it_begins(self, turns, clock):
        starts = []
        for number in range(2000):
            starts.append(clock.now + turns.reserve())
            clock.now += 0.7 if number % 10 == 0 else 0.01

        most = max(sum(begin <= other < begin + 59.999 for other in starts) for begin in starts)
        assert most <= 600


class TestTurnsThatAreTakenWhenTheyCome:
    @pytest.fixture
    def turns(self, clock):
        return Timetable(600, clock)  # one each 0.1 s

    def test_the_first_has_come(self, turns):
        assert turns.left() == 0

    def test_the_next_comes_after_what_was_taken(self, turns):
        turns.take(30, since=1000)

        assert turns.left() == pytest.approx(3)

    def test_what_was_used_beyond_the_estimate_puts_it_off(self, turns):
        turns.take(30, since=1000)
        turns.correct(20)

        assert turns.left() == pytest.approx(5)

    def test_what_was_not_used_brings_it_near(self, turns):
        turns.take(30, since=1000)
        turns.correct(-20)

        assert turns.left() == pytest.approx(1)

    def test_who_waited_and_takes_it_a_little_late_puts_nobody_off(self, turns, clock):
        turns.take(1, since=1000)
        clock.now += 0.3
        turns.take(1, since=1000)  # it had come at 1000.1

        assert turns.left() == 0  # at 1000.2

    def test_what_was_free_before_it_waited_is_gone(self, turns, clock):
        clock.now += 60
        turns.take(1, since=1060)

        assert turns.left() == pytest.approx(0.1)

    def test_what_was_free_for_long_is_gone_though_somebody_waited(self, turns, clock):
        clock.now += 60
        turns.take(12, since=1000)

        assert turns.left() == pytest.approx(0.2)


class TestHours:
    @pytest.fixture
    def hours(self, clock):
        return Hours(clock)

    def test_they_run_as_the_clock_does(self, hours, clock):
        clock.now += 5

        assert hours.now() == 1005

    def test_they_stand_still_while_they_are_stopped(self, hours, clock):
        hours.stop(10)
        clock.now += 4

        assert hours.now() == 1000

    def test_they_go_on_where_they_stopped(self, hours, clock):
        hours.stop(10)
        clock.now += 13

        assert hours.now() == 1003

    def test_a_shorter_stop_within_another_changes_nothing(self, hours, clock):
        hours.stop(10)
        clock.now += 4
        hours.stop(2)
        clock.now += 9

        assert hours.now() == 1003

    def test_a_longer_stop_within_another_makes_it_longer(self, hours, clock):
        hours.stop(10)
        clock.now += 4
        hours.stop(10)
        clock.now += 13

        assert hours.now() == 1003

    def test_a_moment_is_further_off_by_what_they_stand_still(self, hours, clock):
        hours.stop(10)
        clock.now += 4

        assert hours.left(1002) == pytest.approx(8)

    def test_a_moment_that_is_over_comes_when_they_run_again(self, hours):
        hours.stop(10)

        assert hours.left(900) == pytest.approx(10)

    def test_a_moment_that_is_over_is_no_longer_waited_for(self, hours):
        assert hours.left(1000) == 0

    def test_turns_that_are_begun_in_time_leave_them_alone(self, hours, clock):
        clock.now += 0.2
        hours.begin(1000)

        assert hours.now() == 1000.2

    def test_where_nobody_could_begin_they_stood_still(self, hours, clock):
        clock.now += 10
        hours.begin(1001)

        assert hours.now() == pytest.approx(1002)

    def test_one_that_is_late_while_others_began_puts_nobody_off(self, hours, clock):
        clock.now += 10
        hours.begin(1009.9)
        hours.begin(1001)

        assert hours.now() == 1010

    def test_a_turn_after_a_time_in_which_nobody_came_puts_nobody_off(self, hours, clock):
        clock.now += 10
        hours.begin(1010)

        assert hours.now() == 1010


class TestLearned:
    def test_until_something_is_known_estimates_are_believed(self):
        assert Learned().ratio == 1

    def test_the_first_answer_says_what_the_next_will_use(self):
        learned = Learned()
        learned.add(500, 100)

        assert learned.ratio == pytest.approx(0.2)

    def test_long_ones_weigh_more(self):
        learned = Learned()
        learned.add(1, 10)
        learned.add(10_000, 10_000)

        assert learned.ratio == pytest.approx(1, rel=0.01)

    def test_what_is_long_ago_is_forgotten(self):
        learned = Learned()
        learned.add(100, 10_000)
        for _ in range(100):
            learned.add(100, 50)

        assert learned.ratio == pytest.approx(0.5, rel=0.01)


class TestSlots:
    @pytest.fixture
    def entered(self):
        return []

    @pytest.fixture
    def come(self, entered):
        async def come(slots, name):
            await slots.enter()
            entered.append(name)

        return come

    def test_so_many_enter_at_once_and_no_more(self, loop, entered, come):
        async def run():
            slots = Slots(2)
            tasks = [asyncio.create_task(come(slots, name)) for name in range(5)]
            await asyncio.sleep(1)
            seen = list(entered)
            for task in tasks:
                task.cancel()
            return seen

        assert loop.run(run()) == [0, 1]

    def test_places_are_taken_in_the_order_of_coming(self, loop, entered, come):
        async def run():
            slots = Slots(1)
            tasks = [asyncio.create_task(come(slots, name)) for name in range(20)]
            for _ in tasks:
                await asyncio.sleep(1)
                slots.leave()

        loop.run(run())

        assert entered == list(range(20))

    def test_who_comes_when_a_place_is_given_back_does_not_overtake(self, loop, entered, come):
        async def run():
            slots = Slots(1)
            await slots.enter()
            first = asyncio.create_task(come(slots, "first"))
            await asyncio.sleep(0)
            slots.leave()
            second = asyncio.create_task(come(slots, "second"))
            await first
            slots.leave()
            await second

        loop.run(run())

        assert entered == ["first", "second"]

    def test_it_says_whether_it_had_to_wait(self, loop):
        async def run():
            slots = Slots(1)
            at_once = await slots.enter()
            asyncio.get_running_loop().call_later(1, slots.leave)
            return at_once, await slots.enter()

        assert loop.run(run()) == (False, True)

    def test_one_that_is_cancelled_while_it_waits_is_passed_over(self, loop, entered, come):
        async def run():
            slots = Slots(1)
            await slots.enter()
            gone = asyncio.create_task(come(slots, "gone"))
            stays = asyncio.create_task(come(slots, "stays"))
            await asyncio.sleep(0)
            gone.cancel()
            slots.leave()
            await stays

        loop.run(run())

        assert entered == ["stays"]

    def test_one_that_is_cancelled_as_it_is_given_a_place_gives_it_back(self, loop, entered, come):
        async def run():
            slots = Slots(1)
            await slots.enter()
            gone = asyncio.create_task(come(slots, "gone"))
            await asyncio.sleep(0)
            slots.leave()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            await come(slots, "next")

        loop.run(run())

        assert entered == ["next"]

    def test_one_that_is_closed_while_it_waits_keeps_no_place(self, loop, entered, come):
        async def run():
            slots = Slots(1)
            await slots.enter()
            closed = come(slots, "closed")
            closed.send(None)
            closed.close()
            slots.leave()
            await come(slots, "next")

        loop.run(run())

        assert entered == ["next"]

    @pytest.fixture
    def left_behind(self, loop, come):
        """Places of which one was given back to a waiter whose loop is closed."""
        slots = Slots(1)
        other = asyncio.new_event_loop()
        loop.run(slots.enter())
        task = other.create_task(come(slots, "of the closed loop"))
        other.run_until_complete(asyncio.sleep(0))
        other.close()
        slots.leave()
        task._log_destroy_pending = False  # it cannot end: its loop is closed
        return slots, task

    def test_one_whose_loop_is_closed_is_passed_over(self, loop, left_behind):
        slots, _task = left_behind

        assert loop.run(slots.enter()) is False

    def test_one_that_was_passed_over_gives_nothing_back(self, loop, left_behind):
        slots, task = left_behind
        task.get_coro().close()
        loop.run(slots.enter())
        second = slots.enter()

        assert asyncio.isfuture(self._waits_for(loop, second))
        second.close()

    @staticmethod
    def _waits_for(loop, coroutine):
        """What a coroutine waits for first."""

        async def step():
            return coroutine.send(None)

        return loop.run(step())

    def test_loops_in_two_threads_share_them(self):
        slots, lock = Slots(3), threading.Lock()
        inside, most, done = 0, 0, 0

        async def work():
            nonlocal inside, most, done
            await slots.enter()
            with lock:
                inside += 1
                most = max(most, inside)
            await asyncio.sleep(0)
            with lock:
                inside -= 1
                done += 1
            slots.leave()

        async def many():
            await asyncio.gather(*(work() for _ in range(300)))

        threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert (done, inside, most) == (600, 0, 3)


class TestCircuitBreaker:
    @pytest.fixture
    def breaker(self, clock):
        return CircuitBreaker(Breaker(failures=3, seconds=10), clock)

    @pytest.fixture
    def opened(self, breaker):
        for _ in range(3):
            breaker.failed()
        return breaker

    def test_it_lets_all_through_below_its_number_of_failures(self, breaker):
        breaker.failed()
        breaker.failed()

        assert [breaker.admit(object()) for _ in range(5)] == [None] * 5

    def test_only_failures_in_a_row_count(self, breaker):
        for _ in range(5):
            breaker.failed()
            breaker.failed()
            breaker.succeeded()

        assert breaker.admit(object()) is None

    def test_it_says_which_failure_opened_it(self, breaker):
        assert [breaker.failed() for _ in range(3)] == [False, False, True]

    def test_it_tells_the_time_that_is_left(self, opened, clock):
        clock.now += 4

        assert opened.admit(object()) == pytest.approx(6)

    def test_when_the_time_is_over_it_lets_one_through(self, opened, clock):
        clock.now += 10

        assert [opened.admit(object()) for _ in range(3)] == [None, 10, 10]

    def test_the_success_of_that_one_closes_it(self, opened, clock):
        clock.now += 10
        opened.admit(object())
        opened.succeeded()

        assert [opened.admit(object()) for _ in range(3)] == [None] * 3

    def test_the_failure_of_that_one_begins_the_time_again(self, opened, clock):
        clock.now += 10
        opened.admit(object())
        opened.failed()
        clock.now += 9

        assert opened.admit(object()) == pytest.approx(1)

    def test_after_that_failure_too_one_is_let_through(self, opened, clock):
        clock.now += 10
        opened.admit(object())
        opened.failed()
        clock.now += 10

        assert [opened.admit(object()) for _ in range(2)] == [None, 10]

    def test_where_that_one_is_cancelled_another_is_let_through(self, opened, clock):
        clock.now += 10
        probe = object()
        opened.admit(probe)
        opened.given_up(probe)

        assert [opened.admit(object()) for _ in range(2)] == [None, 10]

    def test_one_that_began_before_and_is_cancelled_lets_no_second_through(self, breaker, clock):
        early = object()
        breaker.admit(early)
        for _ in range(3):
            breaker.failed()
        clock.now += 10
        breaker.admit(object())
        breaker.given_up(early)

        assert breaker.admit(object()) == 10

    def test_one_that_began_before_and_succeeds_closes_it(self, opened):
        opened.succeeded()

        assert opened.admit(object()) is None
