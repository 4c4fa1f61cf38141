"""Which shards a worker has, and turns for all of them when it starts.

PyFlink runs a function for an element or a timer of one key, and a restored key that has neither
sleeps. At a worker's first turn, whichever key it is for, each of its shards is given a timer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.flink._pyflink import Row, keyed_state_backend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.flink._pyflink import RuntimeContext

__all__ = ["own_shards", "wake"]

_INT = 0xFFFFFFFF


def own_shards(context: RuntimeContext, shards: int) -> list[int]:
    """The shards whose state is a worker's: those of Flink's key groups that are its."""
    maximum = context.get_max_number_of_parallel_subtasks()
    parallelism = context.get_number_of_parallel_subtasks()
    index = context.get_index_of_this_subtask()
    return [
        number
        for number in range(shards)
        if key_group(number, maximum) * parallelism // maximum == index
    ]


def key_group(shard: int, maximum: int) -> int:
    """Flink's group of a shard's state, as Flink 1.12 to 2.3 reckon it.

    The key is a Java ``Row`` of one ``Integer``, whose hash is 62 more than the number
    (``RowUtils.deepHashCodeRow``); the group is its murmur hash (``MathUtils.murmurHash``) modulo
    the maximal parallelism (``KeyGroupRangeAssignment.computeKeyGroupForKeyHash``).
    """
    return _murmur(62 + shard) % maximum


def wake(context: RuntimeContext, numbers: Sequence[int], timers: Any, milliseconds: int) -> None:
    """Registers a timer for each of a worker's shards, in the turn of one of them."""
    backend = keyed_state_backend(context)
    if backend is None:
        return
    current = backend.get_current_key()
    try:
        for number in numbers:
            backend.set_current_key(Row(number))
            timers.register_processing_time_timer(milliseconds)
    finally:
        backend.set_current_key(current)


def _murmur(code: int) -> int:
    code = code * 0xCC9E2D51 & _INT
    code = _rotated(code, 15) * 0x1B873593 & _INT
    code = (_rotated(code, 13) * 5 + 0xE6546B64) & _INT
    code ^= 4
    code = (code ^ code >> 16) * 0x85EBCA6B & _INT
    code = (code ^ code >> 13) * 0xC2B2AE35 & _INT
    code ^= code >> 16
    if code < 1 << 31:
        return code
    return 0 if code == 1 << 31 else (1 << 32) - code


def _rotated(code: int, by: int) -> int:
    return (code << by | code >> (32 - by)) & _INT
