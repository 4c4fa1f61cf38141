"""Lanes: within a key one after the other, in order; keys apart."""

from __future__ import annotations

from collections import defaultdict, deque

from hypothesis import given
from hypothesis import strategies as st

from headrace.lanes import Lanes


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_items_leave_in_the_order_in_which_they_came(moves):
    lanes, waiting, running = Lanes(), defaultdict(deque), {}
    for number, (key, leaves) in enumerate(moves):
        if leaves and key in running:
            expected = waiting[key].popleft() if waiting[key] else None
            assert lanes.leave(key) == expected
            if expected is None:
                del running[key]
            else:
                running[key] = expected
        elif not leaves:
            assert lanes.enter(key, number) == (key not in running)
            if key in running:
                waiting[key].append(number)
            else:
                running[key] = number
        assert (len(lanes), lanes.waiting) == (len(running), sum(map(len, waiting.values())))
