"""A chat model with its policy: retries, pauses, time-outs, breaker, fallbacks, streams, cost."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from decimal import Decimal

import pytest

from headrace import (
    ChatDelta,
    ChatModel,
    ChatRequest,
    ChatResponse,
    EmbeddingModel,
    Message,
    ModelError,
    Usage,
)
from headrace.chat import Image
from headrace.errors import ResourceError
from headrace.models._forms import Form

RETRYABLE = sorted(ModelError.RETRYABLE)
FINAL = sorted(ModelError.CODES - ModelError.RETRYABLE)
ONCE = {"attempts": 1}


def asked(text="hi", **more):
    return ChatRequest(messages=(Message(role="user", content=text),), **more)


def error(code, **more):
    return ModelError("not now", code=code, **more)


class Slow(ChatModel):
    """Uses 1,000 tokens for each answer, and takes its time."""

    def __init__(self, seconds):
        self._seconds = seconds
        self.times = []

    async def chat(self, request):
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._seconds)
        message = Message(role="assistant", content="slowly")
        return ChatResponse(message=message, usage=Usage(input_tokens=1000))


class TestRetries:
    @pytest.mark.parametrize("code", RETRYABLE)
    def test_a_failure_that_may_pass_is_tried_again(self, governing, played, code):
        model = governing.model(played(error(code), error(code), "yes"))

        assert governing.watch(model.chat(asked())).text == "yes"

    @pytest.mark.parametrize("code", FINAL)
    def test_a_failure_that_stays_is_not_tried_again(self, governing, played, code):
        inner = played(error(code))
        failed = governing.failure(governing.model(inner).chat(asked()))

        assert (failed.code, len(inner.requests)) == (code, 1)

    def test_after_the_last_attempt_it_fails_as_the_last_one_did(self, governing, played):
        inner = played(error("timeout"), error("timeout"), error("timeout"), error("overloaded"))
        failed = governing.failure(governing.model(inner).chat(asked()))

        assert (failed.code, len(inner.requests)) == ("overloaded", 4)

    def test_the_waits_between_are_doubled(self, governing, played):
        inner = played(error("overloaded"))
        governing.failure(governing.model(inner).chat(asked()))

        assert inner.times == [1000, 1001, 1003, 1007]

    def test_a_longer_wait_that_the_provider_asks_for_is_kept(self, governing, played):
        inner = played(error("overloaded", retry_after=20.0), "yes")
        governing.watch(governing.model(inner).chat(asked()))

        assert inner.times == [1000, 1020]

    def test_what_is_no_failure_of_a_model_is_not_tried_again(self, governing, played):
        inner = played(ResourceError("broken"))

        with pytest.raises(ResourceError):
            governing.watch(governing.model(inner).chat(asked()))
        assert len(inner.requests) == 1

    def test_the_same_request_is_made_again(self, governing, played):
        inner, request = played(error("timeout"), "yes"), asked(temperature=0.5)
        governing.watch(governing.model(inner).chat(request))

        assert inner.requests == [request, request]

    def test_it_is_told(self, governing, played):
        governing.watch(governing.model(played(error("timeout"), "yes")).chat(asked()))

        assert governing.told == [("retried", "model", {"code": "timeout", "wait": 1.0})]

    def test_where_nothing_happens_nothing_is_told(self, governing, played):
        limits = {"requests_per_minute": 60, "tokens_per_minute": 1e6, "concurrency": 1}
        governing.watch(governing.model(played(), **limits).chat(asked()))

        assert governing.told == []


class TestLimits:
    @pytest.fixture
    def many(self):
        async def many(model, count):
            return await asyncio.gather(*(model.chat(asked(str(n))) for n in range(count)))

        return many

    def test_requests_begin_evenly_at_their_rate_in_the_order_of_coming(
        self, governing, played, many
    ):
        inner = played()
        governing.watch(many(governing.model(inner, requests_per_minute=120), 4))

        assert inner.times == pytest.approx([1000, 1000.5, 1001, 1001.5])
        assert [request.messages[0].content for request in inner.requests] == list("0123")

    def test_a_loop_that_could_not_turn_does_not_begin_all_that_it_missed(
        self, governing, played, many
    ):
        inner = played()
        model = governing.model(inner, requests_per_minute=60)

        async def busy():
            await asyncio.sleep(0.5)
            governing.loop.clock.now += 9.5  # nothing ran until 1010

        async def run():
            await asyncio.gather(many(model, 5), busy())

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 1010, 1010, 1011, 1012])

    def test_a_request_that_is_made_again_takes_a_turn_again(self, governing, played, many):
        inner = played(error("timeout"), "yes")
        governing.watch(many(governing.model(inner, requests_per_minute=12), 2))

        assert inner.times == pytest.approx([1000, 1005, 1010])

    def test_tokens_are_estimated_before_a_request(self, governing, played, many):
        inner = played(ChatResponse(message=Message(role="assistant")))  # tells no usage
        model = governing.model(inner, tokens_per_minute=60)

        async def run():
            for _ in range(2):
                await model.chat(asked("x" * 40, max_tokens=9))

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 1020])  # 40 / 4 + 1 + 9 tokens at one a second

    def test_an_image_counts_as_tokens_too(self, governing, played):
        picture = Image(url="https://example.org/a.png")
        shown = ChatRequest(messages=(Message(role="user", images=(picture,)),), max_tokens=9)
        inner = played(ChatResponse(message=Message(role="assistant")))
        model = governing.model(inner, tokens_per_minute=60)

        async def run():
            for _ in range(2):
                await model.chat(shown)

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 2010])

    def test_the_estimate_is_put_right_by_what_was_used(self, governing, played):
        inner = played("uses 1,100 tokens")
        model = governing.model(inner, tokens_per_minute=60)

        async def run():
            for _ in range(2):
                await model.chat(asked(max_tokens=9))

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 2100])

    @pytest.mark.parametrize("estimated", [9, 5000])
    def test_for_many_that_wait_already_it_is_put_right_too(self, governing, played, estimated):
        inner = played("uses 1,100 tokens")
        model = governing.model(inner, tokens_per_minute=66_000)

        async def run():
            chats = (model.chat(asked(max_tokens=estimated)) for _ in range(5))
            await asyncio.gather(*chats)

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 1001, 1002, 1003, 1004])

    @pytest.mark.parametrize(
        ("estimated", "seconds"), [(100, 0.5), (100, 5.0), (5000, 0.5), (5000, 5.0), (1000, 5.0)]
    )
    def test_no_minute_is_far_from_the_limit_though_estimates_are_and_answers_take_their_time(
        self, governing, estimated, seconds
    ):
        inner = Slow(seconds)
        model = governing.model(inner, tokens_per_minute=600_000)

        async def run():
            chats = (model.chat(asked(max_tokens=estimated)) for _ in range(1500))
            await asyncio.gather(*chats)

        governing.watch(run())
        begin, end = inner.times[0] + 60, inner.times[-1] - 60
        counts = [
            bisect_left(inner.times, start + 60) - place
            for place, start in enumerate(inner.times)
            if begin <= start <= end
        ]
        assert (min(counts), max(counts)) == pytest.approx((600, 600), rel=0.02)

    def test_tokens_and_requests_may_both_be_limited(self, governing, played):
        inner = played("uses 1,100 tokens")
        model = governing.model(inner, tokens_per_minute=66_000, requests_per_minute=30)

        async def run():
            await asyncio.gather(*(model.chat(asked()) for _ in range(4)))

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 1002, 1004, 1006])

    def test_one_that_is_cancelled_while_it_waits_for_tokens_holds_nobody_up(
        self, governing, played
    ):
        inner = played("uses 1,100 tokens")
        model = governing.model(inner, tokens_per_minute=66_000)

        async def run():
            tasks = [asyncio.create_task(model.chat(asked(str(n)))) for n in range(5)]
            await asyncio.sleep(0.5)
            tasks[1].cancel()  # whose turn is next
            tasks[2].cancel()  # which waits to take one
            await asyncio.gather(*tasks, return_exceptions=True)

        governing.watch(run())
        assert [request.messages[0].content for request in inner.requests] == ["0", "3", "4"]

    def test_so_many_requests_run_at_the_same_time_and_no_more(self, governing, played, many):
        inner = played(1.0, "a", 1.0, "b", 1.0, "c", 1.0, "d", "e")
        governing.watch(many(governing.model(inner, concurrency=1), 4))

        assert inner.times == pytest.approx([1000, 1001, 1002, 1003])

    def test_who_waits_between_attempts_takes_no_place(self, governing, played):
        inner = played(error("overloaded"), "yes")
        model = governing.model(inner, concurrency=1)

        async def run():
            first = asyncio.create_task(model.chat(asked("first")))
            await asyncio.sleep(0.5)
            await model.chat(asked("second"))
            await first

        governing.watch(run())
        contents = [request.messages[0].content for request in inner.requests]
        assert contents == ["first", "second", "first"]

    def test_one_that_is_cancelled_while_it_waits_for_its_turn_gives_its_place_back(
        self, governing, played
    ):
        inner = played()
        model = governing.model(inner, concurrency=1, requests_per_minute=1)

        async def run():
            await model.chat(asked("first"))
            waiting = asyncio.create_task(model.chat(asked("cancelled")))
            await asyncio.sleep(1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await model.chat(asked("third"))

        governing.watch(run())
        assert [request.messages[0].content for request in inner.requests] == ["first", "third"]

    def test_a_wait_is_told(self, governing, played, many):
        governing.watch(many(governing.model(played(), requests_per_minute=60), 2))

        assert governing.told == [("waited", "model", {"seconds": 1.0})]


class TestPauses:
    def test_a_rate_limit_that_says_how_long_holds_all_requests_back(self, governing, played):
        inner = played(error("rate_limited", retry_after=30.0), "yes")
        model = governing.model(inner, retry=ONCE)

        async def run():
            await asyncio.gather(model.chat(asked()), return_exceptions=True)
            await model.chat(asked())

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 1030])

    def test_it_does_so_for_all_models_of_the_group(self, governing, played):
        limited = governing.model(
            played(error("rate_limited", retry_after=30.0)), "limited", group="g", retry=ONCE
        )
        inner = played()
        other = governing.model(inner, "other", group="g")

        async def run():
            await asyncio.gather(limited.chat(asked()), return_exceptions=True)
            await other.chat(asked())

        governing.watch(run())
        assert inner.times == pytest.approx([1030])

    def test_those_that_it_held_up_do_not_come_all_at_once_afterwards(self, governing, played):
        inner = played(error("rate_limited", retry_after=30.0), "yes")
        model = governing.model(inner, requests_per_minute=60, retry=ONCE)

        async def run():
            chats = (model.chat(asked()) for _ in range(4))
            await asyncio.gather(*chats, return_exceptions=True)

        governing.watch(run())
        assert inner.times == pytest.approx([1000, 1031, 1032, 1033])

    def test_one_that_does_not_say_how_long_holds_nobody_back(self, governing, played):
        inner = played(error("rate_limited"), "yes")
        model = governing.model(inner, retry=ONCE)

        async def run():
            await asyncio.gather(model.chat(asked()), return_exceptions=True)
            await model.chat(asked())

        governing.watch(run())
        assert inner.times == [1000, 1000]

    def test_an_overload_that_says_how_long_holds_only_its_own_request_back(
        self, governing, played
    ):
        inner = played(error("overloaded", retry_after=30.0), "yes")
        model = governing.model(inner, retry=ONCE)

        async def run():
            await asyncio.gather(model.chat(asked()), return_exceptions=True)
            await model.chat(asked())

        governing.watch(run())
        assert inner.times == [1000, 1000]

    def test_no_provider_is_believed_for_more_than_an_hour(self, governing, played):
        inner = played(error("rate_limited", retry_after=1e9), "yes")
        governing.watch(governing.model(inner).chat(asked()))

        assert inner.times == pytest.approx([1000, 4600])


class TestTimeouts:
    def test_a_request_that_takes_too_long_fails_with_its_code(self, governing, played):
        model = governing.model(played(60.0, "late"), timeout=5, retry=ONCE)

        assert governing.failure(model.chat(asked())).code == "timeout"

    def test_it_says_which_model_and_how_long(self, governing, played):
        model = governing.model(played(60.0, "late"), timeout=5, retry=ONCE)

        assert str(governing.failure(model.chat(asked()))) == (
            "the model 'model' took longer than 5 s (its policy's timeout)"
        )

    def test_it_is_tried_again(self, governing, played):
        inner = played(60.0, "in time")
        governing.watch(governing.model(inner, timeout=5).chat(asked()))

        assert inner.times == pytest.approx([1000, 1006])

    def test_where_the_policy_gives_none_it_is_that_of_calls(self, governing, played):
        model = governing.model(played(60.0, "late"), call_timeout=7, retry=ONCE)

        assert "longer than 7 s" in str(governing.failure(model.chat(asked())))

    def test_the_wait_for_a_turn_is_not_part_of_it(self, governing, played):
        model = governing.model(played(), requests_per_minute=1, timeout=5)

        async def run():
            return await asyncio.gather(*(model.chat(asked()) for _ in range(2)))

        assert [response.text for response in governing.watch(run())] == ["yes", "yes"]

    def test_a_request_that_is_cancelled_by_its_user_is_not_taken_for_late(self, governing, played):
        model = governing.model(played(60.0, "late"), timeout=90)

        async def run():
            task = asyncio.create_task(model.chat(asked()))
            await asyncio.sleep(1)
            task.cancel()
            await task

        with pytest.raises(asyncio.CancelledError):
            governing.watch(run())


class TestBreaker:
    BREAKER = {"failures": 2, "seconds": 100}  # noqa: RUF012 - it is only read

    @pytest.fixture
    def outcomes(self, governing):
        def outcomes(model, count, pause=0.0):
            """The text or code of each of so many chats, one after the other."""

            async def run():
                seen = []
                for _ in range(count):
                    try:
                        seen.append((await model.chat(asked())).text)
                    except ModelError as failed:
                        seen.append(failed.code)
                    await asyncio.sleep(pause)
                return seen

            return governing.watch(run())

        return outcomes

    @pytest.mark.parametrize("code", ["overloaded", "timeout", "connection"])
    def test_after_failures_of_the_provider_in_a_row_it_is_not_asked(
        self, governing, played, outcomes, code
    ):
        inner = played(error(code))
        seen = outcomes(governing.model(inner, breaker=self.BREAKER, retry=ONCE), 5)

        assert (seen, len(inner.requests)) == ([code] * 2 + ["overloaded"] * 3, 2)

    @pytest.mark.parametrize(
        "code", sorted(ModelError.CODES - {"overloaded", "timeout", "connection"})
    )
    def test_other_failures_do_not_count(self, governing, played, outcomes, code):
        inner = played(error(code))
        outcomes(governing.model(inner, breaker=self.BREAKER, retry=ONCE), 5)

        assert len(inner.requests) == 5

    def test_without_a_breaker_it_is_asked_on_and_on(self, governing, played, outcomes):
        inner = played(error("overloaded"))
        outcomes(governing.model(inner, breaker=None, retry=ONCE), 15)

        assert len(inner.requests) == 15

    def test_its_failure_says_when_it_will_be_asked_again(self, governing, played, outcomes):
        model = governing.model(played(error("overloaded")), breaker=self.BREAKER, retry=ONCE)
        outcomes(model, 2, pause=10)

        assert governing.failure(model.chat(asked())).retry_after == pytest.approx(90)

    def test_when_the_time_is_over_an_answer_closes_it(self, governing, played, outcomes):
        inner = played(error("overloaded"), error("overloaded"), "yes")
        model = governing.model(inner, breaker=self.BREAKER, retry=ONCE)
        seen = outcomes(model, 5, pause=45)

        assert seen == ["overloaded"] * 4 + ["yes"]

    def test_of_many_that_wait_one_is_let_through(self, governing, played, outcomes):
        inner = played(error("overloaded"), error("overloaded"), 1.0, "yes")
        model = governing.model(inner, breaker=self.BREAKER, retry=ONCE)
        outcomes(model, 2, pause=100)

        async def run():
            chats = (model.chat(asked()) for _ in range(5))
            return await asyncio.gather(*chats, return_exceptions=True)

        answers = governing.watch(run())
        assert [isinstance(each, ModelError) for each in answers] == [False] + [True] * 4

    def test_where_that_one_is_cancelled_the_next_is_let_through(self, governing, played, outcomes):
        inner = played(error("overloaded"), error("overloaded"), 60.0, "yes")
        model = governing.model(inner, breaker=self.BREAKER, retry=ONCE)
        outcomes(model, 2, pause=100)

        async def run():
            probe = asyncio.create_task(model.chat(asked()))
            await asyncio.sleep(1)
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
            return (await model.chat(asked())).text

        assert governing.watch(run()) == "yes"

    def test_without_a_fallback_a_request_waits_as_its_retries_say(self, governing, played):
        inner = played(error("overloaded"), error("overloaded"), "yes")
        model = governing.model(inner, breaker=self.BREAKER)
        response = governing.watch(model.chat(asked()))

        assert (response.text, inner.times) == ("yes", pytest.approx([1000, 1001, 1101]))

    def test_with_a_fallback_nobody_waits(self, governing, played):
        inner, small = played(error("overloaded")), played("small")
        governing.model(small, "small")
        model = governing.model(inner, breaker=self.BREAKER, fallback="small")
        governing.watch(model.chat(asked()))

        assert (len(inner.requests), small.times) == (2, pytest.approx([1003]))

    def test_with_a_fallback_for_other_failures_a_request_waits(self, governing, played):
        inner = played(error("overloaded"), error("overloaded"), "yes")
        governing.model(played("small"), "small")
        model = governing.model(
            inner, breaker=self.BREAKER, fallback="small", fallback_on=["refused"]
        )

        assert governing.watch(model.chat(asked())).text == "yes"

    def test_it_is_told(self, governing, played, outcomes):
        model = governing.model(played(error("overloaded")), breaker=self.BREAKER, retry=ONCE)
        outcomes(model, 3)

        assert governing.told == [("left alone", "model", {"code": "overloaded"})]


class TestFallbacks:
    def test_it_is_asked_after_the_last_attempt(self, governing, played):
        inner, small = played(error("timeout")), played("small")
        governing.model(small, "small")
        model = governing.model(inner, fallback="small")

        assert governing.watch(model.chat(asked())).text == "small"
        assert (len(inner.requests), small.times) == (4, [1007])

    def test_it_is_asked_the_same(self, governing, played):
        small, request = played("small"), asked(max_tokens=7)
        governing.model(small, "small")
        model = governing.model(played(error("unknown")), fallback="small")
        governing.watch(model.chat(request))

        assert small.requests == [request]

    @pytest.mark.parametrize("code", sorted(set(FINAL) - {"unknown"}))
    def test_it_is_not_asked_where_it_would_be_wrong_too(self, governing, played, code):
        governing.model(played("small"), "small")
        model = governing.model(played(error(code)), fallback="small")

        assert governing.failure(model.chat(asked())).code == code

    def test_the_policy_says_after_which_failures_it_is_asked(self, governing, played):
        governing.model(played("small"), "small")
        model = governing.model(
            played(error("context_too_long")), fallback="small", fallback_on=["context_too_long"]
        )

        assert governing.watch(model.chat(asked())).text == "small"

    def test_a_fallback_has_a_fallback(self, governing, played):
        governing.model(played("third"), "third")
        governing.model(played(error("unknown")), "second", fallback="third")
        model = governing.model(played(error("unknown")), fallback="second")

        assert governing.watch(model.chat(asked())).text == "third"

    def test_where_the_last_one_fails_too_its_failure_is_raised(self, governing, played):
        governing.model(played(error("refused")), "small")
        model = governing.model(played(error("unknown")), fallback="small")

        assert governing.failure(model.chat(asked())).code == "refused"

    def test_the_place_is_given_back_before_it_is_asked(self, governing, played):
        governing.model(played("small"), "small", group="g", concurrency=1)
        model = governing.model(
            played(error("unknown")), fallback="small", group="g", concurrency=1
        )

        assert governing.watch(model.chat(asked())).text == "small"

    def test_it_is_told(self, governing, played):
        governing.model(played("small"), "small")
        governing.watch(governing.model(played(error("unknown")), fallback="small").chat(asked()))

        assert governing.told == [("fell back", "model", {"code": "unknown", "to": "small"})]


class TestCost:
    PRICES = {"input": 2.0, "output": 10.0}  # noqa: RUF012

    def test_the_tokens_of_a_model_without_prices_are_told_as_having_none(self, governing, played):
        usage = governing.watch(governing.model(played()).chat(asked())).usage

        assert (usage.cost, usage.unpriced_tokens) == (0, 1100)

    def test_those_of_a_model_that_is_free_have_one(self, governing, played):
        usage = governing.watch(governing.model(played(), prices={}).chat(asked())).usage

        assert (usage.cost, usage.unpriced_tokens) == (0, 0)

    def test_an_answer_has_its_cost(self, governing, played):
        model = governing.model(played(), prices=self.PRICES)

        assert governing.watch(model.chat(asked())).usage.cost == Decimal("0.003")

    def test_what_else_was_used_stays_as_the_provider_says(self, governing, played):
        model = governing.model(played(), prices=self.PRICES)
        usage = governing.watch(model.chat(asked())).usage

        free = usage.model_copy(update={"cost": Decimal(0)})
        assert free == Usage(input_tokens=1000, output_tokens=100)

    def test_the_answer_of_a_fallback_has_the_fallbacks_price(self, governing, played):
        governing.model(played("small"), "small", prices={"input": 1.0})
        model = governing.model(played(error("unknown")), fallback="small", prices=self.PRICES)

        assert governing.watch(model.chat(asked())).usage.cost == Decimal("0.001")

    def test_the_answer_of_a_fallback_without_prices_is_not_given_others(self, governing, played):
        governing.model(played("small"), "small")
        model = governing.model(played(error("unknown")), fallback="small", prices=self.PRICES)
        usage = governing.watch(model.chat(asked())).usage

        assert (usage.cost, usage.unpriced_tokens) == (0, usage.tokens)

    def test_a_streamed_answer_has_its_cost_too(self, governing, played):
        model = governing.model(played(), prices=self.PRICES)
        response = governing.watch(model.stream(asked(), lambda _delta: None))

        assert response.usage.cost == Decimal("0.003")


class Spoken(ChatModel):
    """Plays parts of answers: texts are told, a failure is raised, and the end is the answer."""

    def __init__(self, *answers):
        self._answers = list(answers)

    async def chat(self, request):
        raise AssertionError("it is to be streamed")

    async def stream(self, request, on_delta):
        told = []
        for part in self._answers.pop(0):
            if isinstance(part, Exception):
                raise part
            told.append(part)
            on_delta(ChatDelta(text=part))
        return ChatResponse(message=Message(role="assistant", content="".join(told)))


RESTARTED = ChatDelta(restarted=True)


class TestStreams:
    @pytest.fixture
    def streamed(self, governing):
        def streamed(model):
            """What was told, texts for deltas, and the answer's text."""
            told = []
            response = governing.watch(model.stream(asked(), told.append))
            return [delta if delta.restarted else delta.text for delta in told], response.text

        return streamed

    def test_the_parts_are_told_in_order(self, governing, streamed):
        model = governing.model(Spoken(["a", "b", "c"]))

        assert streamed(model) == (["a", "b", "c"], "abc")

    def test_one_that_broke_off_says_that_it_is_made_again(self, governing, streamed):
        model = governing.model(Spoken(["a", error("connection")], ["b", "c"]))

        assert streamed(model) == (["a", RESTARTED, "b", "c"], "bc")

    def test_one_that_told_nothing_yet_does_not(self, governing, streamed):
        model = governing.model(Spoken([error("connection")], ["b"]))

        assert streamed(model) == (["b"], "b")

    def test_each_time_that_it_is_made_again_is_told_once(self, governing, streamed):
        broken = ["a", error("connection")]
        model = governing.model(Spoken(broken, [error("timeout")], broken, ["b"]))

        assert streamed(model) == (["a", RESTARTED, "a", RESTARTED, "b"], "b")

    def test_what_a_fallback_says_is_an_answer_made_anew(self, governing, streamed):
        governing.model(Spoken(["b"]), "small")
        model = governing.model(Spoken(["a", error("unknown")]), fallback="small")

        assert streamed(model) == (["a", RESTARTED, "b"], "b")

    def test_a_fallback_that_breaks_off_says_so_itself(self, governing, streamed):
        governing.model(Spoken(["b", error("connection")], ["c"]), "small")
        model = governing.model(Spoken(["a", error("unknown")]), fallback="small")

        assert streamed(model) == (["a", RESTARTED, "b", RESTARTED, "c"], "c")

    def test_a_model_that_cannot_stream_tells_its_answer_as_one_part(
        self, governing, played, streamed
    ):
        assert streamed(governing.model(played("whole"))) == (["whole"], "whole")


