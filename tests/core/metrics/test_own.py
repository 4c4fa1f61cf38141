"""Authors' own metrics: part of what a run does, counted when it finishes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from headrace import (
    DEAD_LETTER,
    Agent,
    Context,
    InputEvent,
    NonRetryableError,
    OutputEvent,
    action,
    run_local,
    sub_agent,
    tool,
)
from headrace.metrics import ActionMetrics, Measured, Metrics
from headrace.operator import Journal, Operator, RunInput
from headrace.plan import AgentPlan
from headrace.policy import FailurePolicy


def measured(agent, inputs, **more):
    metrics = Metrics()
    run_local(agent, inputs, metrics=metrics, **more)
    return metrics


_gate: asyncio.Event


async def _wait():
    await _gate.wait()


class Shop(Agent):
    @action(InputEvent)
    async def sell(self, event: InputEvent, ctx: Context) -> None:
        ctx.metrics.counter("orders", region=event.input["region"]).inc(event.input.get("n", 1))
        ctx.metrics.meter("clicks").mark()
        ctx.metrics.gauge("stock").set(event.input.get("stock", 0))
        ctx.metrics.histogram("basket", buckets=(1, 10)).observe(event.input.get("n", 1))


class Lift(Agent):
    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.metrics.gauge("floor").inc(event.input)
        ctx.metrics.gauge("floor").dec()


class Blocking(Agent):
    @action(InputEvent, blocking=True)
    def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.metrics.counter("seen").inc()


class Flaky(Agent):
    @action(InputEvent, on_failure=FailurePolicy(attempts=3, backoff=0.0))
    async def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.metrics.counter("tried").inc()
        if ctx.attempt < 3:
            raise ValueError("again")


class Failing(Agent):
    @action(InputEvent, on_failure=DEAD_LETTER)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.metrics.counter("tried").inc()
        raise NonRetryableError("never")


class Calling(Agent):
    @tool()
    async def look(self, what: str, ctx: Context) -> str:
        """Looks."""
        ctx.metrics.counter("looked").inc()
        return what

    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        await ctx.tool("look", what="here")
        await ctx.call(_wait)


class Asked(Agent):
    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.metrics.counter("looked").inc()
        ctx.send(OutputEvent(output=1))


class Asking(Agent):
    helper = sub_agent(Asked())

    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        await ctx.agent("helper", 1)
        await ctx.call(_wait)


class Torn(Agent):
    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        labels = {"region": "eu"} if event.input else {}
        ctx.metrics.counter("orders", **labels).inc()


class TestWhatIsMeasured:
    def test_a_counter_adds_up_by_its_labels(self):
        metrics = measured(Shop(), [{"region": "eu"}, {"region": "us", "n": 3}, {"region": "eu"}])
        assert metrics.value("orders_total", region="eu") == 2
        assert metrics.value("orders_total", region="us", agent="Shop") == 3

    def test_a_meter_counts(self):
        assert measured(Shop(), [{"region": "eu"}] * 4).value("clicks_total") == 4

    def test_a_gauge_is_what_was_set_last(self):
        metrics = measured(Shop(), [{"region": "eu", "stock": 5}, {"region": "eu", "stock": 2}])
        assert metrics.value("stock") == 2

    def test_a_gauge_goes_up_and_down(self):

        assert measured(Lift(), [3, 4]).value("floor") == 5

    def test_a_histogram_has_the_buckets_that_were_named(self):
        metrics = measured(Shop(), [{"region": "eu", "n": n} for n in (1, 5, 50)])
        [cell] = [
            cell
            for _, cell in metrics.family(
                "basket", "histogram", ("agent",), bounds=(1, 10)
            ).series()
        ]
        assert (cell.counts, cell.sum) == ([1, 1, 1], 56)

    def test_threads_measure_too(self):

        assert measured(Blocking(), [1, 2]).value("seen_total") == 2

    def test_nobody_need_look(self):
        assert run_local(Shop(), [{"region": "eu"}]).result.finished == 1


class TestCountedOnce:
    def test_an_attempt_that_failed_has_measured_nothing(self):

        assert measured(Flaky(), [1]).value("tried_total") == 1

    def test_a_run_that_failed_has_measured_nothing(self):

        assert measured(Failing(), [1]).value("tried_total") == 0

    def test_what_a_tool_measured_is_counted_in_a_replay_that_does_not_call_it(self):

        assert _twice(Calling(), "tool:look") == [0, 1]

    def test_what_a_sub_agent_measured_is_counted_in_a_replay_that_does_not_ask_it(self):

        assert _twice(Asking(), "agent:helper") == [0, 1]


def _twice(agent, made):
    """What a run has counted, cut off after the call ``made``, and when it is run again."""
    global _gate  # noqa: PLW0603 - actions of a module wait for it
    plan = AgentPlan.from_agent(agent)
    loop = asyncio.new_event_loop()
    item = RunInput("k", "k", 1, 0)
    seen = []
    _gate = asyncio.Event()

    async def until(true):
        while not true():  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0)

    first, second = Metrics(), Metrics()
    cut = Operator(plan, loop, on_done=lambda _run: None, metrics=first)
    run = cut.begin(item, {})

    def finished():
        stored = run.journal.stored() or {"calls": {}}
        calls = [call for calls in stored["calls"].values() for call in calls.values()]
        return any(call[0] == made and call[2] == "finished" for call in calls)

    loop.run_until_complete(until(finished))
    journal = Journal(run.journal.stored())
    loop.run_until_complete(cut.close())
    seen.append(first.value("looked_total"))
    _gate.set()
    again = Operator(plan, loop, on_done=lambda _run: None, metrics=second)
    replayed = again.begin(item, {}, journal)
    loop.run_until_complete(until(lambda: replayed.outcome is not None))
    loop.run_until_complete(again.close())
    loop.close()
    return [*seen, second.value("looked_total")]


class TestRefused:
    @pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "é", "x" * 200])
    def test_a_name_that_prometheus_would_not_take(self, name):
        with pytest.raises(ValueError, match="cannot be called"):
            ActionMetrics(Measured()).counter(name)

    def test_a_name_of_the_runtimes_own(self):
        with pytest.raises(ValueError, match="one of the runtime's"):
            ActionMetrics(Measured()).counter("headrace_runs_total")

    @pytest.mark.parametrize("label", ["le", "agent", "a-b"])
    def test_a_label_that_cannot_be_one(self, label):
        with pytest.raises(ValueError, match=f"label called '{label}'"):
            ActionMetrics(Measured()).counter("orders", **{label: "x"})

    @pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), "1", True])
    def test_an_amount_that_a_counter_cannot_take(self, amount):
        with pytest.raises(ValueError, match=r"counter only grows|finite numbers"):
            ActionMetrics(Measured()).counter("orders").inc(amount)

    @pytest.mark.parametrize("buckets", [(), (2, 1), (1, 1), (1, float("inf")), range(200)])
    def test_buckets_that_do_not_ascend(self, buckets):
        with pytest.raises(ValueError, match="must be 1 to 100 finite numbers that ascend"):
            ActionMetrics(Measured()).histogram("size", buckets=buckets)

    def test_two_uses_of_one_name_that_do_not_agree_fail_no_run(self, caplog):

        with caplog.at_level(logging.WARNING, "headrace.metrics"):
            metrics = measured(Torn(), [0, 1, 1])
        assert metrics.value("orders_total") == 1
        assert len(caplog.records) == 1
        assert "the metric orders_total is a counter" in caplog.text


def test_what_was_measured_is_the_same_from_a_journal():
    made = Measured()
    metrics = ActionMetrics(made)
    metrics.counter("orders", region="eu").inc(2.5)
    metrics.gauge("stock").inc()
    metrics.histogram("size", buckets=(1, 2)).observe(1.5)
    assert Measured.of(made.stored()) == made
