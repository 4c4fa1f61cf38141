"""A coroutine that is started at once is a whole task, and time-outs end what takes too long."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from headrace.operator._eager import Deadlines, start

VARIABLE = contextvars.ContextVar("variable", default="outside")


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def deadlines(loop):
    made = Deadlines(loop)
    yield made
    made.close()


class TestStart:
    def test_what_never_waits_is_done_without_a_turn_of_the_loop(self, loop):
        async def quick():
            return 7

        assert start(loop, quick()).result() == 7

    def test_what_waits_goes_on_with_the_loop(self, loop):
        async def waits():
            await asyncio.sleep(0)
            return 7

        task = start(loop, waits())

        assert not task.done()
        assert loop.run_until_complete(task) == 7

    def test_it_is_the_current_task_of_the_running_loop(self, loop):
        async def who():
            return asyncio.current_task(), asyncio.get_running_loop()

        task = start(loop, who())

        assert task.result() == (task, loop)

    def test_no_loop_runs_afterwards(self, loop):
        async def quick():
            pass

        start(loop, quick())

        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()

    def test_an_error_stays_in_the_task(self, loop):
        async def fails():
            raise ValueError("inside")

        assert str(start(loop, fails()).exception()) == "inside"

    def test_variables_that_it_sets_stay_its_own(self, loop):
        async def sets():
            VARIABLE.set("inside")

        start(loop, sets())

        assert VARIABLE.get() == "outside"

    def test_variables_are_kept_over_its_waits(self, loop):
        async def sets():
            VARIABLE.set("inside")
            await asyncio.sleep(0)
            return VARIABLE.get()

        assert loop.run_until_complete(start(loop, sets())) == "inside"

    def test_it_may_be_called_in_a_callback_of_the_loop(self, loop):
        async def quick():
            return asyncio.get_running_loop()

        made = []
        loop.call_soon(lambda: made.append(start(loop, quick())))
        loop.run_until_complete(asyncio.sleep(0))

        assert made[0].result() is loop

    def test_other_callbacks_of_the_loop_are_not_touched(self, loop):
        async def schedules():
            asyncio.get_running_loop().call_soon(seen.append, 1)

        seen = []
        start(loop, schedules())

        assert seen == []

    def test_it_can_be_cancelled(self, loop):
        async def waits():
            await asyncio.Event().wait()

        task = start(loop, waits())
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

        assert task.cancelled()


class TestDeadlines:
    async def forever(self):
        await asyncio.Event().wait()

    def test_what_takes_longer_is_ended(self, loop, deadlines):
        async def work():
            with deadlines.within(0.01):
                await self.forever()

        with pytest.raises(TimeoutError, match=r"took longer than 0\.01 s"):
            loop.run_until_complete(work())

    def test_what_ends_in_time_is_not_touched(self, loop, deadlines):
        async def work():
            with deadlines.within(60):
                await asyncio.sleep(0)
            return "done"

        assert loop.run_until_complete(work()) == "done"

    def test_none_is_for_ever(self, loop, deadlines):
        async def work():
            with deadlines.within(None):
                await asyncio.sleep(0.01)
            return "done"

        assert loop.run_until_complete(work()) == "done"

    def test_a_late_one_begins_when_it_is_armed(self, loop, deadlines):
        async def work():
            deadline = deadlines.within(0.01, late=True)
            with deadline:
                await asyncio.sleep(0.05)
                deadline.arm()
                await self.forever()

        with pytest.raises(TimeoutError):
            loop.run_until_complete(work())

    @pytest.mark.parametrize(("outer", "inner"), [(0.02, 60), (60, 0.02)])
    def test_of_two_the_one_that_is_over_is_told(self, loop, deadlines, outer, inner):
        async def work():
            try:
                with deadlines.within(outer):
                    try:
                        with deadlines.within(inner):
                            await self.forever()
                    except TimeoutError:
                        return "inner"
            except TimeoutError:
                return "outer"

        assert loop.run_until_complete(work()) == ("outer" if outer < inner else "inner")

    def test_a_cancelling_from_outside_stays_a_cancelling(self, loop, deadlines):
        async def work():
            with deadlines.within(60):
                await self.forever()

        task = start(loop, work())
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)

    def test_many_of_one_duration_end_each_its_own_task(self, loop, deadlines):
        async def work(number):
            try:
                with deadlines.within(0.02):
                    await (asyncio.sleep(0) if number % 2 else self.forever())
            except TimeoutError:
                return None
            return number

        async def all_of_them():
            return await asyncio.gather(*(work(number) for number in range(20)))

        found = loop.run_until_complete(all_of_them())

        assert found == [number if number % 2 else None for number in range(20)]

    def test_nothing_is_left_of_durations_that_are_over(self, loop, deadlines):
        async def work():
            for number in range(50):
                with deadlines.within(0.0001 * (number + 1)):
                    pass
            await asyncio.sleep(0.05)

        loop.run_until_complete(work())

        assert not deadlines._due