class TestForms:
    @pytest.fixture
    def request_(self):
        return asked(output=Form(dict[str, int]).schema)

    def test_a_model_that_keeps_to_forms_is_given_it(self, governing, played, request_):
        inner = played(structured=True)
        governing.watch(governing.model(inner).chat(request_))

        assert inner.requests == [request_]

    def test_another_is_told_it_in_words(self, governing, played, request_):
        inner = played(structured=False)
        governing.watch(governing.model(inner).chat(request_))
        [told] = inner.requests

        assert told.output is None
        assert '"additionalProperties":{"type":"integer"}' in told.messages[0].content

    def test_a_stream_too(self, governing, played, request_):
        inner = played(structured=False)
        governing.watch(governing.model(inner).stream(request_, lambda _delta: None))

        assert inner.requests[0].output is None

    def test_a_request_without_a_form_stays_as_it_is(self, governing, played):
        inner, request = played(structured=False), asked()
        governing.watch(governing.model(inner).chat(request))

        assert inner.requests == [request]

    @pytest.mark.parametrize("first", [True, False])
    def test_a_fallback_is_asked_in_its_own_way(self, governing, played, request_, first):
        small = played("small", structured=not first)
        governing.model(small, "small")
        inner = played(error("unknown"), structured=first)
        governing.watch(governing.model(inner, fallback="small").chat(request_))

        assert [model.requests[0].output is None for model in (inner, small)] == [not first, first]

    def test_in_words_it_is_told_once(self, governing, played, request_):
        inner = played(error("timeout"), "yes", structured=False)
        governing.watch(governing.model(inner).chat(request_))

        assert inner.requests[0] == inner.requests[1]


class Vectors(EmbeddingModel):
    """Plays vectors."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.queries = 0

    async def embed(self, texts):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [answer for _ in texts]

    async def embed_query(self, text):
        self.queries += 1
        return await super().embed_query(text)


class TestEmbeddings:
    def test_they_are_tried_again(self, governing):
        model = governing.model(Vectors(error("timeout"), [1.0]))

        assert governing.watch(model.embed(["a", "b"])) == [[1.0], [1.0]]

    def test_they_fall_back(self, governing):
        governing.model(Vectors([2.0]), "small")
        model = governing.model(Vectors(error("unknown")), fallback="small")

        assert governing.watch(model.embed_query("a")) == [2.0]

    def test_a_question_is_asked_as_one(self, governing):
        inner = Vectors([1.0])
        governing.watch(governing.model(inner).embed_query("a"))

        assert inner.queries == 1
