"""How long a failure policy waits, and what it does not try again."""

from __future__ import annotations

import pytest

from headrace import ModelError, NonRetryableError, retry

STEADY = retry(10, backoff=1.0, jitter=0.0, max_backoff=5.0)
FLAW = ValueError("flaw")


def test_waits_double_up_to_the_longest():
    assert [STEADY.wait(FLAW, attempt) for attempt in (1, 2, 3, 4, 900)] == [
        1.0,
        2.0,
        4.0,
        5.0,
        5.0,
    ]


def test_jitter_only_shortens_a_wait_by_its_part():
    policy = retry(10, backoff=1.0, jitter=0.25)
    waits = {policy.wait(FLAW, 1) for _ in range(200)}
    assert len(waits) > 1
    assert 0.75 <= min(waits) <= max(waits) <= 1.0


@pytest.mark.parametrize(
    ("told", "waited"), [(None, 1.0), (0.5, 1.0), (30.0, 30.0), (1e12, 3600.0), (-5.0, 1.0)]
)
def test_a_providers_own_wait_is_the_least_and_believed_up_to_an_hour(told, waited):
    error = ModelError("slow down", code="rate_limited", retry_after=told)
    assert STEADY.wait(error, 1) == waited


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (FLAW, True),
        (ModelError("busy", code="overloaded"), True),
        (ModelError("who are you", code="unauthorised"), False),
        (NonRetryableError("no"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_type_of_an_error_says_whether_it_is_tried_again(error, again):
    assert STEADY.retryable(error, 1) is again


def test_the_last_attempt_is_the_last():
    assert [STEADY.retryable(FLAW, attempt) for attempt in (9, 10, 11)] == [True, False, False]
